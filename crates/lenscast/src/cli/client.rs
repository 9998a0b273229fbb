//! Speaking to a server that runs on this computer, by its control socket.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use clap::Args;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lenscast_base::state::{CONTROL_SOCKET, StateDir};
use lenscast_settings::{Loaded, Sources};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// Where the service that the packages install keeps its state.
const SERVICE: &str = "/var/lib/lenscast";

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Which server is meant.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which server")]
pub(crate) struct Which {
    /// The state directory of the server; unless it is given, what its configuration says, or else where a server that you
    /// start keeps it, or else the service's
    #[arg(long, value_name = "DIR", env = "LENSCAST_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Client {
    socket: PathBuf,
}

/// The server did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Refused {
    /// The HTTP code.
    pub code: u16,
    /// Why, in its words.
    pub sentence: String,
}

/// Nothing answers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoServer(String);

impl Which {
    /// Finds it.
    ///
    /// # Errors
    /// When there is none, with a sentence that says where it was looked for.
    pub(crate) async fn find(&self) -> Result<Client, Box<dyn Error>> {
        let places = match &self.state_dir {
            Some(_) => self.places(None),
            None => self.places(Some(&self.sources().load()?)),
        };
        for place in &places {
            let Client { socket } = Client::at(place);
            match UnixStream::connect(&socket).await {
                Ok(_) => return Ok(Client { socket }),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(forbidden(&socket));
                }
                Err(_) => {}
            }
        }
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Err(NoServer(format!(
            "no lenscast server is running that keeps its state in {}. Start one with lenscast serve, or say where it does with --state-dir",
            places.join(" or ")
        ))
        .into())
    }

    /// Where its settings come from.
    pub(crate) fn sources(&self) -> Sources {
        Sources::of_this_process(self.config.clone(), Default::default())
    }

    /// Where it may keep its state, the first one first.
    pub(crate) fn places(&self, loaded: Option<&Loaded>) -> Vec<PathBuf> {
        if let Some(place) = &self.state_dir {
            return vec![place.clone()];
        }
        let set = loaded.and_then(|loaded| loaded.settings.state_dir.clone());
        let own = set.or_else(StateDir::default_place);
        own.into_iter().chain([PathBuf::from(SERVICE)]).collect()
    }
}

impl Client {
    /// Of a server that keeps its state there.
    pub(crate) fn at(place: &Path) -> Self {
        Self { socket: place.join(CONTROL_SOCKET) }
    }

    /// The socket at which it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks for something and reads the answer.
    ///
    /// # Errors
    /// [`Refused`] when the server does not do it; others when it does not answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Box<dyn Error>> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = to_bytes(Body::new(answer.into_body()), MAX_ANSWER).await?;
        drop(sender);
        #[expect(
            clippy::let_underscore_must_use,
            reason = "its error is that of the request, which tells it"
        )]
        let _ = connection.await;
        if status.is_success() {
            return Ok(serde_json::from_slice(if body.is_empty() { b"null" } else { &body })?);
        }
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut sentence = problem["detail"].as_str().unwrap_or("the server does not say why").to_owned();
        for error in problem["errors"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            sentence += &format!("\n  {error}");
        }
        Err(Refused { code: status.as_u16(), sentence }.into())
    }
}

fn forbidden(socket: &Path) -> Box<dyn Error> {
    let socket = socket.display();
    NoServer(format!("you may not speak to the server at {socket}: only who runs it may, and root (sudo)"))
        .into()
}
