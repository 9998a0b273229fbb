//! The radio. This task alone has its controller: the driver's event channel panics when too many listen.

use crate::device::{EVENTS, Event};
use crate::restart;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::Ipv4Addr;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::Stack;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::{Duration, Timer, with_timeout};
use esp_hal::peripherals::WIFI;
use esp_radio::wifi::ap::AccessPointInfo;
use esp_radio::wifi::scan::{ScanConfig, ScanTypeConfig};
use esp_radio::wifi::sta::{ScanMethod, StationConfig};
use esp_radio::wifi::{
    AuthenticationMethod, AuthenticationMethodConfig, Config, ConnectionError, ControllerConfig,
    DisconnectReason, WifiController, WifiError,
};
use lenscast_device::recovery::{Recovery, Remedy};
use lenscast_device::wifi::{AccessPoint, Auth, Bssid, Join, WifiAction, WifiEvent};

/// How long the driver may take to leave a network.
const LEAVE: Duration = Duration::from_secs(3);

/// Pause before a radio that could not be had is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// Why the device restarts when nothing else helps.
const LAST_RESORT: &str = "the radio failed again and again";

/// How often the signal is told, and whether the address is another.
const SIGNAL: Duration = Duration::from_secs(5);

/// How loud it is, in quarters of 1 dBm: 15 dBm. The driver's own default is 5 dBm, which does not reach through a wall;
/// beyond 16 dBm some boards are said to fail at authenticating. BOARD?: that this one does not.
const POWER: i8 = 60;

/// How long looking around may take: 14 channels, each for 100 ms, with pauses while a network is joined.
const LOOK: Duration = Duration::from_secs(12);

/// Longest list of networks: what the console can ask for.
const MAX_NETWORKS: usize = 200;

/// What the radio is to do.
pub static ACTIONS: Channel<CriticalSectionRawMutex, WifiAction, 8> = Channel::new();

/// Serves with one controller after the other. `reason`: why the device started.
#[embassy_executor::task]
pub async fn run(mut wifi: WIFI<'static>, stack: Stack<'static>, reason: String) {
    let mut recovery = Recovery::new(reason.ends_with(LAST_RESORT));
    loop {
        let config = ControllerConfig::default().with_tx_queue_size(12);
        let started = WifiController::new(wifi.reborrow(), config)
            .and_then(|mut controller| controller.set_max_tx_power(POWER).map(|()| controller));
        let remedy = match started {
            Ok(controller) => {
                tell(WifiEvent::Started).await;
                // BOARD?: that dropping the controller gives all of its memory back.
                Radio { controller, stack, joined: false, address: None, recovery: &mut recovery }
                    .serve()
                    .await
            }
            Err(error) => {
                tell(WifiEvent::Failed(format!("the radio did not start ({error:?})"))).await;
                Timer::after(PAUSE).await;
                recovery.no_radio()
            }
        };
        if remedy == Remedy::Restart {
            restart::now(LAST_RESORT);
        }
    }
}

async fn tell(event: WifiEvent) {
    EVENTS.send(Event::Wifi(event)).await;
}

struct Radio<'a> {
    controller: WifiController<'a>,
    stack: Stack<'static>,
    joined: bool,
    /// The address that was told.
    address: Option<Ipv4Addr>,
    recovery: &'a mut Recovery,
}

impl Radio<'_> {
    /// Carries out one action after the other, until something else than trying again helps.
    async fn serve(mut self) -> Remedy {
        let mut next = None;
        loop {
            let action = match next.take() {
                Some(action) => action,
                None if self.joined => match self.stay().await {
                    Some(action) => action,
                    None => continue,
                },
                None => ACTIONS.receive().await,
            };
            let remedy = match action {
                WifiAction::Connect(join) => {
                    let (remedy, action) = self.join(&join).await;
                    next = action;
                    remedy
                }
                WifiAction::Disconnect => {
                    self.joined = false;
                    // It is over either way: a driver that does not answer is told to join next, and fails then.
                    let _ = with_timeout(LEAVE, self.controller.disconnect_async()).await;
                    tell(WifiEvent::Disconnected { reason: number(DisconnectReason::AssociationLeave) })
                        .await;
                    Remedy::TryAgain
                }
                WifiAction::Scan => self.scan().await,
            };
            if remedy != Remedy::TryAgain {
                return remedy;
            }
        }
    }

    /// Joins a network, unless another action comes first.
    async fn join(&mut self, join: &Join) -> (Remedy, Option<WifiAction>) {
        let result = match self.configure(join) {
            Ok(()) => match select(self.controller.connect_async(), ACTIONS.receive()).await {
                Either::First(result) => result.map(|info| Bssid(info.bssid)),
                Either::Second(action) => return (Remedy::TryAgain, Some(action)),
            },
            Err(error) => Err(error.into()),
        };
        let (reason, remedy) = match result {
            Ok(bssid) => {
                (self.joined, self.address) = (true, None);
                self.recovery.works();
                tell(WifiEvent::Associated(bssid)).await;
                return (Remedy::TryAgain, None);
            }
            Err(ConnectionError::Failed(info)) => (number(info.reason), self.recovery.refused()),
            // A password that no network can have.
            Err(ConnectionError::WifiError(WifiError::InvalidPassword | WifiError::InvalidArguments)) => {
                (number(DisconnectReason::AuthenticationFailed), self.recovery.refused())
            }
            Err(_) => (number(DisconnectReason::ConnectionFailed), self.recovery.broke_down()),
        };
        tell(WifiEvent::Disconnected { reason }).await;
        (remedy, None)
    }

    fn configure(&mut self, join: &Join) -> Result<(), WifiError> {
        let Join { credentials, all_channels, only } = join;
        // The weakest protection that is joined. With the default an open network never is.
        let authentication = if credentials.password.is_empty() {
            AuthenticationMethodConfig::Open
        } else {
            AuthenticationMethodConfig::Wpa(credentials.password.as_str().try_into()?)
        };
        let method = if *all_channels { ScanMethod::AllChannels } else { ScanMethod::Fast };
        let mut station = StationConfig::default()
            .with_ssid(credentials.ssid.as_str().try_into()?)
            .with_authentication(authentication)
            .with_scan_method(method);
        if let Some((Bssid(bssid), channel)) = *only {
            station = station.with_bssid(bssid).with_channel(channel);
        }
        self.controller.set_config(&Config::Station(station))
    }

    /// In a network: tells its address and signal. Returns the next action, or nothing when something was told.
    async fn stay(&mut self) -> Option<WifiAction> {
        let waiting = async {
            match self.address {
                None => self.stack.wait_config_up().await,
                Some(_) => Timer::after(SIGNAL).await,
            }
        };
        match select3(ACTIONS.receive(), self.controller.wait_for_disconnect_async(), waiting).await {
            Either3::First(action) => return Some(action),
            Either3::Second(result) => {
                self.joined = false;
                // An event that came between two waits is over; the driver then knows only that there is no network.
                let reason = result.map_or(DisconnectReason::BeaconTimeout, |info| info.reason);
                tell(WifiEvent::Disconnected { reason: number(reason) }).await;
            }
            Either3::Third(()) => {
                let address = self.stack.config_v4().map(|config| config.address.address());
                if let Some(address) = address.filter(|_| address != self.address) {
                    tell(WifiEvent::Address(address)).await;
                }
                self.address = address;
                if let Ok(dbm) = self.controller.rssi() {
                    // Whatever the driver says is printed, as far as 8 bits hold it.
                    tell(WifiEvent::Signal(dbm.clamp(i8::MIN.into(), i8::MAX.into()) as i8)).await;
                }
            }
        }
        None
    }

    async fn scan(&mut self) -> Remedy {
        let time = esp_hal::time::Duration::from_millis(100);
        let config = ScanConfig::default()
            .with_show_hidden(true)
            .with_scan_type(ScanTypeConfig::Active { min: time, max: time })
            .with_max(MAX_NETWORKS);
        let result = with_timeout(LOOK, self.controller.scan_async(&config)).await;
        let result = result.unwrap_or(Err(WifiError::Other));
        let remedy = match &result {
            Ok(networks) if networks.is_empty() => Remedy::TryAgain,
            Ok(_) => {
                self.recovery.works();
                Remedy::TryAgain
            }
            Err(_) => self.recovery.broke_down(),
        };
        let result = match result {
            Ok(networks) => Ok(networks.iter().map(access_point).collect()),
            Err(error) => Err(format!("the radio could not look around ({error:?})")),
        };
        tell(WifiEvent::ScanDone(result)).await;
        remedy
    }
}

fn access_point(info: &AccessPointInfo) -> AccessPoint {
    AccessPoint {
        ssid: info.ssid.as_str().to_string(),
        bssid: Bssid(info.bssid),
        channel: info.channel,
        rssi: info.signal_strength,
        auth: info.auth_method.map_or(Auth::Other, auth),
    }
}

fn auth(method: AuthenticationMethod) -> Auth {
    use AuthenticationMethod as Method;
    match method {
        Method::None => Auth::Open,
        Method::Wep => Auth::Wep,
        Method::Wpa => Auth::Wpa,
        Method::Wpa2Personal => Auth::Wpa2,
        Method::WpaWpa2Personal => Auth::WpaWpa2,
        Method::Wpa3Personal | Method::Wpa3ExtPsk | Method::Wpa3ExtPskMixed => Auth::Wpa3,
        Method::Wpa2Wpa3Personal => Auth::Wpa2Wpa3,
        Method::Wpa2Enterprise
        | Method::Wpa3EntSuiteB192Bit
        | Method::Wpa3Enterprise
        | Method::Wpa2Wpa3Enterprise
        | Method::WpaEnterprise => Auth::Enterprise,
        _ => Auth::Other,
    }
}

/// ESP-IDF's number for a reason. The driver's own type leaves them out but has the reasons in their order, in four
/// runs without gaps.
const fn number(reason: DisconnectReason) -> u16 {
    use DisconnectReason as Reason;
    const fn run(reason: DisconnectReason, first: DisconnectReason, number: u16) -> u16 {
        reason as u16 - first as u16 + number
    }
    match reason as u16 {
        n if n >= Reason::BeaconTimeout as u16 => run(reason, Reason::BeaconTimeout, 200),
        n if n >= Reason::TransmissionLinkEstablishmentFailed as u16 => {
            run(reason, Reason::TransmissionLinkEstablishmentFailed, 67)
        }
        n if n >= Reason::PeerInitiated as u16 => run(reason, Reason::PeerInitiated, 46),
        _ => run(reason, Reason::Unspecified, 1),
    }
}

// Should another version of the driver have them in another order, this does not compile.
const _: () = {
    use DisconnectReason as Reason;
    assert!(number(Reason::AssociationLeave) == 8);
    assert!(number(Reason::FourWayHandshakeTimeout) == 15);
    assert!(number(Reason::CipherSuiteRejected) == 24);
    assert!(number(Reason::Timeout) == 39);
    assert!(number(Reason::InvalidFte) == 51);
    assert!(number(Reason::AlterativeChannelOccupied) == 68);
    assert!(number(Reason::NoAccessPointFound) == 201);
    assert!(number(Reason::AuthenticationFailed) == 202);
    assert!(number(Reason::NoAccessPointFoundInRssiThreshold) == 212);
};
