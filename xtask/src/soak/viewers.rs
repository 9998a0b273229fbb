//! Those who watch, in every format and manner, and those who only ask.

use super::cameras::NAMES;
use super::connection::{Tally, leave, reset, tcp, websocket};
use super::random::{Random, Stop};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const FORMATS: [&str; 6] =
    ["", "?format=ts", "?format=fmp4&events=1", "?format=h264", "?format=jpeg", "?format=jpeg&events=1"];
/// What is asked for by HTTP; the last ones are not there.
const PATHS: [&str; 14] = [
    "/stream/churn-a.mjpg",
    "/stream/churn-b.ts",
    "/stream/steady.mjpg",
    "/stream/steady.ts",
    "/snapshot/steady.jpg",
    "/snapshot/churn-c.jpg",
    "/status",
    "/metrics",
    "/healthz",
    "/readyz",
    "/",
    "/mjpeg",
    "/snapshot/nobody.jpg",
    "/nothing",
];
const BUFFER: usize = 16 * 1024;

/// Is one viewer after the other until it is stopped.
pub(super) fn churn(server: SocketAddr, mut random: Random, stop: &Stop, tally: &Tally) {
    while stop.wait(random.ms(10, 300)) {
        let name = if random.percent(25) { "steady" } else { random.pick(&NAMES) };
        let path = format!("/ws/viewer/{name}{}", random.pick(&FORMATS));
        let Ok(mut socket) = websocket(server, &path) else {
            tally.refused.fetch_add(1, Relaxed);
            continue;
        };
        tally.viewers.fetch_add(1, Relaxed);
        let time = random.ms(50, 4000);
        match random.below(4) {
            // Never reads: longer than the server's patience at times.
            0 => drop(stop.wait(time * 3)),
            // Reads little.
            1 => read(socket.get_mut(), time, 2048, Duration::from_millis(100), stop),
            _ => read(socket.get_mut(), time, BUFFER, Duration::ZERO, stop),
        }
        leave(socket, &mut random);
    }
}

/// Makes one request after the other until it is stopped.
pub(super) fn ask(server: SocketAddr, mut random: Random, stop: &Stop, tally: &Tally) {
    while stop.wait(random.ms(50, 600)) {
        let Ok(mut stream) = tcp(server) else {
            tally.refused.fetch_add(1, Relaxed);
            continue;
        };
        tally.requests.fetch_add(1, Relaxed);
        let request = format!("GET {} HTTP/1.1\r\nHost: {server}\r\n\r\n", random.pick(&PATHS));
        // Some never finish their request, and some say something else altogether.
        let said = match random.below(10) {
            0 => &request.as_bytes()[..random.below(request.len())],
            1 => b"\x16\x03\x01\x02\x00 this is TLS, or it is not",
            _ => request.as_bytes(),
        };
        if stream.write_all(said).is_ok() {
            read(&mut stream, random.ms(20, 2000), BUFFER, Duration::ZERO, stop);
        }
        if random.percent(30) {
            reset(&stream);
        }
    }
}

/// Reads for `time`, pieces of `size` with a `pause` after each.
fn read(stream: &mut TcpStream, time: Duration, size: usize, pause: Duration, stop: &Stop) {
    let start = Instant::now();
    // A quiet server must not hold this up for longer.
    #[expect(clippy::let_underscore_must_use, reason = "a server that is gone is noticed by what follows")]
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let mut buffer = vec![0; size];
    while start.elapsed() < time && stop.wait(pause) {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}
