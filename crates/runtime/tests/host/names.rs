//! What a router answers when it is asked for an address or a name.

use crate::gateway::{ADDRESS, LEASE};
use smoltcp::wire::{DHCP_MAX_DNS_SERVER_COUNT, DhcpMessageType, DhcpPacket, DhcpRepr, Ipv4Address};

/// Host name, as a DHCP client tells it (RFC 2132 §3.14).
const HOST_NAME: u8 = 12;

/// The answer to a DHCP request, and the host name in it.
pub fn dhcp_answer(request: &[u8]) -> (Option<Vec<u8>>, Option<String>) {
    let packet = DhcpPacket::new_checked(request).expect("the device speaks DHCP");
    let asked = DhcpRepr::parse(&packet).expect("the device speaks DHCP");
    let option = packet.options().find(|option| option.kind == HOST_NAME);
    let host_name = option.map(|option| String::from_utf8(option.data.to_vec()).expect("a name in ASCII"));
    let message_type = match asked.message_type {
        DhcpMessageType::Discover => DhcpMessageType::Offer,
        DhcpMessageType::Request => DhcpMessageType::Ack,
        _ => return (None, host_name),
    };
    let answer = DhcpRepr {
        message_type,
        transaction_id: asked.transaction_id,
        secs: 0,
        client_hardware_address: asked.client_hardware_address,
        client_ip: Ipv4Address::UNSPECIFIED,
        your_ip: LEASE,
        server_ip: ADDRESS,
        router: Some(ADDRESS),
        subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
        relay_agent_ip: Ipv4Address::UNSPECIFIED,
        broadcast: true,
        requested_ip: None,
        client_identifier: None,
        server_identifier: Some(ADDRESS),
        parameter_request_list: None,
        dns_servers: Some(
            heapless::Vec::<_, DHCP_MAX_DNS_SERVER_COUNT>::from_slice(&[ADDRESS]).expect("room for one"),
        ),
        max_size: None,
        lease_duration: Some(600),
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut bytes = vec![0; answer.buffer_len()];
    answer.emit(&mut DhcpPacket::new_unchecked(&mut bytes)).expect("the buffer is as long as it is");
    (Some(bytes), host_name)
}

/// The name that is asked for, and the answer (RFC 1035 §4): the gateway's own address for names that begin with
/// `server`, and that there is none of any other name. `None`: it is an answer itself.
pub fn dns_answer(question: &[u8]) -> Option<(String, Vec<u8>)> {
    if question[2] & 0x80 != 0 {
        return None;
    }
    // `6server5local0` as lengths and labels, then type and class.
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(str::from_utf8(&question[at + 1..end]).expect("a name in ASCII"));
        at = end;
    }
    let name = labels.join(".");
    let known = labels[0] == "server";
    let mut answer = question[..2].to_vec();
    // An answer, with recursion; 3 is "no such name". One question, and one answer if there is one.
    answer.extend([0x81, if known { 0x80 } else { 0x83 }, 0, 1, 0, known.into(), 0, 0, 0, 0]);
    answer.extend(&question[12..at + 5]);
    if known {
        // The name at byte 12, an address of class IN, for 60 s, 4 bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(ADDRESS.octets());
    }
    Some((name, answer))
}
