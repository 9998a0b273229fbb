//! Where the pages are found.

use super::config::HttpConfig;
use lenscast_base::addresses::{machine_addresses, reachable};
use lenscast_base::in_force::InForce;
use lenscast_base::listen::Listening;
use std::net::IpAddr;
use std::sync::Arc;

/// Where this server is found. Clones share it.
#[derive(Clone, Debug)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: InForce<HttpConfig>,
    listening: Listening,
}

impl Places {
    /// A server that listens there.
    #[must_use]
    pub fn new(config: InForce<HttpConfig>, listening: Listening) -> Self {
        Self(Arc::new(Inner { config, listening }))
    }

    /// The sockets on which this server listens.
    #[must_use]
    pub fn listening(&self) -> Listening {
        self.0.listening
    }

    /// The path under which a proxy serves this server, with a slash at both ends.
    #[must_use]
    pub fn base_path(&self) -> String {
        self.0.config.get().base_path.clone()
    }

    /// The addresses at which others find the pages now, each with a slash at its end.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        places(&self.0.config.get(), self.0.listening, &machine_addresses())
    }
}

/// The addresses at which others find the pages, each with a slash at its end: under the names that the owner gave, when a
/// proxy stands in front, and at the addresses `machine` of this computer.
#[must_use]
pub fn places(config: &HttpConfig, listening: Listening, machine: &[IpAddr]) -> Vec<String> {
    let base = &config.base_path;
    let proxied = config.behind_proxy;
    let (scheme, listen) = match listening {
        Listening { tls: Some(tls), .. } => ("https", Some(tls)),
        Listening { plain, .. } => ("http", plain),
    };
    let mut places: Vec<String> = Vec::new();
    for name in &config.host_names {
        match listening.tls {
            _ if proxied => places.push(format!("https://{name}{base}")),
            Some(tls) => places.push(format!("https://{name}{}/", port_of("https", tls.port()))),
            None => {}
        }
    }
    if let Some(listen) = listen
        && (base == "/" || places.is_empty())
    {
        let mut addresses = reachable(listen, machine);
        if addresses.iter().any(|address| !address.is_loopback()) {
            addresses.retain(|address| !address.is_loopback());
        }
        addresses.sort_by_key(IpAddr::is_ipv6);
        places.extend(addresses.into_iter().map(|address| place(scheme, address, listen.port())));
    }
    places
}

/// `http://192.168.1.5:8080/`: the address of a page, with a slash at its end.
#[must_use]
pub fn place(scheme: &str, address: IpAddr, port: u16) -> String {
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    format!("{scheme}://{host}{}/", port_of(scheme, port))
}

/// `:8443`; nothing for the port that goes without saying.
fn port_of(scheme: &str, port: u16) -> String {
    match (scheme, port) {
        ("http", 80) | ("https", 443) => String::new(),
        _ => format!(":{port}"),
    }
}
