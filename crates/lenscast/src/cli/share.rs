//! `lenscast share`: a link with which somebody may watch for a while.

use super::client::Which;
use super::print;
use axum::http::Method;
use clap::Args;
use lenscast_base::time;
use lenscast_protocol::CameraName;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;

#[derive(Debug, Args)]
pub(crate) struct Share {
    /// The camera
    #[arg(value_name = "CAMERA", value_parser = camera, required_unless_present = "all", conflicts_with = "all")]
    camera: Option<CameraName>,
    /// All cameras, those to come included
    #[arg(long)]
    all: bool,
    /// For how long: 30m, 24h, 7d
    #[arg(long = "for", value_name = "TIME", value_parser = time::span)]
    for_s: u64,
    /// What the link is called in lists
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    path: String,
    expires: u64,
    links: Vec<String>,
}

/// Makes one and prints it.
pub(crate) async fn run(share: Share) -> Result<(), Box<dyn Error>> {
    let client = share.which.find().await?;
    let camera = share.camera.as_ref().map(CameraName::as_str);
    let wanted = json!({ "camera": camera, "for_s": share.for_s, "label": share.label });
    let made: Made = client.ask(Method::POST, "/api/access/shares", Some(&wanted)).await?;
    let what = camera.map_or_else(|| "All cameras".to_owned(), |camera| format!("The camera {camera}"));
    let until = time::moment(made.expires);
    let links = if made.links.is_empty() { vec![made.path] } else { made.links };
    print(&format!(
        "{what} can be watched until {until} by everybody who has this link:\n  {}\nTo take it back: lenscast access revoke {}",
        links.join("\n  "),
        made.id
    ));
    Ok(())
}

/// A camera's name.
pub(crate) fn camera(text: &str) -> Result<CameraName, String> {
    CameraName::new(text).map_err(|error| error.to_string())
}
