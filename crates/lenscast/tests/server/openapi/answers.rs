//! Real answers, held against what is described: every code of every operation, but for those that say so.

mod access;
mod cameras;

use super::book::Book;
use crate::access::starting::Configured;
use crate::access::world::*;
use crate::device::{hello, telemetry};
use crate::harness::*;
use lenscast_auth::secret::{Kind, Secret};
use serde_json::{Value, json};

/// What is described and cannot be had here: a disk that takes nothing, a client that dawdles (`strangers::slow`), and a
/// server that ends.
fn cannot_be_had(answer: &str) -> bool {
    answer.ends_with(" 500") || answer.ends_with(" 408") || answer == "GET /readyz 503"
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
        for path in ["/healthz", "/readyz", "/api/clock", "/api/server", "/api/openapi.json", "/api/events"] {
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
        let server = with_password(ask("GET", "/api/server")).at_home(&configured.server).await;
        let server = self.see("GET", "/api/server", 200, server).json();
        assert!(server["mistakes"][0].as_str().unwrap().contains("max_viewers"), "{server}");
        let answer = reload().at_home(&configured.server).await;
        assert!(
            !self.see("POST", "/api/reload", 422, answer).json()["errors"].as_array().unwrap().is_empty()
        );
    }
}

fn known(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method).unwrap()
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
    let refused = ask("GET", "/ws/camera/front").upgrade().at_home(server).await;
    assert_eq!(refused.code, 401);
    let request = ask("GET", "/api/events").bearer(&reading.world.admin).from(Place::Home, server);
    let text = request.read_until(server, "event: status\ndata: ").await;
    let events = &reading.book.operation("GET", "/api/events")["x-events"];
    for name in ["hello", "refused", "status"] {
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
