//! What logins cost the real program, by what the system says.

use super::commands::Server;
use super::world::*;
use crate::harness::PATIENCE;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Logins that are tried. Ten were enough to keep 165 MB.
const LOGINS: usize = 200;

/// What may be kept of all of them, in kB.
const KEPT_KB: u64 = 5 * 1024;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn logins_give_all_their_memory_back() {
    let server = Arc::new(Server::start(&[]).await);
    assert!(server.run(&["access", "password", "anna"], "correct horse\n").await.status.success());
    let rss = || server.program.kernel_says("VmRSS");
    for number in 0..20 {
        let address = format!("198.51.100.{number}");
        server.answers(&address, ask("GET", "/status").basic(("", "x"))).await;
    }
    let settled = async |limit: u64| {
        let begun = Instant::now();
        while rss() > limit && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        rss()
    };
    let before = settled(0).await;
    let mut all = JoinSet::new();
    for number in 0..LOGINS {
        let server = server.clone();
        all.spawn(async move {
            // Each from an address of its own, so that none has to wait; a few at a time.
            tokio::time::sleep(Duration::from_millis(number as u64 * 10)).await;
            let address = format!("203.0.{}.{}", number / 200, number % 200);
            let password = if number % 4 == 0 { "correct horse" } else { "wrong horse" };
            let login = ask("POST", "/api/login").json(json!({"name": "anna", "password": password}));
            server.answers(&address, login).await.code
        });
    }
    let codes = all.join_all().await;
    let count = |wanted: u16| codes.iter().filter(|code| **code == wanted).count();
    assert_eq!(count(204) + count(401) + count(429), LOGINS, "{codes:?}");
    assert!(count(401) > 10 && count(204) > 0, "{codes:?}");
    let after = settled(before + KEPT_KB).await;
    assert!(after <= before + KEPT_KB, "{before} kB before, {after} kB after {LOGINS} logins");
}
