//! Headers as forwarders write them, and what strangers make of them.

use super::*;
use std::net::Ipv6Addr;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

/// A header of version 2.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, rest].concat()
}

/// The addresses of a client at 203.0.113.5:4711.
const TCP4: [u8; 12] = [203, 0, 113, 5, 192, 0, 2, 1, 0x12, 0x67, 0x01, 0xBB];

fn tcp6(from: Ipv6Addr) -> Vec<u8> {
    [&from.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0x12, 0x67, 0x01, 0xBB]].concat()
}

fn client(bytes: &[u8]) -> String {
    match parse(bytes) {
        Begin::Header(Header { client, .. }) => client.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_header_tells_whose_the_connection_is() {
    for (bytes, wanted) in [
        (b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 443\r\n".to_vec(), "203.0.113.5:4711"),
        (b"PROXY TCP6 2001:db8::5 ::1 4711 443\r\n".to_vec(), "[2001:db8::5]:4711"),
        (b"PROXY TCP6 ::ffff:203.0.113.5 ::1 0 65535\r\n".to_vec(), "203.0.113.5:0"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "0.0.0.0:0"),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(), "0.0.0.0:0"),
        (v2(0x21, 0x11, &TCP4), "203.0.113.5:4711"),
        (v2(0x21, 0x11, &[&TCP4[..], &[4, 0, 1, 0]].concat()), "203.0.113.5:4711"),
        (v2(0x21, 0x21, &tcp6("2001:db8::5".parse().unwrap())), "[2001:db8::5]:4711"),
        (v2(0x21, 0x21, &tcp6("::ffff:203.0.113.5".parse().unwrap())), "203.0.113.5:4711"),
        (v2(0x20, 0x00, &[]), "0.0.0.0:0"),
        // Who speaks for itself gets no rights by an address that it writes there.
        (v2(0x20, 0x11, &TCP4), "0.0.0.0:0"),
        (v2(0x21, 0x00, &[1, 2, 3]), "0.0.0.0:0"),
        (v2(0x21, 0x31, &[0; 216]), "0.0.0.0:0"),
    ] {
        assert_eq!(client(&bytes), wanted, "{bytes:?}");
        let followed = [&bytes[..], b"GET / HTTP/1.1\r\n"].concat();
        let Begin::Header(header) = parse(&followed) else { panic!("{bytes:?}") };
        assert_eq!(header.len, bytes.len(), "what follows is the client's");
        for cut in 1..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Begin::More, "{bytes:?} cut at {cut}");
        }
    }
}

#[test]
fn what_is_no_header_is_the_clients() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"POST / HTTP/1.1\r\n",
        b"PUT / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"PROPFIND / HTTP/1.1\r\n",
        b"PROXYING",
        b"proxy TCP4 1.2.3.4",
        b"\r\n\r\nGET / HTTP/1.1",
        b"\x16\x03\x01\x02\x00",
        b"\0",
    ] {
        assert_eq!(parse(bytes), Begin::Client, "{bytes:?}");
    }
    assert_eq!(parse(b""), Begin::More);
    assert_eq!(parse(b"P"), Begin::More);
    assert_eq!(parse(b"\r"), Begin::More);
}

#[test]
fn what_begins_as_a_header_and_is_none_is_broken() {
    let long = format!("PROXY UNKNOWN {}", "x".repeat(200));
    for line in [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 203.0.113.5 192.0.2.1 4711\r\n",
        "PROXY TCP4 203.0.113.5 192.0.2.1 4711 443 1\r\n",
        "PROXY TCP4  203.0.113.5 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 203.0.113.5 192.0.2.1 4711 443 \r\n",
        "PROXY TCP4 2001:db8::5 ::1 4711 443\r\n",
        "PROXY TCP6 203.0.113.5 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 203.0.113.500 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 203.0.113.5 there 4711 443\r\n",
        "PROXY TCP4 203.0.113.5 192.0.2.1 65536 443\r\n",
        "PROXY TCP4 203.0.113.5 192.0.2.1 +1 443\r\n",
        "PROXY TCP4 203.0.113.5 192.0.2.1 4711 0443\r\n",
        "PROXY UDP4 203.0.113.5 192.0.2.1 4711 443\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY TCP4 127.0.0.1\r\nHost: x\r\n",
        &long,
    ] {
        assert_eq!(parse(line.as_bytes()), Begin::Broken(Broken::Line), "{line:?}");
    }
    for (bytes, broken) in [
        (v2(0x11, 0x11, &TCP4), Broken::Version),
        (v2(0x31, 0x11, &TCP4), Broken::Version),
        (v2(0x22, 0x11, &TCP4), Broken::Fields),
        (v2(0x21, 0x12, &TCP4), Broken::Fields),
        (v2(0x21, 0x41, &TCP4), Broken::Fields),
        (v2(0x21, 0x11, &TCP4[..11]), Broken::Fields),
        (v2(0x21, 0x21, &TCP4), Broken::Fields),
        (v2(0x21, 0x31, &[0; 215]), Broken::Fields),
        (v2(0x21, 0x11, &[0; MAX_V2 - 15]), Broken::TooLong),
        (v2(0x21, 0x11, &[0; 65_535]), Broken::TooLong),
    ] {
        assert_eq!(parse(&bytes), Begin::Broken(broken));
    }
    // It is known to be too long before it is there.
    assert_eq!(parse(&v2(0x21, 0x11, &[0; 65_535])[..16]), Begin::Broken(Broken::TooLong));
    assert_eq!(client(&v2(0x21, 0x00, &[0; MAX_V2 - 16])), "0.0.0.0:0", "the longest");
}

#[test]
fn whether_the_client_speaks_tls_is_told_by_some() {
    let told = |more: &[u8]| match parse(&v2(0x21, 0x11, &[&TCP4[..], more].concat())) {
        Begin::Header(header) => header.tls,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&[]), None);
    assert_eq!(told(&[0x20, 0, 5, 1, 0, 0, 0, 0]), Some(true));
    assert_eq!(told(&[0x20, 0, 5, 0, 0, 0, 0, 0]), Some(false));
    assert_eq!(told(&[4, 0, 3, 0, 0, 0, 0x20, 0, 5, 7, 0, 0, 0, 0]), Some(true), "behind padding");
    for cut_off in
        [&[0x20][..], &[0x20, 0], &[0x20, 0, 5], &[0x20, 0, 5, 1], &[0x20, 0, 0], &[4, 255, 255, 0]]
    {
        assert_eq!(told(cut_off), None, "{cut_off:?}");
    }
}

#[tokio::test]
async fn a_header_is_taken_from_a_connection_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for (header, client) in [
        (v2(0x21, 0x11, &TCP4), Some("203.0.113.5:4711")),
        (b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 443\r\n".to_vec(), Some("203.0.113.5:4711")),
        (Vec::new(), None),
    ] {
        for whole in [true, false] {
            let mut sender = TcpStream::connect(address).await.unwrap();
            let (mut socket, _) = listener.accept().await.unwrap();
            let sent = [&header[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
            let sending = async {
                let parts: Vec<&[u8]> = if whole { vec![&sent] } else { sent.chunks(1).collect() };
                for part in parts {
                    sender.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let ((), read) = tokio::join!(sending, read(&mut socket));
            assert_eq!(read.unwrap().map(|header| header.client.to_string()).as_deref(), client);
            let mut rest = [0; 18];
            socket.read_exact(&mut rest).await.unwrap();
            assert_eq!(&rest, b"GET / HTTP/1.1\r\n\r\n");
        }
    }
    let mut sender = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    sender.write_all(b"PROXY TCP4 nobody\r\n").await.unwrap();
    assert!(matches!(read(&mut socket).await, Err(ReadError::Broken(Broken::Line))));
    let (sender, (mut socket, _)) =
        (TcpStream::connect(address).await.unwrap(), listener.accept().await.unwrap());
    drop(sender);
    assert_eq!(read(&mut socket).await.unwrap(), None, "who leaves at once");
}
