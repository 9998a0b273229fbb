//! The router of the device's network, with a TCP/IP stack of its own: it gives addresses and names, and hands TCP
//! connections on to servers on this computer's loopback.

use crate::clock;
use crate::link::Link;
use crate::names::{dhcp_answer, dns_answer};
use crate::random::Random;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint, Ipv4Address};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// The gateway's own address.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
/// What the device gets.
pub const LEASE: Ipv4Address = Ipv4Address::new(10, 0, 0, 7);
/// Where names under `.local` are asked.
const MDNS: Ipv4Address = Ipv4Address::new(224, 0, 0, 251);

const DHCP_PORT: u16 = 67;
const DNS_PORT: u16 = 53;
const MDNS_PORT: u16 = 5353;

/// Bytes of the gateway's TCP window.
const WINDOW: usize = 16 * 1024;

pub struct Gateway {
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    dns: SocketHandle,
    mdns: SocketHandle,
    /// Where the connections of a port go. A port that is not here refuses them.
    servers: BTreeMap<u16, SocketAddr>,
    listening: BTreeMap<u16, SocketHandle>,
    connections: Vec<Connection>,
    random: Random,
    /// Bytes a second that servers are given; `None`: as they come.
    pub rate: Option<u64>,
    /// Bytes that they may be given now, in millionths, and since when.
    budget: (u64, u64),
    /// The host names that DHCP was told, in order.
    pub host_names: Vec<String>,
    /// The names that were asked for: by DNS and by multicast DNS.
    pub asked: Vec<(String, bool)>,
}

struct Connection {
    handle: SocketHandle,
    server: TcpStream,
    /// The server has nothing more to say.
    over: bool,
}

impl Gateway {
    pub fn new(link: Link, seed: u64) -> Self {
        let mut end = link.clone();
        let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into());
        let mut interface = Interface::new(config, &mut end, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(ADDRESS.into(), 24)).expect("there is room for one address");
        });
        interface.join_multicast_group(MDNS).expect("there is room for one group");
        let mut sockets = SocketSet::new(Vec::new());
        let mut bind = |port: u16| {
            let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; 4096]);
            let mut socket = udp::Socket::new(buffer(), buffer());
            socket.bind(port).expect("the port is free");
            sockets.add(socket)
        };
        let (dhcp, dns, mdns) = (bind(DHCP_PORT), bind(DNS_PORT), bind(MDNS_PORT));
        Self {
            link,
            interface,
            sockets,
            dhcp,
            dns,
            mdns,
            servers: BTreeMap::new(),
            listening: BTreeMap::new(),
            connections: Vec::new(),
            random: Random::new(seed ^ 2),
            rate: None,
            budget: (0, 0),
            host_names: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Connections to `port` of the gateway go to `server`.
    pub fn open(&mut self, port: u16, server: SocketAddr) {
        self.servers.insert(port, server);
    }

    /// Connections to `port` are refused from now on, and those that there are, on any port, are reset.
    pub fn close(&mut self, port: u16) {
        self.servers.remove(&port);
        if let Some(handle) = self.listening.remove(&port) {
            self.sockets.remove(handle);
        }
        for connection in &self.connections {
            self.sockets.get_mut::<tcp::Socket>(connection.handle).abort();
        }
    }

    /// When there is something to do at the latest.
    pub fn next(&mut self) -> Option<u64> {
        let own = self.interface.poll_at(self.now(), &self.sockets).map(|at| at.total_micros() as u64);
        [own, self.link.next()].into_iter().flatten().min()
    }

    fn now(&self) -> Instant {
        Instant::from_micros(clock::now() as i64)
    }

    /// Does what there is to do. Returns whether something passed.
    pub fn poll(&mut self) -> bool {
        let now = self.now();
        let polled = self.interface.poll(now, &mut self.link, &mut self.sockets);
        let mut passed = polled == smoltcp::iface::PollResult::SocketStateChanged;
        self.listen();
        passed |= self.give_addresses();
        passed |= self.give_names();
        passed |= self.pass_on();
        if passed {
            self.interface.poll(now, &mut self.link, &mut self.sockets);
        }
        passed
    }

    /// Has a socket that listens on each port that is open.
    fn listen(&mut self) {
        for (&port, &server) in &self.servers {
            if let Some(&handle) = self.listening.get(&port) {
                if self.sockets.get::<tcp::Socket>(handle).state() == tcp::State::Listen {
                    continue;
                }
                self.listening.remove(&port);
                let server = TcpStream::connect(server).expect("the server listens");
                server.set_nonblocking(true).expect("a socket can be non-blocking");
                server.set_nodelay(true).expect("a socket can be quick");
                self.connections.push(Connection { handle, server, over: false });
            }
            let buffer = || tcp::SocketBuffer::new(vec![0; WINDOW]);
            let mut socket = tcp::Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            socket.listen(IpListenEndpoint { addr: None, port }).expect("it is a port");
            self.listening.insert(port, self.sockets.add(socket));
        }
    }

    fn give_addresses(&mut self) -> bool {
        let socket = self.sockets.get_mut::<udp::Socket>(self.dhcp);
        let Ok((request, _)) = socket.recv() else { return false };
        let (answer, host_name) = dhcp_answer(request);
        self.host_names.extend(host_name);
        let everybody = IpEndpoint::new(IpAddress::Ipv4(Ipv4Address::BROADCAST), 68);
        answer.into_iter().for_each(|answer| socket.send_slice(&answer, everybody).expect("there is room"));
        true
    }

    fn give_names(&mut self) -> bool {
        let mut passed = false;
        for (handle, multicast) in [(self.dns, false), (self.mdns, true)] {
            let socket = self.sockets.get_mut::<udp::Socket>(handle);
            let Ok((question, from)) = socket.recv() else { continue };
            passed = true;
            let Some((name, answer)) = dns_answer(question) else { continue };
            self.asked.push((name, multicast));
            // Who asks from another port than 5353 is answered alone (RFC 6762 §6.7).
            assert_ne!(from.endpoint.port, MDNS_PORT);
            socket.send_slice(&answer, from.endpoint).expect("there is room");
        }
        passed
    }

    /// Passes bytes on, both ways, in portions of random size.
    fn pass_on(&mut self) -> bool {
        let mut passed = false;
        let (credit, since) = self.budget;
        let rate = self.rate.unwrap_or(u64::MAX / 1_000_000_000_000);
        // Nobody saves up more than a tenth of a second.
        let credit = (credit + rate * (clock::now() - since)).min(rate * 100_000);
        self.budget = (credit, clock::now());
        let Self { connections, sockets, random, budget: (credit, _), .. } = self;
        connections.retain_mut(|connection| {
            let socket = sockets.get_mut::<tcp::Socket>(connection.handle);
            passed |= up(socket, connection, random, credit);
            passed |= down(socket, connection, random);
            if matches!(socket.state(), tcp::State::Closed | tcp::State::TimeWait) {
                sockets.remove(connection.handle);
                passed = true;
                return false;
            }
            true
        });
        passed
    }
}

/// From the device to the server.
fn up(socket: &mut tcp::Socket, connection: &mut Connection, random: &mut Random, credit: &mut u64) -> bool {
    let most = random.within(1..4096).min((*credit / 1_000_000) as usize);
    if socket.can_recv() && most > 0 {
        let written = socket.recv(|bytes| {
            let count = bytes.len().min(most);
            let written = written(connection.server.write(&bytes[..count]));
            (written.unwrap_or(0), written)
        });
        match written {
            Ok(Some(count)) => *credit -= count as u64 * 1_000_000,
            _ => socket.abort(),
        }
        return written != Ok(Some(0));
    }
    if socket.state() == tcp::State::CloseWait && socket.recv_queue() == 0 {
        socket.close();
        // A server that is gone already needs not be told.
        return connection.server.shutdown(Shutdown::Write).is_ok();
    }
    false
}

/// From the server to the device.
fn down(socket: &mut tcp::Socket, connection: &mut Connection, random: &mut Random) -> bool {
    if connection.over || !socket.may_send() {
        return false;
    }
    let room = socket.send_capacity() - socket.send_queue();
    let mut bytes = vec![0; room.min(random.within(1..2048))];
    if bytes.is_empty() {
        return false;
    }
    match written(connection.server.read(&mut bytes).and_then(|count| match count {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    })) {
        Some(0) => false,
        Some(count) => {
            let sent = socket.send_slice(&bytes[..count]);
            assert_eq!(sent, Ok(count), "the room was seen");
            true
        }
        None => {
            connection.over = true;
            socket.close();
            true
        }
    }
}

/// How many bytes passed; `None` when no more can.
fn written(result: std::io::Result<usize>) -> Option<usize> {
    match result {
        Ok(count) => Some(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}
