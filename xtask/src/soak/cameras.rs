//! Cameras that stream, come back, change their picture, and send what no camera should.

use super::connection::{Tally, leave, read_to_end, reset, websocket};
use super::random::{Random, Stop};
use crate::Result;
use crate::bench::server::Socket;
use lenscast_picture::jpeg::{self, Sampling};
use lenscast_picture::pattern::Scene;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use tungstenite::Message;

/// Cameras that change places on these names; more cameras than names, so that some meet on one.
pub(super) const NAMES: [&str; 3] = ["churn-a", "churn-b", "churn-c"];
/// The largest message that the server under test takes.
pub(super) const MAX_MESSAGE: usize = 1_000_000;

const SIZES: [(u16, u16); 4] = [(320, 240), (640, 480), (161, 121), (800, 600)];
const FRAMES_PER_SIZE: u32 = 12;

/// JPEGs of several sizes.
#[derive(Debug)]
pub(super) struct Material {
    sizes: Vec<Vec<Vec<u8>>>,
}

impl Material {
    /// Makes them.
    pub(super) fn new() -> Result<Self> {
        let frame = |(width, height), frame| {
            let scene = Scene { width, height, frame, clock_ms: 1000 + u64::from(frame) * 80 };
            let mut out = Vec::new();
            let sampling = if frame % 2 == 0 { Sampling::Yuv422 } else { Sampling::Yuv420 };
            jpeg::encode(&scene.painter(), 70, sampling, &mut out)?;
            Ok(out)
        };
        let size = |size| (0..FRAMES_PER_SIZE).map(|number| frame(size, number)).collect::<Result<_>>();
        Ok(Self { sizes: SIZES.into_iter().map(size).collect::<Result<_>>()? })
    }
}

/// Is one camera after the other until it is stopped.
pub(super) fn churn(server: SocketAddr, material: &Material, mut random: Random, stop: &Stop, tally: &Tally) {
    while stop.wait(random.ms(50, 800)) {
        let path = format!("/ws/camera/{}", random.pick(&NAMES));
        let Ok(mut socket) = websocket(server, &path) else {
            tally.refused.fetch_add(1, Relaxed);
            continue;
        };
        tally.camera_connections.fetch_add(1, Relaxed);
        let mut size = random.pick(&material.sizes);
        for _ in 0..random.below(80) {
            if random.percent(4) {
                size = random.pick(&material.sizes);
            }
            let good = random.pick(size);
            let message = if random.percent(80) {
                tally.frames.fetch_add(1, Relaxed);
                Message::binary(good.clone())
            } else {
                tally.bad_messages.fetch_add(1, Relaxed);
                bad(good, &mut random)
            };
            // The server may give the name to another camera, or find fault with what came before.
            if socket.send(message).is_err() || !stop.wait(random.ms(30, 150)) {
                break;
            }
        }
        end(socket, &size[0], &mut random, stop);
    }
}

/// Something that is no good frame, of every kind that the server tells apart.
fn bad(good: &[u8], random: &mut Random) -> Message {
    // Start of frame: length in 2 bytes, precision, height, width.
    let start_of_frame = good.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap_or(0);
    let with = |at: usize, bytes: &[u8]| {
        let mut copy = good.to_vec();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    let message = match random.below(14) {
        0 => Vec::new(),
        1 => b"GIF89a, not a JPEG".to_vec(),
        2 => good[..good.len() - 2].to_vec(),
        3 => good[..random.below(good.len())].to_vec(),
        4 => with(start_of_frame + 7, &[0, 0]),
        5 => with(start_of_frame + 5, &[0xff; 4]),
        6 => with(start_of_frame, &[0xff, 0xc9]),
        7 => with(start_of_frame + 2, &[0, 3]),
        // Code words that no Huffman table has.
        8 => with(good.len() / 2, &[0xff, 0].repeat(32)),
        9 => (0..random.below(30_000)).map(|_| random.below(256) as u8).collect(),
        10 => {
            let mut copy = good.to_vec();
            for _ in 0..1 + random.below(40) {
                let at = random.below(copy.len());
                copy[at] ^= 1 << random.below(8);
            }
            copy
        }
        // Glued, padded, and cut at the front.
        11 => [good, good].concat(),
        12 => [good, &vec![0; 1 + random.below(5000)]].concat(),
        _ => return Message::text("{\"is this\": \"a frame?\"}"),
    };
    Message::binary(message)
}

/// Ends a connection: in order, with a fault, or without a word.
fn end(mut socket: Socket, good: &[u8], random: &mut Random, stop: &Stop) {
    match random.below(8) {
        0 => {
            // Vanishes in the middle of a frame: 50,000 bytes are announced.
            let head = [0x82, 0xfe, 0xc3, 0x50, 0, 0, 0, 0];
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a server that is gone is noticed by what follows"
            )]
            let _ = socket.get_mut().write_all(&[&head, &good[..good.len() / 2]].concat());
            reset(socket.get_ref());
        }
        1 => {
            // The server may close it before all was sent.
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a server that is gone is noticed by what follows"
            )]
            let _ = socket.send(Message::binary(vec![0x55; MAX_MESSAGE + 1]));
            read_to_end(socket.get_mut());
        }
        2 => {
            // Without a mask, with reserved bits, with an opcode that nobody defined, longer than any memory.
            let faults: [&[u8]; 4] = [
                &[0x82, 0x05, 1, 2, 3, 4, 5],
                &[0xf2, 0x80, 0, 0, 0, 0],
                &[0x83, 0x80, 0, 0, 0, 0],
                &[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
            ];
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a server that is gone is noticed by what follows"
            )]
            let _ = socket.get_mut().write_all(faults[random.below(faults.len())]);
            read_to_end(socket.get_mut());
        }
        3 => {
            // Says nothing for a while.
            stop.wait(random.ms(500, 4000));
        }
        _ => leave(socket, random),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_bad_message_can_be_made_of_every_picture() {
        let material = Material::new().unwrap();
        let mut random = Random::new(1, 1);
        for good in material.sizes.iter().flatten() {
            for _ in 0..50 {
                assert_ne!(bad(good, &mut random), Message::binary(good.clone()));
            }
        }
    }
}
