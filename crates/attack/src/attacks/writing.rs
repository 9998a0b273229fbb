//! What makes a server write: its log, its state.

use super::Hostile;
use crate::server::ADMIN_PASSWORD;
use crate::wire;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

pub(super) async fn refusals(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        for turn in 0..20 {
            let credential = format!("Authorization: Bearer lcv_{turn:032}\r\n");
            let foreign = "Origin: https://elsewhere.example\r\n";
            let (method, path, line) = match number % 5 {
                0 => ("GET", "/ws/camera/door?key=lcc_00000000", ""),
                1 => ("GET", "/api/server", &credential[..]),
                2 => ("GET", "/?token=lcs_nonsense", ""),
                3 => ("POST", "/api/logout", foreign),
                _ => (
                    "GET",
                    "/ws/viewer",
                    "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://elsewhere.example\r\n",
                ),
            };
            let request = format!(
                "{}{line}Content-Length: 0\r\nConnection: close\r\n\r\n",
                wire::head(method, hostile.server, path)
            );
            #[expect(clippy::let_underscore_must_use, reason = "whatever it answers, it is asked again")]
            let _ = wire::ask(hostile.from, hostile.server, &request).await;
        }
    };
    hostile.swarm(16, one).await;
    Ok(())
}

pub(super) async fn share_link(hostile: Hostile) -> Result<(), String> {
    let link =
        Arc::new(made(hostile).await.map_err(|error| format!("no share link could be made: {error}"))?);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let link = link.clone();
        tasks.spawn(async move {
            loop {
                let head = wire::head("GET", hostile.server, &format!("/?token={link}"));
                let request = format!(
                    "{head}Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n"
                );
                #[expect(clippy::let_underscore_must_use, reason = "whatever it answers, it is opened again")]
                let _ = wire::ask(hostile.from, hostile.server, &request).await;
            }
        });
    }
    sleep_until(hostile.until.into()).await;
    tasks.shutdown().await;
    Ok(())
}

/// Has the owner make a share link, and gives its token.
async fn made(hostile: Hostile) -> crate::Result<String> {
    let json = r#"{"camera":"steady","for_s":86400,"label":"for an attack"}"#;
    let (length, owner) = (json.len(), wire::basic("", ADMIN_PASSWORD));
    let head = wire::head("POST", hostile.server, "/api/access/shares");
    let request = format!(
        "{head}{owner}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{json}"
    );
    let (status, answer) = wire::ask(hostile.place.health(), hostile.server, &request).await?;
    let token = answer.find("lcs_").map(|at| &answer[at..]);
    let end = |text: &str| {
        text.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).unwrap_or(text.len())
    };
    match token {
        Some(token) if status < 300 => Ok(token[..end(token)].to_owned()),
        _ => Err(format!("{status}: {answer}").into()),
    }
}
