//! The two messages to the kernel that make a new network namespace useful: loopback is switched on, and gets an address.
//!
//! They are those of `ip link set lo up` and `ip address add 10.77.0.1/16 dev lo` (rtnetlink(7)), without a need for that
//! program.

use crate::Result;
use rustix::net::{AddressFamily, SendFlags, SocketType};
use std::net::Ipv4Addr;

/// The number of loopback in every network namespace.
const LO: u32 = 1;

// From linux/rtnetlink.h, linux/netlink.h and linux/if.h.
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;

/// Switches loopback on and gives it the network of `address` with a prefix of so many bits. Loopback answers for every
/// address of it.
///
/// # Errors
/// The kernel refuses, as it does outside a namespace of one's own.
pub(crate) fn open(address: Ipv4Addr, prefix: u8) -> Result<()> {
    // ifinfomsg: family, padding, type (2), index (4), flags (4), which flags change (4).
    let mut up = vec![0, 0, 0, 0];
    for word in [LO, IFF_UP, IFF_UP] {
        up.extend(word.to_ne_bytes());
    }
    ask(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, &up)?;
    // ifaddrmsg: family, prefix, flags, scope, index (4); then the attributes, each its length, its kind and its bytes.
    let mut add = vec![AF_INET, prefix, 0, 0];
    add.extend(LO.to_ne_bytes());
    for kind in [IFA_LOCAL, IFA_ADDRESS] {
        add.extend(8_u16.to_ne_bytes());
        add.extend(kind.to_ne_bytes());
        add.extend(address.octets());
    }
    ask(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &add)
}

/// Sends one request, and waits for what the kernel says to it.
fn ask(kind: u16, flags: u16, body: &[u8]) -> Result<()> {
    // Protocol 0 is NETLINK_ROUTE.
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    // nlmsghdr: length (4), kind (2), flags (2), number (4), port (4).
    let length = u32::try_from(16 + body.len())?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    rustix::net::send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0; 512];
    let (count, _) = rustix::net::recv(&socket, &mut answer[..], rustix::net::RecvFlags::empty())?;
    error_in(&answer[..count])
}

/// The kernel's answer: an error message whose number is 0 when all is well.
fn error_in(answer: &[u8]) -> Result<()> {
    let word =
        |at: usize| answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    match (kind, word(16)) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(std::io::Error::from_raw_os_error(-error).into()),
        _ => Err("the kernel's answer has another form than netlink(7) says".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read() {
        let answer = |number: i32| {
            let mut bytes = 36_u32.to_ne_bytes().to_vec();
            bytes.extend(NLMSG_ERROR.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(number.to_ne_bytes());
            bytes
        };
        assert!(error_in(&answer(0)).is_ok());
        let refused = error_in(&answer(-1)).unwrap_err().to_string();
        assert!(refused.contains("os error 1"), "{refused}");
        assert!(error_in(&answer(0)[..18]).is_err() && error_in(&[]).is_err());
    }
}
