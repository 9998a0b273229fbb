//! What is asked, and which answers count.

use crate::harness::{Bench, accepting, header, ms, target};
use lenscast_device::backoff::Random;
use lenscast_device::settings::Target;
use lenscast_device::stream::{Event, Lost, SocketEvent};
use std::time::Duration;

/// A client whose key is that of RFC 6455 §1.3.
fn with_the_standards_key(target: Target) -> Bench {
    let mut bench = Bench::dialling(target);
    let mut nonce = b"the sample nonce".chunks(4).cycle();
    bench.random = Random::new(move || u32::from_ne_bytes(nonce.next().unwrap().try_into().unwrap()));
    bench
}

#[test]
fn the_request_is_a_plain_handshake_with_one_offer() {
    let mut bench = with_the_standards_key(target("192.168.1.5"));
    let offering = "GET /ws/camera HTTP/1.1\r\n\
                    Host: 192.168.1.5:8080\r\n\
                    Upgrade: websocket\r\n\
                    Connection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                    Sec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Protocol: lenscast.v1\r\n\
                    \r\n";
    assert_eq!(bench.connect(), offering);
    bench.socket(SocketEvent::Closed(String::new()));
    assert_eq!(bench.connect(), offering.replace("Sec-WebSocket-Protocol: lenscast.v1\r\n", ""));
}

#[test]
fn the_request_goes_out_in_pieces_of_any_size() {
    let whole = with_the_standards_key(target("cam.lan")).connect();
    for size in [1, 2, 7, 100] {
        let mut bench = with_the_standards_key(target("cam.lan"));
        bench.socket(SocketEvent::Connected);
        let parts = std::iter::repeat_with(|| bench.transmit_some(size)).take_while(|part| !part.is_empty());
        assert_eq!(parts.collect::<Vec<_>>().concat(), whole.as_bytes());
    }
}

#[test]
fn the_answer_to_the_standards_key_is_the_standards() {
    let mut bench = with_the_standards_key(target("cam.lan"));
    bench.connect();
    bench.receive(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
    let endpoint = "cam.lan:8080/ws/camera".into();
    assert_eq!(bench.take_events(), [Event::Up { endpoint, extended: false }]);
}

#[test]
fn path_key_port_and_ipv6_go_where_they_belong() {
    let mut bench = with_the_standards_key(Target {
        host: Some("fe80::1".into()),
        port: 81,
        path: Some("/ws/camera/door?token=secret".into()),
        key: Some("k.e-y".into()),
    });
    let request = bench.connect();
    assert!(request.starts_with("GET /ws/camera/door?token=secret HTTP/1.1\r\nHost: [fe80::1]:81\r\n"));
    assert!(request.ends_with("Authorization: Bearer k.e-y\r\n\r\n"));
    bench.receive(&accepting(&request, ""));
    let endpoint = "[fe80::1]:81/ws/camera/door".into();
    assert_eq!(bench.take_events(), [Event::Up { endpoint, extended: false }]);
}

#[test]
fn settings_cannot_smuggle_a_header_in() {
    let evil = |text: &str| Some(format!("{text}\r\nEvil: yes\r\n\r\nüx"));
    let mut bench = Bench::dialling(Target { host: evil("h"), path: evil("/p q"), key: evil("k"), port: 1 });
    let request = bench.connect();
    assert!(request.starts_with("GET /p%20q%0D%0AEvil:%20yes%0D%0A%0D%0A%C3%BCx HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "Evil"), None);
    assert_eq!(request.matches("\r\n\r\n").count(), 1);
    assert!(request.is_ascii());
}

#[test]
fn an_answer_counts_however_it_is_written_and_cut() {
    let mut bench = Bench::dialling(target("cam.lan"));
    let request = bench.connect();
    let answer = String::from_utf8(accepting(&request, "Sec-WebSocket-Protocol: lenscast.v1\r\n")).unwrap();
    let answer = answer
        .replace("Upgrade: websocket", "uPGRADE:WebSocket  ")
        .replace("Connection: Upgrade", "Server: x\r\nCONNECTION: keep-alive, upgrade");
    // A whole message and the beginning of a ping come with it.
    let mut bytes = answer.into_bytes();
    bytes.extend(b"\x81\x05hello\x89\x02p");
    for byte in bytes {
        bench.receive(&[byte]);
    }
    bench.receive(b"q");
    let up = Event::Up { endpoint: "cam.lan:8080/ws/camera".into(), extended: true };
    assert_eq!(bench.take_events(), [up, Event::Text("hello".into())]);
    assert_eq!(bench.frames(), [(0x8A, b"pq".to_vec())]);
}

#[test]
fn what_comes_behind_the_answer_in_the_same_bytes_is_read() {
    let mut bench = Bench::dialling(target("cam.lan"));
    let request = bench.connect();
    let mut bytes = accepting(&request, "Sec-WebSocket-Protocol: lenscast.v1\r\n");
    for number in 0..3000 {
        bytes.extend([0x89, 4]);
        bytes.extend(format!("{number:04}").bytes());
    }
    assert!(bytes.len() > 16_384, "far more than what a head may have");
    bench.receive(&bytes);
    assert!(matches!(bench.take_events()[..], [Event::Up { .. }]));
    assert_eq!(bench.frames(), [(0x8A, b"2999".to_vec())], "the last ping, too");
}

/// What is lost when a server answers so; the request had the offer, or not.
fn answered(offer: bool, answer: impl Fn(&str) -> Vec<u8>) -> Lost {
    let mut bench = Bench::dialling(target("cam.lan"));
    if !offer {
        bench.connect();
        bench.socket(SocketEvent::Closed(String::new()));
    }
    let request = bench.connect();
    assert_eq!(header(&request, "Sec-WebSocket-Protocol").is_some(), offer);
    bench.receive(&answer(&request));
    bench.take_lost().0
}

#[test]
fn an_answer_that_is_no_websockets_is_told_by_its_fault() {
    let edit = |from: &'static str, to: &'static str| {
        answered(true, |request| {
            let answer = String::from_utf8(accepting(request, "")).unwrap();
            assert!(answer.contains(from));
            answer.replace(from, to).into_bytes()
        })
    };
    let not = Lost::NotWebSocket;
    assert_eq!(edit("Upgrade: websocket", "Upgrade: h2c"), not("its answer lacks `Upgrade: websocket`"));
    assert_eq!(edit("Connection: Upgrade", "A: b"), not("its answer lacks `Connection: Upgrade`"));
    assert_eq!(edit("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: A"), Lost::WrongAccept);
    assert_eq!(edit("Sec-WebSocket-Accept", "Accept"), Lost::WrongAccept);
    assert_eq!(edit("HTTP/1.1", "SSH-2.0"), not("its answer is no HTTP"));

    let with = |offer, more: &'static str| answered(offer, |request| accepting(request, more));
    let subprotocol = not("it wants a subprotocol that was not offered");
    let extension = not("it wants an extension that was not offered");
    assert_eq!(with(true, "Sec-WebSocket-Extensions: permessage-deflate\r\n"), extension);
    assert_eq!(with(true, "Sec-WebSocket-Protocol: mqtt\r\n"), subprotocol);
    assert_eq!(with(true, "Sec-WebSocket-Protocol: LENSCAST.V1\r\n"), subprotocol);
    assert_eq!(with(false, "Sec-WebSocket-Protocol: lenscast.v1\r\n"), subprotocol);
    let twice = "Sec-WebSocket-Protocol: lenscast.v1\r\nSec-WebSocket-Protocol: lenscast.v1\r\n";
    assert_eq!(with(true, twice), subprotocol);
    assert_eq!(with(true, "Sec-WebSocket-Accept: again\r\n"), Lost::WrongAccept);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let too_long = Lost::NotWebSocket("its answer is too long");
    assert_eq!(answered(true, |_| b"HTTP/1.1 200 ".iter().copied().chain([b'a'; 5000]).collect()), too_long);
    assert_eq!(answered(true, |request| accepting(request, &"X: y\r\n".repeat(70))), too_long);

    let mut bench = Bench::dialling(target("cam.lan"));
    bench.connect();
    bench.receive(b"HTTP/1.1 101 ok\r\nX: ");
    for byte in 0..4096 - 20 {
        assert_eq!(bench.take_events(), [], "byte {byte}");
        bench.receive(b"a");
    }
    assert_eq!(bench.take_lost().0, too_long);
}

#[test]
fn an_answer_before_the_request_is_no_answer() {
    let mut bench = with_the_standards_key(target("cam.lan"));
    bench.socket(SocketEvent::Connected);
    let part = bench.transmit_some(150);
    assert!(!part.ends_with(b"\r\n\r\n"));
    bench.receive(
        b"HTTP/1.1 101 ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
    assert_eq!(bench.take_lost().0, Lost::NotWebSocket("it answered before it was asked"));
}

/// The words for a refusal, how long they took, with `rest` coming after `answer`.
fn refusal(answer: &str, rest: Option<SocketEvent>) -> (String, Duration) {
    let mut bench = Bench::dialling(target("cam.lan"));
    bench.connect();
    let start = bench.now;
    for byte in answer.bytes() {
        bench.receive(&[byte]);
    }
    if let Some(event) = rest {
        bench.socket(event);
    }
    if bench.events.is_empty() {
        let wake = bench.client.next_wake().expect("it does not wait for ever");
        bench.pass(wake.since(start));
    }
    let took = bench.now.since(start);
    (bench.take_lost().0.to_string(), took)
}

#[test]
fn a_refusal_is_told_in_the_servers_own_words() {
    let refused = |answer: &str| {
        let (words, took) = refusal(answer, None);
        assert_eq!(took, Duration::ZERO, "{words}: the whole line was there");
        words
    };
    assert_eq!(
        refused(
            "HTTP/1.1 409 Conflict\r\nContent-Length: 44\r\n\r\n\
             The name \"door\" is taken.\r\nTry another one.\n"
        ),
        "the server refused the camera: HTTP 409: The name \"door\" is taken."
    );
    assert_eq!(
        refused("HTTP/1.1 401 Unauthorized\r\nContent-Length: 11\r\n\r\nNo key\x07\x1b[m."),
        "the server refused the camera: HTTP 401: No key  [m."
    );
    assert_eq!(
        refused("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        "the server refused the camera: HTTP 404: Not Found"
    );
    assert_eq!(
        refused("HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n"),
        "the server refused the camera: HTTP 500"
    );
    assert_eq!(
        refused("HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "the server refused the camera: HTTP 400: Bad Request"
    );
    let long = refused(&format!("HTTP/1.1 400 Bad\r\nContent-Length: 5000\r\n\r\n{}", "é".repeat(2500)));
    assert_eq!(long, format!("the server refused the camera: HTTP 400: {}", "é".repeat(200)));
}

#[test]
fn the_reason_for_a_refusal_is_waited_for_but_briefly() {
    let said = "the server refused the camera: HTTP 403: Go away";
    let closed = |why: &str| Some(SocketEvent::Closed(why.into()));
    for why in ["", "connection reset"] {
        assert_eq!(
            refusal("HTTP/1.1 403 Forbidden\r\n\r\nGo away", closed(why)),
            (said.into(), Duration::ZERO)
        );
    }
    let slow = "HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nGo away";
    assert_eq!(refusal(slow, None), (said.into(), ms(1000)));
}

#[test]
fn whatever_goes_wrong_with_the_offer_is_tried_at_once_without_it() {
    type Fault = fn(&mut Bench);
    let faults: [(&str, Fault); 5] = [
        ("status", |bench| bench.receive(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
        ("closed", |bench| bench.socket(SocketEvent::Closed(String::new()))),
        ("reset", |bench| bench.socket(SocketEvent::Closed("connection reset".into()))),
        ("garbage", |bench| bench.receive(b"220 smtp ready\r\n")),
        ("timeout", |bench| bench.pass(ms(10_000))),
    ];
    for (name, fault) in faults {
        let mut bench = Bench::dialling(target("cam.lan"));
        for attempt in 1..4 {
            assert!(bench.connect().contains("lenscast.v1"), "{name}, attempt {attempt}");
            let first = bench.id;
            bench.actions.clear();
            let before = bench.now;
            fault(&mut bench);
            let took = bench.now.since(before);
            assert_eq!(bench.id, first + 1, "{name}: dialled anew after {took:?}");
            let (lost, told, retry_in) = bench.take_lost();
            assert_eq!((told, retry_in), (attempt, Some(Duration::ZERO)), "{name}: {lost}");

            assert!(!bench.connect().contains("lenscast.v1"), "{name}, attempt {attempt}");
            bench.actions.clear();
            fault(&mut bench);
            let (_, told, retry_in) = bench.take_lost();
            assert_eq!(told, attempt, "{name}");
            assert!(retry_in >= Some(ms(500)), "{name}: {retry_in:?}");
            assert!(bench.client.is_idle(), "{name}: it waits");
            bench.actions.clear();
            bench.pass(retry_in.unwrap());
            bench.take_dial();
        }
        // What the second try finds is good.
        bench.connect();
        fault(&mut bench);
        bench.accept("");
        assert!(!bench.client.is_extended());
    }
}

#[test]
fn a_dial_that_fails_is_not_tried_twice_at_once() {
    let mut bench = Bench::dialling(target("cam.lan"));
    bench.socket(SocketEvent::Failed("no route\nto host".into()));
    let (lost, attempt, retry_in) = bench.take_lost();
    assert_eq!(lost.to_string(), "cannot reach the server: no route");
    assert_eq!(attempt, 1);
    assert!(retry_in >= Some(ms(500)));
    bench.pass(retry_in.unwrap());
    bench.take_dial();
    bench.pass(ms(10_000));
    let (lost, attempt, retry_in) = bench.take_lost();
    assert_eq!(lost, Lost::ConnectTimeout(ms(10_000)));
    assert_eq!(lost.to_string(), "the server did not answer within 10.0 s");
    assert_eq!(attempt, 2);
    bench.take_hangup();
    bench.pass(retry_in.unwrap());
    bench.take_dial();
    assert!(bench.connect().contains("lenscast.v1"), "every fresh dial begins with the offer");
}
