//! Logins: many, rude, and after the owner's password.

use super::Hostile;
use crate::server::VIEW_PASSWORD;
use crate::wire;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

/// Guesses that may be compared in an attack: five are free, then each waits twice as long as the one before. Ten minutes
/// of guessing are about 20.
const COMPARED: usize = 20;

/// Of so many guesses at once.
const AT_ONCE: usize = 3000;

fn login(hostile: Hostile, name: &str, password: &str) -> String {
    wire::post(hostile.server, "/api/login", &format!(r#"{{"name":"{name}","password":"{password}"}}"#))
}

pub(super) async fn rude(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        if let Ok(mut stream) = wire::connect(hostile.from, hostile.server).await {
            #[expect(clippy::let_underscore_must_use, reason = "it hangs up anyway")]
            let _ =
                stream.write_all(login(hostile, &format!("user-{number}"), "a wrong horse").as_bytes()).await;
        }
    };
    hostile.swarm(64, one).await;
    Ok(())
}

pub(super) async fn polite(hostile: Hostile) -> Result<(), String> {
    let one = |hostile: Hostile, number: usize| async move {
        #[expect(clippy::let_underscore_must_use, reason = "whatever it answers, it is asked again")]
        let _ = wire::ask(
            hostile.from,
            hostile.server,
            &login(hostile, &format!("user-{number}"), "a wrong horse"),
        )
        .await;
    };
    hostile.swarm(10, one).await;
    Ok(())
}

pub(super) async fn guesses(hostile: Hostile) -> Result<(), String> {
    let compared = Arc::new(AtomicUsize::new(0));
    let basic = |number: usize| {
        let head = wire::head("GET", hostile.server, "/api/server");
        let who =
            wire::basic(if number.is_multiple_of(2) { "" } else { "admin" }, &format!("guess {number}"));
        format!("{head}{who}Connection: close\r\n\r\n")
    };
    // Many at once, before any of them is counted.
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let (request, compared) = (basic(number), compared.clone());
        tasks.spawn(async move {
            // A guess that was compared is answered that it is wrong; one that was not, that it has to wait.
            if let Ok((401, _)) = wire::ask(hostile.from, hostile.server, &request).await {
                compared.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while hostile.goes_on() && tasks.join_next().await.is_some() {}
    tasks.shutdown().await;
    // Then one after the other, with a login that is one's own between them.
    let mut number = AT_ONCE;
    while hostile.goes_on() {
        for _ in 0..4 {
            number += 1;
            let request = login(hostile, "", &format!("guess {number}"));
            if let Ok((401, _)) = wire::ask(hostile.from, hostile.server, &request).await {
                compared.fetch_add(1, Ordering::Relaxed);
            }
        }
        #[expect(clippy::let_underscore_must_use, reason = "whether it may log in now is not the question")]
        let _ = wire::ask(hostile.from, hostile.server, &login(hostile, "", VIEW_PASSWORD)).await;
    }
    match compared.load(Ordering::Relaxed) {
        few if few <= COMPARED => Ok(()),
        many => Err(format!("{many} guesses were compared")),
    }
}
