//! `lenscast reload`: has the server that runs read its configuration again, as SIGHUP does, and tells what came of it.

use super::client::Which;
use super::print;
use axum::http::Method;
use clap::Args;
use serde::Deserialize;
use std::error::Error;

#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    which: Which,
}

#[derive(Deserialize)]
struct Reloaded {
    applied: Vec<String>,
    needs_restart: Vec<String>,
}

/// Has it done, and prints what is in force now and what is not.
pub(crate) async fn run(Reload { which }: Reload) -> Result<(), Box<dyn Error>> {
    let client = which.find().await?;
    let Reloaded { applied, needs_restart } = client.ask(Method::POST, "/api/reload", None).await?;
    let mut text = match applied.as_slice() {
        [] => "Nothing to apply.".to_owned(),
        applied => format!("In force now: {}.", applied.join(", ")),
    };
    if !needs_restart.is_empty() {
        text += &format!("\nOnly when the server is started again: {}.", needs_restart.join(", "));
    }
    print(&text);
    Ok(())
}
