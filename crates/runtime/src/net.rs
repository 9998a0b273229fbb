//! The network: addresses, names and the one TCP connection.

use crate::channels::{Channels, Event, PORTION};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use embassy_futures::select::{Either, select};
use embassy_net::dns::DnsQueryType;
use embassy_net::driver::Driver;
use embassy_net::tcp::{ConnectError, Error, TcpReader, TcpSocket, TcpWriter};
use embassy_net::{Config, DhcpConfig, IpAddress, IpEndpoint, Runner, Stack, StackResources};
use embassy_time::{Duration, with_timeout};
use lenscast_device::stream::{DialId, SocketAction, SocketEvent};

/// Bytes of the buffer that [`socket`] receives into.
pub const RECEIVE: usize = 2048;

/// Sockets that the stack needs: the connection's, DHCP's and that of DNS.
pub const SOCKETS: usize = 3;

/// A peer that acknowledges nothing for this long is gone. The device itself notices earlier, and in words.
const SILENCE: Duration = Duration::from_secs(20);

/// How often the peer is asked whether it is there while nothing is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Where names under `.local` are asked (RFC 6762 §3).
const MDNS_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// The name that a device tells its router: `lenscast-BOARD-010203`, with the last three bytes of its address, since
/// boards of one kind are told apart by nothing else. `id` is that address as `aa:bb:cc:01:02:03`.
#[must_use]
pub fn host_name(board: &str, id: &str) -> String {
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    let last = digits.get(6..).unwrap_or(&digits);
    format!("lenscast-{board}-{last}")
}

/// A network stack on `driver`, which gets its address by DHCP and tells the router there that it is called `name`. The
/// runner is to be run.
///
/// A name of more than 32 bytes is not told.
pub fn stack<'a, D: Driver>(
    driver: D,
    name: &str,
    resources: &'a mut StackResources<SOCKETS>,
    seed: u64,
) -> (Stack<'a>, Runner<'a, D>) {
    let mut dhcp = DhcpConfig::default();
    dhcp.hostname = name.try_into().ok();
    let (stack, runner) = embassy_net::new(driver, Config::dhcpv4(dhcp), resources, seed);
    // BOARD?: whether answers for names under `.local` arrive; without the group only the router's names are found.
    stack.join_multicast_group(MDNS_GROUP).expect("the stack has room for one group, and this is the first");
    (stack, runner)
}

/// Serves one attempt after the other, for ever; a new action ends the one that is under way.
pub async fn socket(stack: Stack<'_>, received: &mut [u8], to_send: &mut [u8], channels: &Channels) -> ! {
    let mut next = None;
    loop {
        let action = match next.take() {
            Some(action) => action,
            None => channels.socket.receive().await,
        };
        let SocketAction::Dial { id, host, port } = action else { continue };
        channels.outgoing.clear();
        let mut socket = TcpSocket::new(stack, received, to_send);
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(SILENCE));
        socket.set_keep_alive(Some(KEEP_ALIVE));
        let attempt = attempt(stack, &mut socket, id, &host, port, channels);
        if let Either::Second(action) = select(attempt, channels.socket.receive()).await {
            next = Some(action);
        }
        // The peer is told. Half a message may have been sent: nothing can follow it.
        socket.abort();
        #[expect(clippy::let_underscore_must_use, reason = "a peer that cannot be told finds out by itself")]
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
    }
}

/// From dialling to the end of the connection.
async fn attempt(
    stack: Stack<'_>,
    socket: &mut TcpSocket<'_>,
    id: DialId,
    host: &str,
    port: u16,
    channels: &Channels,
) {
    let tell = |event| channels.events.send(Event::Socket(id, event));
    if let Err(why) = connect(stack, socket, host, port).await {
        return tell(SocketEvent::Failed(why)).await;
    }
    tell(SocketEvent::Connected).await;
    let (reader, writer) = socket.split();
    let why = match select(receive(reader, id, channels), send(writer, channels)).await {
        Either::First(why) | Either::Second(why) => why,
    };
    tell(SocketEvent::Closed(why)).await;
}

/// # Errors
/// Why there is no connection, in words.
async fn connect(stack: Stack<'_>, socket: &mut TcpSocket<'_>, host: &str, port: u16) -> Result<(), String> {
    let address = resolve(stack, host).await?;
    socket.connect(IpEndpoint::new(address, port)).await.map_err(|error| match error {
        ConnectError::ConnectionReset => {
            format!("{address} refused the connection: nothing listens on port {port}")
        }
        ConnectError::TimedOut => format!("{address} does not answer"),
        ConnectError::NoRoute => format!("no way leads to {address}"),
        ConnectError::InvalidState => "the socket is in use".to_string(),
    })
}

async fn resolve(stack: Stack<'_>, host: &str) -> Result<IpAddress, String> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(IpAddress::Ipv4(address));
    }
    let addresses = stack.dns_query(host, DnsQueryType::A).await;
    let addresses = addresses.map_err(|error| format!("the name {host} was not found ({error:?})"))?;
    addresses.first().copied().ok_or_else(|| format!("the name {host} has no IPv4 address"))
}

/// Returns why it ended, in words: none when the peer closed in order.
async fn receive(mut reader: TcpReader<'_>, id: DialId, channels: &Channels) -> String {
    let mut bytes = [0; 512];
    loop {
        match reader.read(&mut bytes).await {
            Ok(0) => return String::new(),
            Ok(count) => channels.events.send(Event::Received(id, Vec::from(&bytes[..count]))).await,
            Err(Error::ConnectionReset) => return "the connection was reset".to_string(),
        }
    }
}

/// Returns why it ended, in words.
async fn send(mut writer: TcpWriter<'_>, channels: &Channels) -> String {
    let mut bytes = [0; PORTION];
    loop {
        let count = channels.outgoing.read(&mut bytes).await;
        channels.room();
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            match writer.write(rest).await {
                Ok(count) => rest = &rest[count..],
                Err(Error::ConnectionReset) => return "the connection was reset".to_string(),
            }
        }
    }
}
