//! `lenscast doctor`: what is wrong with an installation.

use super::client::{Client, Which};
use super::{print_as_it_is, terminal_width, wants_colours};
use axum::http::Method;
use clap::Args;
use lenscast_doctor::report::Style;
use lenscast_doctor::{Answers, Build, Control, Installation, examine};
use serde_json::Value;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// The build of this program, as `build.rs` noted it.
const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    without_nasm: matches!(env!("LENSCAST_NASM").as_bytes(), b"missing"),
    debug: cfg!(debug_assertions),
    built: match u64::from_str_radix(env!("LENSCAST_BUILT"), 10) {
        Ok(built) => built,
        Err(_) => 0,
    },
};

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    which: Which,
}

/// Looks, and says what it found. The program fails when something is wrong.
pub(crate) async fn run(Doctor { which }: Doctor) -> Result<ExitCode, Box<dyn Error>> {
    let settings = which.sources().load();
    let places = which.places(settings.as_ref().ok());
    let mut seen = Vec::new();
    for place in places {
        let control = control(&place).await;
        seen.push((place, control));
    }
    let own = seen.first().map(|(place, _)| place.clone());
    let (state_dir, control) = meant(seen);
    let of_service = state_dir != own;
    let settings = settings.map(Arc::new);
    let installation = Installation { settings, state_dir, of_service, control, build: BUILD };
    let report = examine(&installation);
    print_as_it_is(&report.text(Style { colours: wants_colours(), width: terminal_width() }));
    Ok(if report.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Of the places where a server may keep its state, the one that is meant: where there is a server, else where there was one,
/// else the first.
fn meant(mut seen: Vec<(PathBuf, Control)>) -> (Option<PathBuf>, Control) {
    let runs = |(_, control): &(PathBuf, Control)| !matches!(control, Control::Nothing | Control::Left);
    let ran = |(place, _): &(PathBuf, Control)| place.is_dir();
    let at = seen.iter().position(runs).or_else(|| seen.iter().position(ran)).unwrap_or(0);
    if seen.is_empty() {
        return (None, Control::Nothing);
    }
    let (place, control) = seen.swap_remove(at);
    (Some(place), control)
}

/// Asks the server that keeps its state there.
async fn control(place: &Path) -> Control {
    let client = Client::at(place);
    match UnixStream::connect(client.socket()).await {
        Ok(_) => {}
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::PermissionDenied => Control::Forbidden,
                io::ErrorKind::ConnectionRefused => Control::Left,
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Control::Nothing,
                _ => Control::Silent(error.to_string()),
            };
        }
    }
    let ask = async {
        let status = client.ask::<Value>(Method::GET, "/status", None).await?;
        // A server of an older version does not know it.
        let server = client.ask::<Value>(Method::GET, "/api/server", None).await.unwrap_or_default();
        Ok::<_, Box<dyn Error>>(Answers { status, server })
    };
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(answers)) => Control::Answers(Box::new(answers)),
        Ok(Err(error)) => Control::Silent(error.to_string()),
        Err(_) => Control::Silent(format!("it says nothing for {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_runs_is_meant_before_one_that_ran_and_that_before_none() {
        let folder = tempfile::tempdir().unwrap();
        let (there, none) = (folder.path().to_owned(), folder.path().join("none"));
        let service = PathBuf::from("/service");
        let place = |seen: &[(&PathBuf, Control)]| {
            let again = |control: &Control| match control {
                Control::Forbidden => Control::Forbidden,
                _ => Control::Nothing,
            };
            meant(seen.iter().map(|(place, control)| ((*place).clone(), again(control))).collect()).0
        };
        use Control::{Forbidden, Nothing};
        assert_eq!(place(&[(&there, Nothing), (&service, Forbidden)]), Some(service.clone()));
        assert_eq!(place(&[(&none, Nothing), (&there, Nothing)]), Some(there.clone()));
        assert_eq!(place(&[(&there, Nothing), (&service, Nothing)]), Some(there));
        assert_eq!(place(&[(&none, Nothing), (&service, Nothing)]), Some(none));
        assert_eq!(place(&[]), None);
    }
}
