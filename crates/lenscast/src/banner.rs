//! What the server prints when it starts: where to look, who may do what, and what to type on the camera.

use lenscast_auth::secret::Secret;
use lenscast_auth::store::FirstLinks;
use lenscast_base::addresses::{is_home, reachable};
use lenscast_base::listen::Listening;
use lenscast_http::places::{place, places};
use lenscast_settings::config::{Access, Config, Local, Plain};
use lenscast_tls::Info;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// What there is to say.
#[derive(Debug)]
pub struct Banner<'a> {
    /// What the owner set.
    pub config: &'a Config,
    /// Where the server is found.
    pub listening: Listening,
    /// The certificate, when there is TLS.
    pub certificate: Option<&'a Info>,
    /// The addresses of this machine.
    pub machine: &'a [IpAddr],
    /// Tokens that were just made.
    pub first: Option<&'a FirstLinks>,
    /// Whether credentials are kept.
    pub kept: bool,
}

impl Banner<'_> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("lenscast {}\n\nWatch:\n", env!("CARGO_PKG_VERSION"));
        for place in self.watch() {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "  {place}");
        }
        self.certificate(&mut out);
        self.who_may(&mut out);
        self.links(&mut out);
        self.cameras(&mut out);
        out
    }

    /// Where the pages are. With TLS, this computer is still served without: no browser warns of that.
    fn watch(&self) -> Vec<String> {
        let Listening { plain, tls } = self.listening;
        let at = |listen: Option<SocketAddr>, scheme| {
            let addresses = listen.map(|listen| reachable(listen, self.machine)).unwrap_or_default();
            let port = listen.map_or(0, |listen| listen.port());
            addresses.into_iter().map(move |address| (address, place(scheme, address, port)))
        };
        let all_plain = tls.is_none() || self.plain() == Plain::All;
        let mut list: Vec<_> =
            at(plain, "http").filter(|(address, _)| all_plain || address.is_loopback()).collect();
        let is_any = tls.is_some_and(|tls| tls.ip().is_unspecified());
        let once_is_enough = is_any && !list.is_empty();
        list.extend(at(tls, "https").filter(|(address, _)| !(once_is_enough && address.is_loopback())));
        list.sort_by_key(|(address, _)| (!address.is_loopback(), address.is_ipv6()));
        list.into_iter().map(|(_, place)| place).collect()
    }

    fn plain(&self) -> Plain {
        self.config.tls.as_ref().map_or(Plain::All, |tls| tls.plain)
    }

    fn certificate(&self, out: &mut String) {
        let Some(info) = self.certificate else {
            return;
        };
        out.push_str(if info.self_signed {
            "\nIts certificate is its own, so browsers warn once. Compare the SHA-256 fingerprint before you go on:\n"
        } else {
            "\nIts certificate, by SHA-256 fingerprint:\n"
        });
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "  {}", info.fingerprint());
    }

    /// Whether nobody but this computer can reach the server.
    fn is_private(&self) -> bool {
        self.listening.is_private() && self.config.proxy.trusted_proxies.is_empty()
    }

    fn who_may(&self, out: &mut String) {
        let Access { open, open_view, require_camera_key, local, .. } = self.config.access;
        out.push_str("\nWho may do what:\n");
        if open {
            out.push_str("  EVERYBODY who reaches this port may watch and change everything, without a password: there is no\n");
            out.push_str("  access control (--open). Only names that may be a stranger's are left out (--host-names).\n");
            if local == Local::Admin {
                return;
            }
        }
        out.push_str(match local {
            Local::Admin => "  This computer: everything.\n",
            Local::View => "  This computer: watch. To change something, a login or link (--local view).\n",
            Local::Nothing => "  This computer: nothing without a login or link (--local nothing).\n",
        });
        if open {
            return;
        }
        if self.is_private() {
            out.push_str("  Nobody else can reach this server.\n");
            return;
        }
        out.push_str(if open_view {
            "  The home network: watch, without a password (--open-view). To change something, a login or link.\n"
        } else {
            "  Others: what their link or login allows; without one, nothing.\n"
        });
        out.push_str(if require_camera_key {
            "  Cameras: with their key only (--require-camera-key). lenscast access new camera NAME makes one.\n"
        } else {
            "  Cameras: from the home network, without a key, unless one was made for them.\n"
        });
        match (self.listening, self.plain()) {
            (Listening { plain: Some(plain), tls: Some(_) }, Plain::All) => {
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = writeln!(
                    out,
                    "  Without TLS (port {}): the same. What passes there can be read on the way.",
                    plain.port()
                );
            }
            (Listening { plain: Some(plain), tls: Some(_) }, _) => {
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = writeln!(
                    out,
                    "  Without TLS (port {}): cameras and this computer only; others are sent to HTTPS.",
                    plain.port()
                );
            }
            _ => {}
        }
    }

    /// The links of a first start; or how to get some.
    fn links(&self, out: &mut String) {
        let Access { open, local, .. } = self.config.access;
        if local == Local::Admin && (open || self.is_private()) {
            return;
        }
        let Some(FirstLinks { view, admin }) = self.first else {
            out.push_str("  Links: lenscast share --all --for 24h, lenscast access new view NAME; docs/access.md says more.\n");
            return;
        };
        out.push_str(if self.kept {
            "\nYour links, shown only this once. Whoever has one needs no password:\n"
        } else {
            "\nYour links, for this run only, since nothing can be kept (--state-dir):\n"
        });
        let places = places(&self.config.http(), self.listening, self.machine);
        let mut list = |what: &str, secret: &Secret| {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "  {what}");
            for place in &places {
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = writeln!(out, "    {place}?token={}", secret.expose());
            }
        };
        list("To watch:", view);
        list("To watch and change everything:", admin);
    }

    fn cameras(&self, out: &mut String) {
        let Some(listen) = self.listening.plain else {
            out.push_str("\nOnly cameras with TLS can reach this server (plain = \"off\").\n");
            return;
        };
        let port = listen.port();
        let mut cameras = reachable(listen, self.machine);
        cameras.sort_by_key(IpAddr::is_ipv6);
        cameras.retain(|address| !address.is_loopback());
        // Few cameras know IPv6.
        if cameras.iter().any(IpAddr::is_ipv4) {
            cameras.retain(IpAddr::is_ipv4);
        }
        out.push('\n');
        let Some((address, others)) = cameras.split_first() else {
            if listen.ip().to_canonical().is_loopback() {
                out.push_str(
                    "No camera can reach this server: it listens on this computer only. Start it with\n",
                );
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = writeln!(out, "--listen [::]:{port} to let cameras in.");
            } else {
                out.push_str("No camera can reach this server yet: this computer has no network address.\n");
            }
            return;
        };
        out.push_str("On the camera's console (USB), once:\n");
        out.push_str("  cam> wifi set <network> <password> save\n");
        out.push_str("  cam> wifi connect\n");
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "  cam> stream set host {address} {port} save");
        out.push_str("  cam> stream start\n");
        if !others.is_empty() {
            out.push_str("If the camera is in another of this computer's networks:\n");
            for other in others {
                #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
                let _ = writeln!(out, "  cam> stream set host {other} {port} save");
            }
        }
        if !self.config.access.open && !cameras.iter().any(|address| is_home(*address)) {
            out.push_str("It needs a key: this computer has no address of a home network. lenscast access new camera NAME\n");
            out.push_str("makes one.\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_auth::secret::Kind;

    const MACHINE: [&str; 4] = ["fd00::5", "127.0.0.1", "192.168.1.5", "10.0.0.5"];

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    fn text(config: &Config, listen: &str, machine: &[&str], first: Option<&FirstLinks>) -> String {
        let machine: Vec<IpAddr> = machine.iter().map(|address| address.parse().unwrap()).collect();
        let listening = Listening::plain(listen.parse().unwrap());
        Banner { config, listening, certificate: None, machine: &machine, first, kept: true }.text()
    }

    fn banner(listen: &str) -> String {
        text(&Config::default(), listen, &MACHINE, None)
    }

    fn first_links() -> FirstLinks {
        FirstLinks { view: Secret::generate(Kind::View), admin: Secret::generate(Kind::Admin) }
    }

    #[test]
    fn every_address_is_a_link_and_the_cameras_lines_are_exact() {
        let banner = banner("[::]:8080");
        for link in [
            "http://127.0.0.1:8080/",
            "http://192.168.1.5:8080/",
            "http://10.0.0.5:8080/",
            "http://[fd00::5]:8080/",
        ] {
            assert!(banner.contains(link), "{link} in {banner}");
        }
        let lines = "  cam> stream set host 192.168.1.5 8080 save\n  cam> stream start\n";
        assert!(banner.contains(lines), "{banner}");
        assert!(banner.contains("  cam> stream set host 10.0.0.5 8080 save\n"), "{banner}");
        assert!(!banner.contains("host 127.0.0.1"), "{banner}");
    }

    #[test]
    fn cameras_are_told_ipv6_only_where_there_is_nothing_else() {
        assert!(!banner("[::]:8080").contains("host fd00::5"));
        let banner = text(&Config::default(), "[::]:8080", &["fd00::5", "127.0.0.1"], None);
        assert!(banner.contains("  cam> stream set host fd00::5 8080 save\n"), "{banner}");
    }

    #[test]
    fn a_computer_without_a_home_network_says_that_cameras_need_a_key() {
        let banner = text(&Config::default(), "[::]:8080", &["198.51.100.7", "127.0.0.1"], None);
        assert!(banner.contains("It needs a key"), "{banner}");
        assert!(!super::tests::banner("[::]:8080").contains("It needs a key"));
    }

    #[test]
    fn on_loopback_it_says_that_nobody_can_reach_it() {
        for listen in ["127.0.0.1:8080", "[::1]:8080"] {
            let banner = banner(listen);
            assert!(banner.contains("No camera can reach this server"), "{banner}");
            assert!(banner.contains("Nobody else can reach this server"), "{banner}");
            assert!(!banner.contains("cam>"), "{banner}");
        }
    }

    #[test]
    fn a_single_address_is_the_only_one_shown() {
        let banner = banner("192.168.1.5:9000");
        assert!(banner.contains("http://192.168.1.5:9000/") && !banner.contains("10.0.0.5"), "{banner}");
        assert!(banner.contains("stream set host 192.168.1.5 9000 save"), "{banner}");
    }

    #[test]
    fn who_may_do_what_is_said_in_so_many_words() {
        let said = |change: fn(&mut Access), first: Option<&FirstLinks>| {
            text(&config(|config| change(&mut config.access)), "[::]:8080", &MACHINE, first)
        };
        let closed = said(|_| {}, None);
        assert!(
            closed.contains("without one, nothing") && closed.contains("without a key, unless"),
            "{closed}"
        );
        let view = said(|access| access.open_view = true, None);
        assert!(view.contains("The home network: watch, without a password (--open-view)"), "{view}");
        let keys = said(|access| access.require_camera_key = true, None);
        assert!(keys.contains("with their key only (--require-camera-key)"), "{keys}");
        let open = said(|access| access.open = true, Some(&first_links()));
        assert!(open.contains("EVERYBODY") && open.contains("--open"), "{open}");
        assert!(!open.contains("token"), "{open}");
        assert!(closed.contains("This computer: everything."), "{closed}");
        let view = said(|access| access.local = Local::View, None);
        assert!(
            view.contains("This computer: watch.") && !view.contains("This computer: everything"),
            "{view}"
        );
        let nothing = said(|access| access.local = Local::Nothing, None);
        assert!(nothing.contains("This computer: nothing without a login or link"), "{nothing}");
    }

    #[test]
    fn where_this_computer_needs_a_link_it_gets_one_though_nobody_else_can_come() {
        let config = config(|config| config.access.local = Local::Nothing);
        let banner = text(&config, "127.0.0.1:8080", &MACHINE, Some(&first_links()));
        assert!(banner.contains("    http://127.0.0.1:8080/?token=lc_admin_"), "{banner}");
        let open = text(&config_open(Local::View), "[::]:8080", &MACHINE, Some(&first_links()));
        assert!(open.contains("EVERYBODY") && open.contains("This computer: watch."), "{open}");
        assert!(open.contains("?token=lc_admin_"), "{open}");
    }

    fn config_open(local: Local) -> Config {
        config(|config| (config.access.open, config.access.local) = (true, local))
    }

    #[test]
    fn the_first_links_are_ready_to_be_opened_at_every_address_but_this_computers_own() {
        let first = first_links();
        let banner = text(&Config::default(), "[::]:8080", &MACHINE, Some(&first));
        for place in ["http://192.168.1.5:8080/", "http://10.0.0.5:8080/", "http://[fd00::5]:8080/"] {
            for secret in [&first.view, &first.admin] {
                let link = format!("    {place}?token={}\n", secret.expose());
                assert!(banner.contains(&link), "{link} in {banner}");
            }
        }
        assert!(!banner.contains("127.0.0.1:8080/?token"), "{banner}");
        assert!(banner.contains("shown only this once"), "{banner}");
    }

    #[test]
    fn with_tls_the_links_are_https_and_cameras_come_without() {
        let info = |self_signed| Info {
            names: Vec::new(),
            not_before: 0,
            not_after: u64::MAX,
            fingerprint: [0xAB; 32],
            self_signed,
        };
        let text = |plain, own: &str, tls: &str, self_signed| {
            let config = config(|config| {
                let certificate = lenscast_tls::Certificate::SelfSigned;
                config.tls =
                    Some(lenscast_settings::config::Tls { certificate, listen: tls.parse().unwrap(), plain });
                config.access.host_names = vec!["cam.example".into()];
            });
            let machine: Vec<IpAddr> = MACHINE.iter().map(|address| address.parse().unwrap()).collect();
            let plain = (plain != Plain::Off).then(|| own.parse().unwrap());
            let listening = Listening { plain, tls: Some(tls.parse().unwrap()) };
            let (first, info) = (first_links(), info(self_signed));
            let (machine, first, certificate) = (&machine, Some(&first), Some(&info));
            Banner { config: &config, listening, certificate, machine, first, kept: true }.text()
        };
        let cameras = text(Plain::Cameras, "[::]:8080", "[::]:8443", true);
        let watch = "Watch:\n  http://127.0.0.1:8080/\n  https://192.168.1.5:8443/\n  https://10.0.0.5:8443/\n  https://[fd00::5]:8443/\n\n";
        assert!(cameras.contains(watch), "{cameras}");
        assert!(cameras.contains("    https://cam.example:8443/?token=lc_view_"), "{cameras}");
        assert!(!cameras.contains("http://192"), "{cameras}");
        assert!(cameras.contains("port 8080): cameras and this computer only"), "{cameras}");
        assert!(cameras.contains("stream set host 192.168.1.5 8080 save"), "{cameras}");
        assert!(cameras.contains("browsers warn once") && cameras.contains("\n  AB:AB:"), "{cameras}");

        let all = text(Plain::All, "[::]:8080", "[::]:443", false);
        assert!(
            all.contains("  http://192.168.1.5:8080/\n") && all.contains("  https://192.168.1.5/\n"),
            "{all}"
        );
        assert!(all.contains("port 8080): the same"), "{all}");
        assert!(!all.contains("browsers warn") && all.contains("AB:AB"), "{all}");

        let off = text(Plain::Off, "[::]:8080", "[::]:8443", true);
        assert!(off.contains("  https://127.0.0.1:8443/\n") && !off.contains("http://"), "{off}");
        assert!(!off.contains("cam>") && off.contains("Only cameras with TLS"), "{off}");

        let mixed = text(Plain::Cameras, "127.0.0.1:8080", "[::]:8443", true);
        assert!(
            mixed.contains("No camera can reach this server") && !mixed.contains("Nobody else"),
            "{mixed}"
        );
        let private = text(Plain::Cameras, "127.0.0.1:8080", "127.0.0.1:8443", true);
        assert!(private.contains("Nobody else can reach") && !private.contains("token"), "{private}");
    }

    #[test]
    fn behind_a_proxy_the_links_have_its_name_and_path() {
        let config = config(|config| {
            config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            config.proxy.base_path = "/cam/".into();
            config.access.host_names = vec!["home.example".into()];
        });
        let banner = text(&config, "127.0.0.1:8080", &MACHINE, Some(&first_links()));
        assert!(banner.contains("    https://home.example/cam/?token=lc_view_"), "{banner}");
        assert!(!banner.contains("Nobody else"), "{banner}");
    }
}
