//! The network: addresses, names and the one TCP connection.

use crate::board;
use crate::device::{EVENTS, Event};
use crate::watchdog::spawn;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::dns::DnsQueryType;
use embassy_net::tcp::{ConnectError, Error, TcpReader, TcpSocket, TcpWriter};
use embassy_net::{Config, DhcpConfig, IpAddress, IpEndpoint, Runner, Stack, StackResources};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::pipe::Pipe;
use embassy_time::{Duration, with_timeout};
use esp_radio::wifi::Interface;
use lenscast_device::stream::{DialId, SocketAction, SocketEvent};
use static_cell::{ConstStaticCell, StaticCell};

/// Bytes that are taken from the device at once.
pub const PORTION: usize = 2048;

/// A peer that acknowledges nothing for this long is gone. The device itself notices earlier, and in words.
const SILENCE: Duration = Duration::from_secs(20);

/// How often the peer is asked whether it is there while nothing is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Where names under `.local` are asked (RFC 6762 §3).
const MDNS_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// What the socket is to do.
pub static ACTIONS: Channel<CriticalSectionRawMutex, SocketAction, 8> = Channel::new();

/// What the socket is to send. It belongs to the attempt that is connected.
pub static OUTGOING: Pipe<CriticalSectionRawMutex, { 2 * PORTION }> = Pipe::new();

/// Starts the network on the station's interface, and the task of the socket.
pub fn start(spawner: Spawner, seed: u64) -> Stack<'static> {
    // The socket, DHCP and DNS.
    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let mut dhcp = DhcpConfig::default();
    // A name that does not fit is left out.
    dhcp.hostname = board::NAME.try_into().ok();
    let config = Config::dhcpv4(dhcp);
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) = embassy_net::new(Interface::station(), config, resources, seed);
    // BOARD?: whether answers for names under `.local` arrive; without the group only the router's names are found.
    let _ = stack.join_multicast_group(MDNS_GROUP);
    spawn(spawner, run(runner));
    spawn(spawner, socket(stack));
    stack
}

#[embassy_executor::task]
async fn run(mut runner: Runner<'static, Interface>) {
    runner.run().await
}

/// One attempt after the other; a new action ends the one that is under way.
#[embassy_executor::task]
async fn socket(stack: Stack<'static>) {
    static RECEIVED: ConstStaticCell<[u8; 2048]> = ConstStaticCell::new([0; 2048]);
    static TO_SEND: ConstStaticCell<[u8; board::TCP_TRANSMIT]> =
        ConstStaticCell::new([0; board::TCP_TRANSMIT]);
    let (received, to_send) = (RECEIVED.take(), TO_SEND.take());
    let mut next = None;
    loop {
        let action = match next.take() {
            Some(action) => action,
            None => ACTIONS.receive().await,
        };
        let SocketAction::Dial { id, host, port } = action else { continue };
        OUTGOING.clear();
        let mut socket = TcpSocket::new(stack, received, to_send);
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(SILENCE));
        socket.set_keep_alive(Some(KEEP_ALIVE));
        if let Either::Second(action) =
            select(attempt(stack, &mut socket, id, &host, port), ACTIONS.receive()).await
        {
            next = Some(action);
        }
        // The peer is told. Half a message may have been sent: nothing can follow it.
        socket.abort();
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
    }
}

/// From dialling to the end of the connection.
async fn attempt(stack: Stack<'static>, socket: &mut TcpSocket<'_>, id: DialId, host: &str, port: u16) {
    let tell = |event| EVENTS.send(Event::Socket(id, event));
    if let Err(why) = connect(stack, socket, host, port).await {
        return tell(SocketEvent::Failed(why)).await;
    }
    tell(SocketEvent::Connected).await;
    let (reader, writer) = socket.split();
    let why = match select(receive(reader, id), send(writer)).await {
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
async fn receive(mut reader: TcpReader<'_>, id: DialId) -> String {
    let mut bytes = [0; 512];
    loop {
        match reader.read(&mut bytes).await {
            Ok(0) => return String::new(),
            Ok(count) => EVENTS.send(Event::Received(id, Vec::from(&bytes[..count]))).await,
            Err(Error::ConnectionReset) => return "the connection was reset".to_string(),
        }
    }
}

/// Returns why it ended, in words.
async fn send(mut writer: TcpWriter<'_>) -> String {
    let mut bytes = [0; PORTION];
    loop {
        let count = OUTGOING.read(&mut bytes).await;
        // There is room again. When the queue is full the device is about to look anyway.
        let _ = EVENTS.try_send(Event::Room);
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            match writer.write(rest).await {
                Ok(count) => rest = &rest[count..],
                Err(Error::ConnectionReset) => return "the connection was reset".to_string(),
            }
        }
    }
}
