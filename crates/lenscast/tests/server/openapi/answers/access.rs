//! Of credentials.

use super::Reading;
use crate::access::world::{World, ask};
use lenscast_auth::store::{MAX_SHARES, MAX_TOKENS};
use serde_json::{Value, json};
use std::path::Path;

impl Reading {
    pub async fn access(&mut self) {
        let (tokens, users, shares) = ("/api/access/tokens", "/api/access/users", "/api/access/shares");
        let (password, one) = ("/api/access/users/{name}/password", "/api/access/{id}");
        let made = self.send("POST", tokens, tokens, json!({"kind": "view"}), 201).await.json();
        self.send(
            "POST",
            tokens,
            tokens,
            json!({"kind": "camera", "cameras": ["back"], "label": "b", "expires_in_s": 60}),
            201,
        )
        .await;
        for body in [
            json!({"kind": "session"}),
            json!({"kind": "view", "cameras": []}),
            json!({"kind": "view", "cameras": ["NO"]}),
            json!({"kind": "view", "expires_in_s": 0}),
            json!({"kind": "view", "expires_in_s": 315_360_001}),
            json!({"kind": "view", "label": "x".repeat(65)}),
            json!({"kind": "view", "label": "a\nb"}),
            json!({"kind": "view", "for_s": 60}),
        ] {
            assert_ne!(self.book.wrong_body("POST", tokens, &body), [""; 0], "{body}");
            self.send("POST", tokens, tokens, body, 400).await;
        }
        let carla =
            json!({"name": "carla", "password": "correct horse", "role": "view", "cameras": ["front"]});
        self.send("POST", users, users, carla.clone(), 201).await;
        self.send("POST", users, users, carla, 409).await;
        for body in [
            json!({"name": "Carla", "password": "correct horse", "role": "view"}),
            json!({"name": "dora", "password": "correct horse", "role": "owner"}),
            json!({"name": "dora", "role": "view"}),
            json!({"name": "dora", "password": "x".repeat(257), "role": "view"}),
        ] {
            assert_ne!(self.book.wrong_body("POST", users, &body), [""; 0], "{body}");
            self.send("POST", users, users, body, 400).await;
        }
        let other = json!({"password": "battery staple"});
        self.send("PUT", password, "/api/access/users/carla/password", other.clone(), 204).await;
        self.send("PUT", password, "/api/access/users/nobody/password", other, 404).await;
        self.send("PUT", password, "/api/access/users/carla/password", json!({"password": "short"}), 400)
            .await;
        self.send("POST", shares, shares, json!({"camera": "front", "for_s": 3600, "label": "gran"}), 201)
            .await;
        self.send("POST", shares, shares, json!({"for_s": 3600}), 201).await;
        for body in [json!({"for_s": 0}), json!({"camera": "NO", "for_s": 60}), json!({})] {
            assert_ne!(self.book.wrong_body("POST", shares, &body), [""; 0], "{body}");
            self.send("POST", shares, shares, body, 400).await;
        }
        let closed = json!({"kind": "camera", "cameras": ["gate"]});
        let key = self.send("POST", tokens, tokens, closed, 201).await.json();
        let (opening, gate) = ("/api/access/closed/{name}", "/api/access/closed/gate");
        self.do_it("DELETE", opening, gate, 409).await;
        self.do_it("DELETE", one, &format!("/api/access/{}", key["id"].as_str().unwrap()), 204).await;
        let list = self.get("/api/access", "/api/access", 200).await.json();
        self.do_it("DELETE", opening, gate, 204).await;
        self.do_it("DELETE", opening, gate, 404).await;
        self.do_it("DELETE", opening, "/api/access/closed/NO", 400).await;
        for kind in ["users", "tokens", "shares", "sessions", "closed"] {
            assert!(!list[kind].as_array().unwrap().is_empty(), "one of {kind} to be checked");
        }
        self.do_it("DELETE", one, &format!("/api/access/{}", made["id"].as_str().unwrap()), 204).await;
        self.do_it("DELETE", one, "/api/access/0000000000", 404).await;
        self.do_it("DELETE", one, "/api/access/nothing", 400).await;
        self.too_many().await;
    }

    /// As many tokens and shares as there may be.
    async fn too_many(&mut self) {
        let world = World::new(true).await;
        let (admin, file) = (world.admin.clone(), world.folder.path().join("state").join("credentials.json"));
        let (server, _folder) = world.restarted(|_| crowd(&file)).await;
        for (path, body) in
            [("/api/access/tokens", json!({"kind": "view"})), ("/api/access/shares", json!({"for_s": 3600}))]
        {
            let answer = ask("POST", path).json(body).bearer(&admin).at_home(&server).await;
            self.see("POST", path, 409, answer);
        }
    }
}

/// Makes many of the tokens and shares that are kept: one by one would take long.
fn crowd(file: &Path) {
    let mut kept: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for (kind, limit, id) in [("tokens", MAX_TOKENS, "/info/id"), ("shares", MAX_SHARES, "/id")] {
        let all = kept[kind].as_array_mut().unwrap();
        for number in all.len()..limit {
            let mut another = all[0].clone();
            *another.pointer_mut(id).unwrap() = format!("{number:010x}").into();
            all.push(another);
        }
    }
    std::fs::write(file, kept.to_string()).unwrap();
}
