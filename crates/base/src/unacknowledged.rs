//! The bytes of a connection that the other side has not acknowledged.
//!
//! A write into a socket says nothing about the other side: the kernel takes some hundred kilobytes for a peer that is
//! gone, or that reads nothing. What the kernel still holds tells more.

use std::os::fd::AsFd;

/// `SIOCOUTQ`, which is `TIOCOUTQ` (tcp(7)): the number of bytes that were written and are not acknowledged.
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "arm",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;

/// How many bytes were written to a TCP socket and are not acknowledged by the peer: sent or not. `None` where the
/// system does not tell.
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "arm",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
#[must_use]
pub fn unacknowledged(socket: impl AsFd) -> Option<u64> {
    #[expect(unsafe_code, reason = "no crate has a safe function for this request")]
    // SAFETY: SIOCOUTQ writes one int to where the argument points (tcp(7)), and `Getter` hands it a place of that size.
    let count = unsafe {
        let request = rustix::ioctl::Getter::<SIOCOUTQ, core::ffi::c_int>::new();
        rustix::ioctl::ioctl(socket, request)
    };
    count.ok().and_then(|count| count.try_into().ok())
}

/// How many bytes were written to a TCP socket and are not acknowledged by the peer. `None`: this system does not tell.
#[cfg(not(all(
    target_os = "linux",
    any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "arm",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
)))]
#[must_use]
pub fn unacknowledged(_socket: impl AsFd) -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    #[test]
    fn what_a_peer_does_not_read_is_counted_until_it_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // A receive window of a few kilobytes, so that the rest stays with the sender.
        socket2::SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        assert_eq!(unacknowledged(&ours), Some(0));
        ours.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(count) = ours.write(&[0; 4096]) {
            written += count;
        }
        assert!(unacknowledged(&ours) > Some(0), "{written} bytes fit into no such window");
        theirs.read_exact(&mut vec![0; written]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while unacknowledged(&ours) != Some(0) {
            assert!(Instant::now() < deadline, "{:?} are left", unacknowledged(&ours));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
