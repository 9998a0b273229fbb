//! What a server, a stranger's access point and somebody at the keyboard can make the device take of its memory. On a board
//! there are about 100 KB of heap, and what does not fit is a panic.

use crate::bench::{Bench, network};
use crate::server::Server;
use lenscast_device::wifi::{Auth, WifiEvent};
use lenscast_protocol::ws::{self, Opcode};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

/// The system's allocator, which counts for each thread.
struct Counting;

thread_local! {
    /// Bytes taken and not given back, and the most of them so far.
    static TAKEN: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // A thread that ends has no counter any more, and nobody who reads it.
    #[expect(clippy::let_underscore_must_use, reason = "a thread that ends counts no more")]
    let _ = TAKEN.try_with(|taken| {
        let (now, most) = taken.get();
        taken.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call goes to the system's allocator as it is; counting allocates nothing, since the counter is made at compile
// time and needs no destructor. `realloc` is the default one, by `alloc` and `dealloc`: as if the old and the new piece are
// there at the same time, which on a board they mostly are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps to what `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `piece` came from `alloc` above with this layout, so from the system.
        unsafe { System.dealloc(piece, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that `act` took at most, and that it kept.
fn taken(act: impl FnOnce()) -> (isize, isize) {
    let before = TAKEN.get().0;
    TAKEN.set((before, before));
    act();
    let (now, most) = TAKEN.get();
    (most - before, now - before)
}

/// Reads the console as a driver does, without keeping it.
fn read(bench: &mut Bench) {
    let mut buffer = [0; 64];
    while bench.device.poll_console(&mut buffer) > 0 {}
}

#[test]
fn a_long_message_of_a_server_takes_no_memory() {
    for server in [Server::extended(), Server::plain()] {
        let mut bench = Bench::streaming(server);
        read(&mut bench);
        for opcode in [Opcode::Text, Opcode::Binary] {
            let message = ws::frame(opcode, &[b'x'; 60_000]);
            let (most, _) = taken(|| {
                for portion in message.chunks(1460) {
                    bench.received(portion);
                }
            });
            assert!(most < 2048, "{most} bytes");
        }
        bench.pass(Duration::from_secs(20));
        assert!(bench.device.is_connected(), "{}", bench.printed());
    }
}

#[test]
fn a_long_message_is_told_of_and_the_next_one_is_heard() {
    let mut bench = Bench::streaming(Server::extended());
    bench.received(&ws::frame(Opcode::Text, &[b'x'; 60_000]));
    bench.received(&ws::frame(Opcode::Text, &[b'x'; 4097]));
    bench.received(&ws::frame(Opcode::Text, br#"{"type":"picture","quality":33}"#));
    bench.drain();
    assert_eq!(bench.plan.map(|plan| plan.quality), Some(33));
    let printed = bench.printed();
    assert_eq!(
        printed.matches("the server sent a message of over 4096 bytes, which was not read").count(),
        1,
        "{printed}"
    );
}

#[test]
fn a_flood_of_messages_takes_no_more_memory_than_a_few() {
    let mut bench = Bench::streaming(Server::extended());
    read(&mut bench);
    let empty = ws::frame(Opcode::Text, b"").repeat(2000);
    let pictures = ws::frame(Opcode::Text, br#"{"type":"picture","quality":33}"#).repeat(100);
    let pings = ws::frame(Opcode::Ping, &[0; 125]).repeat(30);
    for flood in [empty, pictures, pings] {
        let (most, _) = taken(|| bench.received(&flood));
        assert!(most < 6 * 1024, "{most} bytes for {} of a flood", flood.len());
    }
}

#[test]
fn a_server_that_asks_again_and_again_is_told_of_once_in_a_while() {
    let mut bench = Bench::streaming(Server::extended());
    for number in 0..600 {
        let request = format!(r#"{{"type":"picture","quality":{}}}"#, 20 + number % 50);
        bench.received(&ws::frame(Opcode::Text, request.as_bytes()));
        bench.pass(Duration::from_millis(50));
    }
    let printed = bench.printed();
    let lines = printed.matches("cam: the server asks for").count();
    assert!((1..=7).contains(&lines), "{lines} lines in 30 s: {printed}");
    assert!(printed.contains(" times before)"), "{printed}");
    assert_eq!(bench.plan.map(|plan| plan.quality), Some(69), "the newest one counts");
}

#[test]
fn a_server_that_lets_in_and_closes_is_told_of_once_in_a_while() {
    let mut bench = Bench::streaming(Server::extended());
    let mut connections = 0;
    for _ in 0..6000 {
        if bench.device.is_connected() {
            connections += 1;
            bench.received(&ws::close_frame(1000, "\u{9b}2J\u{202e}again"));
        }
        bench.pass(Duration::from_millis(10));
    }
    let printed = bench.printed();
    let lines = printed.matches("stream: connected to").count();
    assert!(connections > 5, "{connections} connections in a minute");
    assert!((1..=13).contains(&lines), "{lines} lines of {connections}: {printed}");
    assert!(!printed.contains(['\u{9b}', '\u{202e}']), "{printed:?}");
}

#[test]
fn what_a_server_sends_is_quoted_in_a_few_words_only() {
    let mut bench = Bench::streaming(Server::extended());
    let name = "x".repeat(4000);
    bench.received(&ws::frame(Opcode::Text, format!(r#"{{"type":"picture","size":"{name}"}}"#).as_bytes()));
    let printed = bench.printed();
    assert!(printed.contains("asks for what cannot be") && printed.len() < 400, "{} bytes", printed.len());
}

#[test]
fn whatever_is_typed_takes_no_more_than_what_waits_to_be_printed() {
    let mut bench = Bench::new();
    read(&mut bench);
    let keys = [
        // Each second Tab lists all commands; each key before the end of a line draws it anew.
        b"\x1b[0n".iter().copied().chain(*b"\t\t").cycle().take(20_000).collect::<Vec<u8>>(),
        b"\x1b[0nab\x1b[D".repeat(2000),
        b"help\r".repeat(1000),
        vec![b'x'; 20_000],
    ];
    for keys in keys {
        let (most, _) = taken(|| bench.device.console_input(bench.now, &keys));
        assert!(most < 48 * 1024, "{most} bytes for {:?}…", String::from_utf8_lossy(&keys[..8]));
        read(&mut bench);
    }
}

#[test]
fn a_scan_of_two_hundred_networks_takes_what_its_rows_take_and_gives_it_back() {
    let mut bench = Bench::new();
    bench.scans = false;
    bench.keys("wifi scan 200\r");
    read(&mut bench);
    let networks = (0..200).map(|_| network(&"n".repeat(32), -100, Auth::Enterprise)).collect();
    let (now, mut device_takes) = (bench.now, (0, 0));
    let (_, kept) = taken(|| {
        device_takes = taken(|| bench.device.wifi_event(now, WifiEvent::ScanDone(Ok(networks))));
        read(&mut bench);
    });
    // 200 rows of 76 bytes wait to be printed; while they grow, there are two of them.
    assert!(device_takes.0 < 34 * 1024, "{} bytes", device_takes.0);
    assert!(kept <= 0, "{kept} bytes are kept after all was printed");
}

#[test]
fn what_was_printed_gives_its_memory_back() {
    let mut bench = Bench::new();
    read(&mut bench);
    let (most, kept) = taken(|| {
        for _ in 0..10 {
            bench.device.console_input(bench.now, b"help\r");
        }
        read(&mut bench);
    });
    assert!(most > 10 * 1024, "{most} bytes: there was no peak");
    assert!(kept < 1024, "{kept} bytes are kept");
}
