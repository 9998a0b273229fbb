//! A model of a WebSocket server (RFC 6455), good or bad.

use crate::dice::Dice;
use lenscast_protocol::control::SUBPROTOCOL;
use lenscast_protocol::ws::{Decoder, Event, Opcode, Role, accept_key, close_frame, frame, is_valid_key};

/// What a server is, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It knows `lenscast.v1`.
    Ours,
    /// It knows no subprotocols and ignores the offer.
    Plain,
    /// It fails handshakes with an offer in this way.
    Stumbles(Refusal),
}

/// How a handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Status,
    Closes,
    Resets,
    Garbage,
    Silence,
    WrongAccept,
}

/// What a server does wrong on an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Says good-bye.
    Closes,
    /// Ends the connection without a good-bye.
    Leaves,
    Resets,
    StopsReading,
    /// Neither side hears of the other any more.
    Vanishes,
    /// Sends what RFC 6455 forbids.
    Garbage,
    /// Announces a message of a terabyte.
    TooBig,
}

/// How the TCP connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// After everything that was written.
    Finish,
    /// At once.
    Reset,
    /// Never, and nothing passes.
    Vanish,
}

/// One connection.
pub struct Visit {
    kind: Kind,
    refusal: Option<Refusal>,
    stage: Stage,
    /// The request, until it is whole.
    request: Vec<u8>,
    pub negotiated: bool,
    pub reading: bool,
    /// Whether it has sent its close frame.
    leaving: bool,
    /// To be written.
    pub out: Vec<u8>,
    pub end: Option<End>,
    /// The whole binary messages that came.
    pub frames: Vec<Vec<u8>>,
    /// How often what happened.
    texts: u32,
    pings: u32,
    pongs: u32,
    good_byes: u32,
}

enum Stage {
    Asked,
    Open(Decoder),
    Deaf,
}

impl Visit {
    /// A connection to a server of this kind; a server in a bad mood refuses whoever comes.
    pub fn new(kind: Kind, mood: Option<Refusal>) -> Self {
        Self {
            kind,
            refusal: mood,
            stage: Stage::Asked,
            request: Vec::new(),
            negotiated: false,
            reading: true,
            leaving: false,
            out: Vec::new(),
            end: None,
            frames: Vec::new(),
            texts: 0,
            pings: 0,
            pongs: 0,
            good_byes: 0,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_)) && !self.leaving
    }

    pub fn receive(&mut self, mut bytes: &[u8]) {
        if let Stage::Asked = self.stage {
            self.request.extend(bytes);
            if self.request.ends_with(b"\r\n\r\n") {
                self.answer();
            }
            return;
        }
        let Stage::Open(decoder) = &mut self.stage else { return };
        while let Some(event) = decoder.decode(&mut bytes).expect("the device speaks RFC 6455") {
            match event {
                Event::Binary(frame) => self.frames.push(frame),
                Event::Text(_) => self.texts += 1,
                Event::Ping(payload) => {
                    self.pings += 1;
                    self.out.extend(frame(Opcode::Pong, &payload));
                }
                Event::Pong(_) => self.pongs += 1,
                Event::Close(reason) => {
                    self.good_byes += 1;
                    if !self.leaving {
                        self.out.extend(close_frame(reason.map_or(1000, |(code, _)| code), ""));
                    }
                    self.end = self.end.or(Some(End::Finish));
                    self.stage = Stage::Deaf;
                    return;
                }
            }
        }
    }

    /// Reads the request, and allows nothing in it but what RFC 6455 §4.1 asks for, and one offer.
    fn answer(&mut self) {
        let request = std::mem::take(&mut self.request);
        let request = String::from_utf8(request).expect("a request is text");
        let mut lines = request.trim_end().split("\r\n");
        assert_eq!(lines.next(), Some("GET /ws/camera HTTP/1.1"));
        let headers: Vec<_> = lines.map(|line| line.split_once(": ").expect("a header")).collect();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let plain = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"];
        assert_eq!(names[..5], plain);
        let offered = headers.get(5) == Some(&("Sec-WebSocket-Protocol", SUBPROTOCOL));
        assert_eq!(headers.len(), 5 + usize::from(offered), "{request}");
        let key = headers[3].1;
        assert!(is_valid_key(key));
        self.negotiated = offered && self.kind == Kind::Ours;
        let refusal = match self.kind {
            Kind::Stumbles(refusal) if offered => Some(refusal),
            _ => self.refusal,
        };
        if refusal.is_some() {
            self.negotiated = false;
            self.stage = Stage::Deaf;
        } else {
            self.stage = Stage::Open(Decoder::new(Role::Server, 1 << 20));
        }
        let accept = |key: &str, more: &str| {
            let accept = accept_key(key);
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
            )
        };
        let status =
            || String::from("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nUnknown subprotocol");
        match refusal {
            None if self.negotiated => {
                self.out.extend(accept(key, "Sec-WebSocket-Protocol: lenscast.v1\r\n").bytes());
            }
            None => self.out.extend(accept(key, "").bytes()),
            Some(Refusal::Status) => self.out.extend(status().bytes()),
            Some(Refusal::Closes) => self.end = Some(End::Finish),
            Some(Refusal::Resets) => self.end = Some(End::Reset),
            Some(Refusal::Garbage) => self.out.extend(b"220 mail.example ESMTP\r\n"),
            Some(Refusal::Silence) => {}
            Some(Refusal::WrongAccept) => self.out.extend(accept("another key", "").bytes()),
        }
    }

    /// What came beside the frames, and how often.
    pub fn counts(&mut self) -> [(&'static str, &mut u32); 4] {
        [
            ("texts", &mut self.texts),
            ("pings", &mut self.pings),
            ("pongs", &mut self.pongs),
            ("good-byes", &mut self.good_byes),
        ]
    }

    /// Something that a good server may send at any time.
    pub fn chat(&mut self, dice: &mut Dice) {
        if !self.is_open() || !self.reading {
            return;
        }
        let payload: Vec<u8> = (0..dice.within(0..126)).map(|_| dice.roll() as u8).collect();
        match dice.within(0..4) {
            0 => self.out.extend(frame(Opcode::Text, b"{\"type\":\"picture\",\"quality\":50}")),
            1 => self.out.extend(frame(Opcode::Binary, &payload.repeat(5))),
            _ => self.out.extend(frame(Opcode::Ping, &payload)),
        }
    }

    /// Does something wrong, if the connection is open.
    pub fn fail(&mut self, fault: Fault) -> bool {
        let open = self.is_open();
        match fault {
            _ if !open => {}
            Fault::Closes => {
                self.out.extend(close_frame(1001, "going away"));
                self.leaving = true;
            }
            Fault::Leaves => self.end = Some(End::Finish),
            Fault::Resets => self.end = Some(End::Reset),
            Fault::StopsReading => self.reading = false,
            Fault::Vanishes => self.end = Some(End::Vanish),
            Fault::Garbage => self.out.extend([0xFF; 40]),
            Fault::TooBig => self.out.extend([0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3]),
        }
        open
    }
}
