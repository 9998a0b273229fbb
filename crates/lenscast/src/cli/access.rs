//! `lenscast access`: who may do what, listed, made and taken back.

mod said;

use super::client::{Client, Refused, Which};
use super::share::camera;
use super::table::table;
use super::{print, print_json};
use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};
use lenscast_base::time;
use lenscast_protocol::CameraName;
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Longest password that is read, in bytes.
const MAX_LINE: u64 = 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everybody who may do something, and when they last did
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Make a link or a camera's key, and show it this once
    #[command(subcommand)]
    New(New),
    /// Take back a login, link, key or session, by its id in the list
    Revoke {
        /// The id
        id: String,
        #[command(flatten)]
        which: Which,
    },
    /// Let devices without a key be a camera that had one: it stays closed until then
    Open {
        /// The camera
        #[arg(value_parser = camera)]
        name: CameraName,
        #[command(flatten)]
        which: Which,
    },
    /// Give somebody a password, or another one; it is asked for, or read from standard input
    Password {
        /// The name to log in with
        name: String,
        /// What a new user may do
        #[arg(long, value_enum, default_value_t)]
        right: Role,
        #[command(flatten)]
        only: Only,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum New {
    /// A link with which somebody may watch
    View {
        #[command(flatten)]
        link: Link,
        #[command(flatten)]
        only: Only,
    },
    /// A link with which somebody may do everything
    Admin {
        #[command(flatten)]
        link: Link,
    },
    /// A key that a camera has to show from now on
    Camera {
        /// The camera
        #[arg(value_parser = camera)]
        name: CameraName,
        /// What the key is called in lists
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Link {
    /// What it is called in lists: whose it is, or where
    #[arg(default_value = "")]
    name: String,
    /// For how long: 24h, 7d; for ever unless it is given
    #[arg(long = "for", value_name = "TIME", value_parser = time::span)]
    for_s: Option<u64>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Only {
    /// This camera only; may be given again for others
    #[arg(long = "camera", value_name = "CAMERA", value_parser = camera)]
    cameras: Vec<CameraName>,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Role {
    #[default]
    View,
    Admin,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    secret: String,
    links: Vec<String>,
}

/// Does it.
pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List { json, which } => list(which.find().await?, json).await,
        Command::New(new) => make(new).await,
        Command::Revoke { id, which } => {
            // Whatever else was typed must not become another path.
            let good = id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            let id = Some(id)
                .filter(|_| good)
                .ok_or("an id is ten of the characters 0-9 and a-f: see lenscast access list")?;
            let client = which.find().await?;
            // What it was is known only before.
            let listed: Value = client.ask(Method::GET, "/api/access", None).await?;
            let () = client.ask(Method::DELETE, &format!("/api/access/{id}"), None).await?;
            print(&said::revoked(&listed, open_to(&client).await?, &id));
            Ok(())
        }
        Command::Open { name, which } => {
            let client = which.find().await?;
            let () = client.ask(Method::DELETE, &format!("/api/access/closed/{name}"), None).await?;
            print(&said::opened(&name, open_to(&client).await?));
            Ok(())
        }
        Command::Password { name, right, only, which } => {
            set_password(&which.find().await?, &name, right, &only).await
        }
    }
}

/// What may be done without a credential.
async fn open_to(client: &Client) -> Result<said::OpenTo, Box<dyn Error>> {
    let server: Value = client.ask(Method::GET, "/api/server", None).await?;
    Ok(serde_json::from_value(server["access"].clone())?)
}

async fn make(new: New) -> Result<(), Box<dyn Error>> {
    let (which, wanted) = match &new {
        New::View { link, only } => (
            &link.which,
            json!({ "kind": "view", "label": link.name, "expires_in_s": link.for_s, "cameras": only.list() }),
        ),
        New::Admin { link } => {
            (&link.which, json!({ "kind": "admin", "label": link.name, "expires_in_s": link.for_s }))
        }
        New::Camera { name, label, which } => {
            (which, json!({ "kind": "camera", "label": label, "cameras": [name.as_str()] }))
        }
    };
    let client = which.find().await?;
    let Made { id, secret, links } = client.ask(Method::POST, "/api/access/tokens", Some(&wanted)).await?;
    let text = match new {
        New::Camera { name, .. } => said::keyed(&name, &secret, open_to(&client).await?),
        New::View { .. } | New::Admin { .. } => {
            let links = if links.is_empty() { format!("/?token={secret}") } else { links.join("\n  ") };
            format!(
                "Whoever has this link needs no password. It is shown only this once:\n  {links}\n\
                 For programs and players, the token alone:\n  {secret}"
            )
        }
    };
    print(&format!("{text}\nTo take it back: lenscast access revoke {id}"));
    Ok(())
}

async fn set_password(client: &Client, name: &str, right: Role, only: &Only) -> Result<(), Box<dyn Error>> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    if name.is_empty() || !name.bytes().all(allowed) || name.bytes().all(|byte| byte == b'.') {
        return Err("a user's name is of the characters a-z, 0-9, '.', - and _".into());
    }
    let password = read_password()?;
    let path = format!("/api/access/users/{name}/password");
    let changed: Result<(), _> = client.ask(Method::PUT, &path, Some(&json!({ "password": password }))).await;
    let error = match changed {
        Ok(()) => {
            print(&said::another_password(name));
            return Ok(());
        }
        Err(error) => error,
    };
    if error.downcast_ref::<Refused>().is_none_or(|refused| refused.code != 404) {
        return Err(error);
    }
    let role = match right {
        Role::View => "view",
        Role::Admin => "admin",
    };
    let wanted = json!({ "name": name, "password": password, "role": role, "cameras": only.list() });
    let _: Value = client.ask(Method::POST, "/api/access/users", Some(&wanted)).await?;
    print(&said::new_user(name, matches!(right, Role::Admin), only.list().as_deref()));
    Ok(())
}

async fn list(client: Client, as_json: bool) -> Result<(), Box<dyn Error>> {
    let listed: Value = client.ask(Method::GET, "/api/access", None).await?;
    if as_json {
        return Ok(print_json(&listed)?);
    }
    let now = time::now();
    let mut rows = vec![["ID", "WHAT", "MAY", "LAST USED", "ENDS"].map(str::to_owned)];
    for (source, suffix) in [(&listed, ""), (&listed["configured"], " (configuration)")] {
        for user in each(&source["users"]) {
            let what = format!("login {}{suffix}", text(&user["name"]));
            rows.push(row(user, what, may(&user["role"], &user["cameras"]), now));
        }
        for token in each(&source["tokens"]) {
            let kind = if token["kind"] == "camera" { "key" } else { "link" };
            let what = format!("{kind}{}{suffix}", labelled(token));
            rows.push(row(token, what, may(&token["kind"], &token["cameras"]), now));
        }
    }
    for share in each(&listed["shares"]) {
        let cameras = share["camera"].as_str().map_or(Value::Null, |camera| json!([camera]));
        let what = format!("share{}", labelled(share));
        let mut row = row(share, what, may(&json!("view"), &cameras), now);
        if share["revoked"] == true {
            row[4] = "taken back".into();
        }
        rows.push(row);
    }
    let what_is = rows[1..].iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>();
    for session in each(&listed["sessions"]) {
        let of = what_is.iter().find(|(id, _)| session["of"] == id.as_str()).map_or("", |(_, what)| what);
        rows.push(row(session, format!("browser of {of}"), "the same".into(), now));
    }
    for camera in each(&listed["closed"]) {
        let what = format!("camera {}", text(camera));
        rows.push(["–".into(), what, "closed: its key is gone".into(), "–".into(), "–".into()]);
    }
    if rows.len() == 1 {
        print("There is nobody who may do something by a login, link or key.");
        return Ok(());
    }
    print(&table(&rows));
    Ok(())
}

fn row(entry: &Value, what: String, may: String, now: u64) -> [String; 5] {
    let when =
        |at: &Value, never: &str| at.as_u64().map_or_else(|| never.to_owned(), |at| time::from_now(at, now));
    [text(&entry["id"]), what, may, when(&entry["last_used"], "never"), when(&entry["expires"], "–")]
}

fn may(kind: &Value, cameras: &Value) -> String {
    let verb = match kind.as_str() {
        Some("admin") => return "everything".into(),
        Some("camera") => "send as",
        _ => "watch",
    };
    let names: Vec<&str> = each(cameras).iter().filter_map(Value::as_str).collect();
    if cameras.is_null() { format!("{verb} all") } else { format!("{verb} {}", names.join(", ")) }
}

fn labelled(entry: &Value) -> String {
    let label = text(&entry["label"]);
    if label.is_empty() { label } else { format!(" {label}") }
}

/// A password that is typed is not shown, and typed twice; one that comes from elsewhere is the first line.
fn read_password() -> Result<String, Box<dyn Error>> {
    if !io::stdin().is_terminal() {
        return read_line();
    }
    let typed = hidden("Password: ")?;
    if hidden("Again: ")? != typed {
        return Err("these are two different passwords".into());
    }
    Ok(typed)
}

fn hidden(prompt: &str) -> Result<String, Box<dyn Error>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    eprint!("{prompt}");
    io::stderr().flush()?;
    let shown = tcgetattr(io::stdin())?;
    let mut silent = shown.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    // Who gives up must not be left with a terminal that shows nothing.
    let interrupted = {
        let shown = shown.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                #[expect(clippy::let_underscore_must_use, reason = "a terminal that is gone needs no modes")]
                let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &shown);
                eprintln!();
                std::process::exit(130);
            }
        })
    };
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
    let line = read_line();
    tcsetattr(io::stdin(), OptionalActions::Flush, &shown)?;
    interrupted.abort();
    eprintln!();
    line
}

fn read_line() -> Result<String, Box<dyn Error>> {
    let mut line = String::new();
    io::Read::take(io::stdin().lock(), MAX_LINE).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn each(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Only {
    fn list(&self) -> Option<Vec<&str>> {
        let names: Vec<&str> = self.cameras.iter().map(CameraName::as_str).collect();
        Some(names).filter(|names| !names.is_empty())
    }
}
