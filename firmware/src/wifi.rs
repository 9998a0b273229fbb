//! The radio's driver. One task alone has its controller: the driver's event channel panics when too many listen.

use crate::restart;
use crate::shared::CHANNELS;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use embassy_net::Stack;
use embassy_time::Duration;
use esp_hal::peripherals::WIFI;
use esp_radio::wifi::ap::AccessPointInfo;
use esp_radio::wifi::scan::{ScanConfig, ScanTypeConfig};
use esp_radio::wifi::sta::{ScanMethod, StationConfig};
use esp_radio::wifi::{
    AuthenticationMethod, AuthenticationMethodConfig, Config, ConnectionError, ControllerConfig,
    DisconnectReason, WifiController, WifiError,
};
use lenscast_device::wifi::{AccessPoint, Auth, Bssid, Join};
use lenscast_runtime::wifi::{self, LAST_RESORT, NotJoined};

/// How loud it is, in quarters of 1 dBm: 15 dBm. The driver's own default is 5 dBm, which does not reach through a wall;
/// beyond 16 dBm some boards are said to fail at authenticating. BOARD?: that this one does not.
const POWER: i8 = 60;

/// Longest list of networks: what the console can ask for.
const MAX_NETWORKS: usize = 200;

/// Serves with one controller after the other. `reason`: why the device started. `pause`: how long the radio stays off.
#[embassy_executor::task]
pub async fn run(wifi: WIFI<'static>, stack: Stack<'static>, reason: String, pause: Option<Duration>) {
    wifi::run(Adapter(wifi), stack, &reason, pause, &CHANNELS).await;
    restart::now(LAST_RESORT)
}

struct Adapter(WIFI<'static>);

impl wifi::Adapter for Adapter {
    type Radio<'a> = Radio<'a>;

    fn start(&mut self) -> Result<Radio<'_>, String> {
        let config = ControllerConfig::default().with_tx_queue_size(12);
        // BOARD?: that dropping the controller gives all of its memory back.
        WifiController::new(self.0.reborrow(), config)
            .and_then(|mut controller| controller.set_max_tx_power(POWER).map(|()| Radio(controller)))
            .map_err(|error| format!("{error:?}"))
    }
}

struct Radio<'a>(WifiController<'a>);

impl wifi::Radio for Radio<'_> {
    async fn join(&mut self, join: &Join) -> Result<Bssid, NotJoined> {
        let result = match self.configure(join) {
            Ok(()) => self.0.connect_async().await,
            Err(error) => Err(error.into()),
        };
        result.map(|info| Bssid(info.bssid)).map_err(|error| match error {
            ConnectionError::Failed(info) => NotJoined::Refused { reason: number(info.reason) },
            // A password that no network can have.
            ConnectionError::WifiError(WifiError::InvalidPassword | WifiError::InvalidArguments) => {
                NotJoined::Refused { reason: number(DisconnectReason::AuthenticationFailed) }
            }
            _ => NotJoined::BrokeDown,
        })
    }

    async fn leave(&mut self) -> Result<(), String> {
        self.0.disconnect_async().await.map(drop).map_err(|error| format!("{error:?}"))
    }

    async fn gone(&mut self) -> u16 {
        // An event that came between two waits is over; the driver then knows only that there is no network.
        let result = self.0.wait_for_disconnect_async().await;
        number(result.map_or(DisconnectReason::BeaconTimeout, |info| info.reason))
    }

    async fn scan(&mut self) -> Result<Vec<AccessPoint>, String> {
        let time = esp_hal::time::Duration::from_millis(100);
        let config = ScanConfig::default()
            .with_show_hidden(true)
            .with_scan_type(ScanTypeConfig::Active { min: time, max: time })
            .with_max(MAX_NETWORKS);
        let networks = self.0.scan_async(&config).await.map_err(|error| format!("{error:?}"))?;
        Ok(networks.iter().map(access_point).collect())
    }

    fn signal(&mut self) -> Option<i8> {
        // Whatever the driver says is printed, as far as 8 bits hold it.
        self.0.rssi().ok().map(|dbm| dbm.clamp(i8::MIN.into(), i8::MAX.into()) as i8)
    }
}

impl Radio<'_> {
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
        self.0.set_config(&Config::Station(station))
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
    assert!(number(Reason::AssociationLeave) == wifi::LEFT);
    assert!(number(Reason::ConnectionFailed) == wifi::CONNECTION_FAILED);
    assert!(number(Reason::FourWayHandshakeTimeout) == 15);
    assert!(number(Reason::CipherSuiteRejected) == 24);
    assert!(number(Reason::Timeout) == 39);
    assert!(number(Reason::InvalidFte) == 51);
    assert!(number(Reason::AlterativeChannelOccupied) == 68);
    assert!(number(Reason::NoAccessPointFound) == 201);
    assert!(number(Reason::AuthenticationFailed) == 202);
    assert!(number(Reason::NoAccessPointFoundInRssiThreshold) == 212);
};
