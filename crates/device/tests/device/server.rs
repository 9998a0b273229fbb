//! A WebSocket server without a socket.

use lenscast_protocol::control::SUBPROTOCOL;
use lenscast_protocol::ws::{self, Decoder, Event, Opcode, Role};

pub struct Server {
    /// Whether it knows `lenscast.v1`.
    extended: bool,
    request: Vec<u8>,
    upgraded: bool,
    decoder: Decoder,
    answer: Vec<u8>,
    /// The heads of all requests.
    pub requests: Vec<String>,
    pub frames: Vec<Vec<u8>>,
    pub texts: Vec<String>,
    /// The code of the camera's good-bye.
    pub closed: Option<u16>,
}

fn decoder() -> Decoder {
    Decoder::new(Role::Server, 1 << 20)
}

impl Server {
    /// As the original: it knows no subprotocol.
    pub fn plain() -> Self {
        Self {
            extended: false,
            request: Vec::new(),
            upgraded: false,
            decoder: decoder(),
            answer: Vec::new(),
            requests: Vec::new(),
            frames: Vec::new(),
            texts: Vec::new(),
            closed: None,
        }
    }

    /// As ours.
    pub fn extended() -> Self {
        Self { extended: true, ..Self::plain() }
    }

    pub fn say(&mut self, text: &str) {
        self.answer.extend(ws::frame(Opcode::Text, text.as_bytes()));
    }

    pub(super) fn dialled(&mut self) {
        (self.upgraded, self.decoder) = (false, decoder());
        self.request.clear();
        self.answer.clear();
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answer)
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        if !self.upgraded {
            self.request.extend_from_slice(bytes);
            let text = String::from_utf8_lossy(&self.request).into_owned();
            if text.ends_with("\r\n\r\n") {
                self.upgrade(text);
            }
            return;
        }
        let mut input = bytes;
        while let Some(event) = self.decoder.decode(&mut input).expect("the device speaks RFC 6455") {
            match event {
                Event::Binary(frame) => self.frames.push(frame),
                Event::Text(text) => self.texts.push(text),
                Event::Ping(payload) => self.answer.extend(ws::frame(Opcode::Pong, &payload)),
                Event::Pong(_) => {}
                Event::Close(reason) => {
                    self.closed = reason.map(|(code, _)| code);
                    self.answer.extend(ws::close_frame(1000, ""));
                }
            }
        }
    }

    fn upgrade(&mut self, request: String) {
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .expect("a client sends a key");
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            ws::accept_key(key)
        );
        if self.extended && request.contains(SUBPROTOCOL) {
            answer += &format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n");
        }
        self.answer.extend_from_slice((answer + "\r\n").as_bytes());
        self.upgraded = true;
        self.requests.push(request);
    }
}
