//! The header that a forwarder puts in front of a connection.

use lenscast_base::proxy_protocol::{Begin, MAX_V1, MAX_V2, parse};

/// The header of the PROXY protocol: a header is within the bytes, does not depend on what follows it, and is not
/// known before its last byte is there. What is decided once stays decided, however much more comes.
pub fn proxy_header(bytes: &[u8]) {
    let begin = parse(bytes);
    let followed = [bytes, b"GET / HTTP/1.1\r\n\r\n"].concat();
    match begin {
        Begin::Header(header) => {
            assert!(header.len <= bytes.len() && header.len <= MAX_V1.max(MAX_V2));
            assert_eq!(parse(&bytes[..header.len]), begin);
            assert_eq!(parse(&bytes[..header.len - 1]), Begin::More);
            assert_eq!(parse(&followed), begin);
            assert!(header.client.ip() == header.client.ip().to_canonical());
        }
        Begin::Client => assert_eq!(parse(&followed), Begin::Client),
        Begin::Broken(broken) => {
            assert!(!broken.to_string().is_empty());
            assert_eq!(parse(&followed), begin);
        }
        Begin::More => assert!(bytes.len() < MAX_V2, "it has to be decided now"),
    }
}
