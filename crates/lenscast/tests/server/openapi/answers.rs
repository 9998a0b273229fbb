//! Real answers, held against what is described: every code of every operation, but for those that say so.

use super::book::Book;
use crate::access::starting::Configured;
use crate::access::world::*;
use crate::device::{hello, telemetry};
use crate::harness::*;
use lenscast::auth::secret::{Kind, Secret};
use lenscast::auth::store::{MAX_SHARES, MAX_TOKENS};
use serde_json::{Value, json};
use std::path::Path;

/// What is described and cannot be had here: a disk that takes nothing, and a server that ends.
fn cannot_be_had(answer: &str) -> bool {
    answer.ends_with(" 500") || answer == "GET /readyz 503"
}

/// The path of an operation, with parts that are right.
fn filled(path: &str) -> String {
    let path =
        path.replace("/users/{name}", "/users/anna").replace("{name}", "front").replace("{id}", "0000000000");
    let file = if path.starts_with("/snapshot") { "front.jpg" } else { "front.ts" };
    path.replace("{file}", file)
}

/// A server in which there is a bit of everything, and its description.
struct Reading {
    world: World,
    book: Book,
    /// Where guesses are made.
    guessing: World,
}

impl Reading {
    async fn new() -> Self {
        let world = World::new(true).await;
        let book = Book::of(&world.server).await;
        Self { world, book, guessing: World::new(true).await }
    }

    /// The path by which a camera is let in.
    fn dial(&self, path: &str) -> String {
        format!("{path}?token={}", self.world.admin.expose())
    }

    /// Asks with the right to do everything, and checks the answer.
    async fn get(&mut self, template: &str, path: &str, code: u16) -> Answer {
        let answer = ask("GET", path).bearer(&self.world.admin).at_home(&self.world.server).await;
        self.see("GET", template, code, answer)
    }

    /// The same with a body, which has to be one that is described if it is taken.
    async fn send(
        &mut self,
        method: &'static str,
        template: &str,
        path: &str,
        body: Value,
        code: u16,
    ) -> Answer {
        let wrong = self.book.wrong_body(method, template, &body);
        assert!(code >= 300 || wrong.is_empty(), "{method} {path} takes {body}, and {wrong:?}");
        let request = ask(method, path).json(&body).bearer(&self.world.admin);
        let answer = request.at_home(&self.world.server).await;
        self.see(method, template, code, answer)
    }

    /// The same without a body.
    async fn do_it(&mut self, method: &'static str, template: &str, path: &str, code: u16) -> Answer {
        let answer = ask(method, path).bearer(&self.world.admin).at_home(&self.world.server).await;
        self.see(method, template, code, answer)
    }

    fn see(&mut self, method: &'static str, template: &str, code: u16, answer: Answer) -> Answer {
        assert_eq!(answer.code, code, "{method} {template}: {answer:?}");
        self.book.check(method, template, &answer);
        answer
    }

    /// What is answered whatever the handler does: to strangers, to foreign pages, to bodies that are none.
    async fn doors(&mut self) {
        let operations: Vec<(&'static str, String, bool, bool)> = self
            .book
            .operations()
            .map(|(method, path, operation)| {
                let needs = operation["x-right"] != "nothing";
                (known(&method), path, needs, operation.get("requestBody").is_some())
            })
            .collect();
        let server = &self.world.server;
        for (method, path, needs, takes_body) in operations {
            let request = || ask(method, filled(&path)).header("Content-Type", "application/json");
            let (mut codes, mut answers) = (Vec::new(), Vec::new());
            if needs {
                codes.extend([401, 403, 429]);
                answers.push(request().at_home(server).await);
                // A camera's key allows nothing of this.
                answers.push(request().bearer(&self.world.front_key).at_home(server).await);
                answers.push(guessed(&self.guessing.server, &request).await);
            }
            if method != "GET" {
                codes.push(403);
                let foreign = request().header("Origin", "http://evil.example").bearer(&self.world.admin);
                answers.push(foreign.at_home(server).await);
            }
            if takes_body {
                codes.extend([400, 400, 413]);
                answers.push(request().text("7").bearer(&self.world.admin).at_home(server).await);
                // Not as its fields without their names.
                answers.push(request().text("[]").bearer(&self.world.admin).at_home(server).await);
                let long = format!("{{\"title\": \"{}\"}}", "x".repeat(5000));
                answers.push(request().text(long).bearer(&self.world.admin).at_home(server).await);
                assert_ne!(
                    self.book.wrong_body(method, &path, &json!(7)),
                    [""; 0],
                    "{method} {path} takes 7"
                );
            }
            assert_eq!(
                answers.iter().map(|answer| answer.code).collect::<Vec<u16>>(),
                codes,
                "{method} {path}"
            );
            for answer in &answers {
                self.book.check(method, &path, answer);
            }
        }
    }

    async fn cameras(&mut self) {
        let (camera, history) = ("/api/cameras/{name}", "/api/cameras/{name}/history");
        self.get("/status", "/status", 200).await;
        self.get("/snapshot.jpg", "/snapshot.jpg", 503).await;
        self.get("/snapshot/{file}", "/snapshot/side.jpg", 503).await;
        self.get(history, "/api/cameras/side/history", 200).await;
        let mut side = self.world.server.device(&self.dial("/ws/camera/side"), hello("a"), telemetry()).await;
        side.send_jpeg(&jpeg(1)).await;
        let mut plain = self.world.server.connect(&self.dial("/ws/camera")).await;
        plain.send_jpeg(&jpeg(1)).await;
        self.world.server.camera_until("side", |side| !side["device"]["picture"].is_null()).await;
        self.world.server.status_until(|status| status["camera_clients"] == 2).await;
        self.world.server.camera_until("default", |camera| camera["frames_in"] == 1).await;
        self.world.server.app.history.sample(&self.world.server.app.streams);

        let status = self.get("/status", "/status", 200).await.json();
        assert!(camera_in(&status, "side")["device"]["diagnosis"][0]["code"].is_string(), "{status}");
        let samples = self.get(history, "/api/cameras/side/history", 200).await.json();
        assert_eq!(samples["samples"].as_array().unwrap().len(), 1, "one to be checked");
        self.get(history, "/api/cameras/NO/history", 400).await;
        for (template, path) in [
            ("/snapshot.jpg", "/snapshot.jpg"),
            ("/snapshot/{file}", "/snapshot/side.jpg"),
            ("/stream.mjpg", "/stream.mjpg"),
            ("/stream.ts", "/stream.ts"),
            ("/stream/{file}", "/stream/side.mjpg"),
            ("/stream/{file}", "/stream/side.ts"),
            ("/metrics", "/metrics"),
        ] {
            self.get(template, path, 200).await;
        }
        self.get("/stream/{file}", "/stream/side.avi", 404).await;
        self.get("/snapshot/{file}", "/snapshot/side.png", 404).await;

        for (body, code) in [
            (json!({"title": " Side door "}), 200),
            (json!({"title": null}), 200),
            (json!({"title": "Side door", "size": "vga", "quality": 60, "fps": 7.5}), 202),
            (json!({"size": "uxga"}), 400),
            (json!({"quality": 101}), 400),
            (json!({}), 400),
            (json!({"title": "x", "colour": "red"}), 400),
        ] {
            self.send("PATCH", camera, "/api/cameras/side", body, code).await;
        }
        for body in [
            json!({}),
            json!({"colour": "red"}),
            json!({"quality": 0}),
            json!({"fps": 0.05}),
            json!({"size": "huge"}),
        ] {
            assert_ne!(self.book.wrong_body("PATCH", camera, &body), [""; 0], "{body}");
        }
        self.send("PATCH", camera, "/api/cameras/NO", json!({"title": "x"}), 400).await;
        self.send("PATCH", camera, "/api/cameras/nobody", json!({"fps": 5}), 404).await;
        self.send("PATCH", camera, "/api/cameras/default", json!({"fps": 5}), 409).await;

        self.do_it("DELETE", camera, "/api/cameras/NO", 400).await;
        self.do_it("DELETE", camera, "/api/cameras/nobody", 404).await;
        self.do_it("DELETE", camera, "/api/cameras/default", 409).await;
        plain.close().await;
        self.world.server.camera_until("default", |camera| camera["connected"] == false).await;
        self.do_it("DELETE", camera, "/api/cameras/default", 204).await;
        self.demos().await;
        drop(side);
    }

    async fn demos(&mut self) {
        let path = "/api/demo";
        self.send("POST", path, path, json!({"name": "side"}), 409).await;
        self.send("POST", path, path, json!({"name": "NO"}), 400).await;
        self.send("POST", path, path, json!({"name": "one"}), 201).await;
        self.send("POST", path, path, json!({"name": "one"}), 200).await;
        let nothing = ask("POST", path).bearer(&self.world.admin).at_home(&self.world.server).await;
        self.see("POST", path, 201, nothing);
        for name in ["three", "four"] {
            self.send("POST", path, path, json!({"name": name}), 201).await;
        }
        self.send("POST", path, path, json!({"name": "five"}), 503).await;
        self.do_it("DELETE", path, "/api/demo?name=five", 404).await;
        self.do_it("DELETE", path, "/api/demo?names=one", 400).await;
        // As a client may prove who it is, by the description.
        let answer = ask("DELETE", path).token(&self.world.admin).at_home(&self.world.server).await;
        self.see("DELETE", path, 204, answer);
        for query in ["?name=one", "?name=three", "?name=four"] {
            self.do_it("DELETE", path, &format!("{path}{query}"), 204).await;
        }
    }

    async fn access(&mut self) {
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
        let list = self.get("/api/access", "/api/access", 200).await.json();
        for kind in ["users", "tokens", "shares", "sessions"] {
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

    async fn sessions(&mut self) {
        let (login, token) = ("/api/login", self.world.view.expose().to_owned());
        self.get("/api/me", "/api/me", 200).await;
        let stranger = ask("GET", "/api/me").at_home(&self.world.server).await;
        assert!(self.see("GET", "/api/me", 200, stranger).json()["name"].is_null());
        let friend = ask("GET", "/api/me").token(&self.world.front_share).at_home(&self.world.server).await;
        assert_eq!(self.see("GET", "/api/me", 200, friend).json()["rights"]["view"], json!(["front"]));
        for (body, code) in [
            (json!({"name": VIEWER.0, "password": VIEWER.1}), 204),
            (json!({"token": token}), 204),
            (json!({"token": token, "password": "both"}), 400),
            (json!({"name": VIEWER.0, "password": "wrong horse"}), 401),
            (json!({"token": self.world.front_key.expose()}), 403),
        ] {
            self.send("POST", login, login, body, code).await;
        }
        let guess = || ask("POST", login).json(json!({"token": Secret::generate(Kind::View).expose()}));
        let answer = guessed(&self.guessing.server, &guess).await;
        self.see("POST", login, 429, answer);
        let out = ask("POST", "/api/logout").json("").cookie(&self.world.viewer_session);
        let answer = out.at_home(&self.world.server).await;
        self.see("POST", "/api/logout", 204, answer);
    }

    async fn server(&mut self) {
        for path in ["/healthz", "/readyz", "/api/clock", "/api/openapi.json", "/api/events"] {
            self.get(path, path, 200).await;
        }
        self.do_it("POST", "/api/reload", "/api/reload", 409).await;
        let world = World::with(true, |config| config.limits.max_viewers = 0).await;
        for (template, path) in [
            ("/stream.mjpg", "/stream.mjpg"),
            ("/stream.ts", "/stream.ts"),
            ("/stream/{file}", "/stream/front.ts"),
            ("/api/events", "/api/events"),
        ] {
            let answer = ask("GET", path).bearer(&world.admin).at_home(&world.server).await;
            self.see("GET", template, 503, answer);
        }
        self.configured().await;
    }

    /// A server with a configuration that can be read again.
    async fn configured(&mut self) {
        let configured = Configured::new("admin_password = \"battery staple\"\n");
        let with_password = |ask: Ask| ask.json("").basic(("admin", "battery staple"));
        let list = with_password(ask("GET", "/api/access")).at_home(&configured.server).await;
        let list = self.see("GET", "/api/access", 200, list).json();
        let id = list["configured"]["users"][0]["id"].as_str().unwrap();
        let answer =
            with_password(ask("DELETE", format!("/api/access/{id}"))).at_home(&configured.server).await;
        self.see("DELETE", "/api/access/{id}", 409, answer);
        let reload = || with_password(ask("POST", "/api/reload"));
        let answer = reload().at_home(&configured.server).await;
        self.see("POST", "/api/reload", 200, answer);
        std::fs::write(configured.folder.path().join("lenscast.toml"), "max_viewers = \"many\"").unwrap();
        let answer = reload().at_home(&configured.server).await;
        assert!(
            !self.see("POST", "/api/reload", 422, answer).json()["errors"].as_array().unwrap().is_empty()
        );
    }
}

fn known(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method).unwrap()
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

/// The answer to somebody who has guessed too often. It is asked on a server of its own, on which others may have to wait, too.
async fn guessed(server: &Running, request: &impl Fn() -> Ask) -> Answer {
    loop {
        let guess = request()
            .header("Host", server.address.to_string())
            .header("X-Forwarded-For", "192.168.1.7")
            .bearer(&Secret::generate(Kind::Admin));
        let answer = guess.send(server).await;
        if answer.code != 401 {
            return answer;
        }
    }
}

#[tokio::test]
async fn whatever_is_answered_is_described_and_whatever_is_described_is_answered() {
    let mut reading = Reading::new().await;
    reading.doors().await;
    reading.sessions().await;
    reading.cameras().await;
    reading.server().await;
    reading.access().await;
    let unseen = reading.book.unseen().into_iter();
    assert_eq!(unseen.filter(|answer| !cannot_be_had(answer)).collect::<Vec<String>>(), [""; 0]);
}

#[tokio::test]
async fn the_data_of_events_is_what_is_described() {
    let reading = Reading::new().await;
    let server = &reading.world.server;
    let mut side = server.device(&reading.dial("/ws/camera/side"), hello("a"), telemetry()).await;
    side.send_jpeg(&jpeg(1)).await;
    server.camera_until("side", |side| !side["device"].is_null() && side["state"] == "live").await;
    let request = ask("GET", "/api/events").bearer(&reading.world.view).from(Place::Home, server);
    let text = request.read_until(server, "event: status\ndata: ").await;
    let events = &reading.book.operation("GET", "/api/events")["x-events"];
    for name in ["hello", "status"] {
        let data = text.split(&format!("event: {name}\ndata: ")).nth(1).unwrap().lines().next().unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(reading.book.wrong(&events[name], &data), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn what_is_no_operation_is_refused_as_the_document_says() {
    let reading = Reading::new().await;
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    for (method, path, code) in
        [("GET", "/api/nothing", 404), ("PROPFIND", "/api/clock", 405), ("POST", "/api/clock", 405)]
    {
        let request = ask(method, path).json("").bearer(&reading.world.admin);
        let answer = request.at_home(&reading.world.server).await;
        assert_eq!((answer.code, answer.header("content-type")), (code, Some("application/problem+json")));
        assert_eq!(reading.book.wrong(&problem, &answer.json()), [""; 0], "{method} {path}");
    }
    let answer =
        ask("POST", "/status").json("").bearer(&reading.world.admin).at_home(&reading.world.server).await;
    assert_eq!(answer.code, 405);
}
