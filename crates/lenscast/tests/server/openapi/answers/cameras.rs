//! Of cameras: what is going on, pictures, changes, virtual ones.

use super::Reading;
use crate::access::world::ask;
use crate::device::{hello, telemetry};
use crate::harness::*;
use serde_json::json;

impl Reading {
    pub async fn cameras(&mut self) {
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
        self.world.server.app.cameras.histories().sample(self.world.server.app.cameras.streams());

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
            (json!({"turn": 270, "mirrored": true}), 200),
            (json!({"turn": 0, "mirrored": false, "fps": 7.5}), 202),
            (json!({"turn": 45}), 400),
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
            json!({"turn": 45}),
            json!({"mirrored": "yes"}),
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
        let mut plain = self.world.server.connect(&self.dial("/ws/camera")).await;
        plain.send_jpeg(&jpeg(1)).await;
        self.world.server.camera_until("default", |camera| camera["frames_in"] == 1).await;
        plain.close().await;
        self.world.server.camera_until("default", |camera| camera["connected"] == false).await;
        self.do_it("DELETE", "/api/cameras", "/api/cameras", 200).await;
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
}
