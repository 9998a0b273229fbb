//! Whether an `Origin` is one that browsers send for web pages, or one of the many that programs make up.
//!
//! A browser writes the origin of a page as `SCHEME://HOST[:PORT]` or `null`, and nothing else (RFC 6454 §6.2). Libraries
//! for devices and phones send other things, since some servers want to see something. Seen, each by default:
//!
//! | `Origin` | sent by |
//! |---|---|
//! | `file://` | Links2004's arduinoWebSockets and what was made of it; Cordova on Android; Chromium for files of its own disk |
//! | `https://github.com/gilmaimon/TinyWebsockets` | gilmaimon's ArduinoWebsockets |
//! | `http://HOST:PORT`, the server's own | websocket-client (Python), IXWebSocket, React Native; with TLS often still `http` |
//! | `http://HOST/`, with a slash | React Native on Android, some years ago |
//! | `http://HOST`, without the port | what was made for servers at port 80 |
//! | `ws://HOST:PORT`, `HOST:PORT`, `HOST` | what takes the server's address as it is, such as `ws` for Node.js long ago |
//! | `null`, nothing in it | WebViews, Electron, and who was told to send some value |
//! | `capacitor://localhost`, `app://…` | apps that are made of pages of their own |
//! | none | Espressif's esp_websocket_client, websockets (Python), OkHttp, websocket-sharp (Unity) |

use super::{Own, parse};
use crate::policy::name_of;
use http::{HeaderMap, header};

/// Who sent an `Origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A page in a browser, as far as one can tell.
    Page,
    /// A program: no browser sends this for a page of the web.
    Program,
}

/// Schemes that no web page has: those of files and WebSockets, and those by which apps load what is in themselves.
const OF_NO_PAGE: [&str; 7] = ["file", "ws", "wss", "app", "capacitor", "ionic", "tauri"];

impl Sender {
    /// Who sent `origin`, which is none of those that the owner allows. `headers` are all of the request's, `own` the
    /// name by which this server was called.
    pub(super) fn of(origin: &str, headers: &HeaderMap, own: &Own<'_>) -> Self {
        let origin = origin.trim();
        let unless_browser = || if is_browser(headers) { Self::Page } else { Self::Program };
        // A list of origins (RFC 6454 §7.1): nobody knows which of them asks.
        if origin.contains([' ', '\t', ',']) {
            return Self::Page;
        }
        let Some((scheme, rest)) = origin.split_once("://") else {
            // `null`, nothing, or the bare name of a host.
            return unless_browser();
        };
        let is = |known: &str| scheme.eq_ignore_ascii_case(known);
        if OF_NO_PAGE.into_iter().any(is) {
            return Self::Program;
        }
        if !is("http") && !is("https") {
            return unless_browser();
        }
        // An address with a path or a user is more than an origin. None of these characters can be in a host's name,
        // where browsers allow many that are seen nowhere, such as `!` and `$`.
        if rest.contains(['/', '?', '#', '@']) {
            return Self::Program;
        }
        // The server's own name with another scheme, or without the port. A page at another port of the same host is
        // another's page all the same, and a browser tells that it is one.
        if is_nearly(origin, own) { unless_browser() } else { Self::Page }
    }
}

/// Whether an origin has the server's own host, and its port or none.
fn is_nearly(origin: &str, own: &Own<'_>) -> bool {
    let Some(called) = own.host else {
        return false;
    };
    let (Some((_, host, port)), Some((_, own_host, own_port))) =
        (parse(origin), parse(&format!("http://{called}")))
    else {
        return false;
    };
    let has_port =
        origin.split_once("://").is_some_and(|(_, authority)| authority.ends_with(&format!(":{port}")));
    let same_port =
        !has_port || port == own_port || parse(&format!("https://{called}")).is_some_and(|own| own.2 == port);
    name_of(&host) == name_of(&own_host) && same_port
}

/// Whether a request shows signs of a browser: a name that all of them have, or a header that only they send. What an
/// app of Electron sends looks like a browser's, but its pages come with the app.
fn is_browser(headers: &HeaderMap) -> bool {
    let of_browsers = |name: &str| name.starts_with("sec-fetch-") || name.starts_with("sec-ch-");
    let mut agents = headers.get_all(header::USER_AGENT).iter();
    headers.contains_key(header::COOKIE)
        || headers.keys().any(|name| of_browsers(name.as_str()))
        || agents.any(|agent| {
            let agent = String::from_utf8_lossy(agent.as_bytes());
            ["Mozilla/", "Opera/"].iter().any(|name| agent.contains(name)) && !agent.contains(" Electron/")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148";
    const ELECTRON: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) app/1.0.0 Chrome/120.0.0.0 Electron/28.0.0 Safari/537.36";

    fn sender(origin: &str, headers: &[(&'static str, &str)], host: Option<&str>) -> Sender {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Sender::of(origin, &map, &Own { host, secure: Some(false) })
    }

    const HOST: Option<&str> = Some("192.168.1.2:8080");

    #[test]
    fn what_only_programs_send_is_no_pages_whatever_they_call_themselves() {
        for origin in [
            "file://",
            "FILE://",
            "file:///sdcard/index.html",
            "https://github.com/gilmaimon/TinyWebsockets",
            "http://192.168.1.2:8080/",
            "http://192.168.1.2/ws/camera",
            "http://evil.example/",
            "https://evil.example?x",
            "https://user@evil.example",
            "ws://192.168.1.2:8080",
            "wss://192.168.1.2",
            "ws://evil.example",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "app://.",
        ] {
            for agent in [None, Some(FIREFOX), Some(ELECTRON), Some("arduino-WebSocket-Client")] {
                let headers: Vec<_> = agent.map(|agent| ("user-agent", agent)).into_iter().collect();
                assert_eq!(sender(origin, &headers, HOST), Sender::Program, "{origin} {agent:?}");
            }
        }
    }

    #[test]
    fn what_may_be_both_is_a_pages_when_a_browser_sends_it() {
        for origin in [
            "null",
            "Null",
            "",
            " null ",
            "192.168.1.2:8080",
            "192.168.1.2",
            "localhost",
            "http://192.168.1.2",
            "https://192.168.1.2",
            "https://192.168.1.2:8080",
            "chrome-extension://abcdefgh",
            "ftp://192.168.1.2",
        ] {
            for program in
                ["", "okhttp/4.12.0", "TinyWebsockets Client", "app/1 CFNetwork/1410 Darwin/22.6", ELECTRON]
            {
                assert_eq!(
                    sender(origin, &[("user-agent", program)], HOST),
                    Sender::Program,
                    "{origin} {program}"
                );
            }
            assert_eq!(sender(origin, &[], HOST), Sender::Program, "{origin}");
            for sign in [
                ("user-agent", FIREFOX),
                ("user-agent", PHONE),
                ("user-agent", "Opera/9.80 (X11; Linux) Presto/2.12"),
                ("sec-fetch-mode", "websocket"),
                ("sec-ch-ua", "\"Chromium\";v=\"120\""),
                ("cookie", "a=b"),
            ] {
                assert_eq!(sender(origin, &[sign], HOST), Sender::Page, "{origin} {sign:?}");
            }
        }
    }

    #[test]
    fn a_page_of_a_stranger_is_one_whatever_its_browser_is_called() {
        for origin in [
            "http://evil.example",
            "https://evil.example",
            "HTTP://evil.example:8080",
            "http://192.168.1.2:8081",
            "http://192.168.1.2.evil.example",
            "http://192.168.1.2:8080.evil.example",
            "http://evil.example:8080 http://192.168.1.2:8080",
            "http://192.168.1.2,http://evil.example/",
            "file:// http://evil.example",
            // Browsers allow these in a host's name.
            "http://a!b.evil.example",
            "http://$.evil.example",
            "http://a;b.evil.example",
            "http://192.168.1.3",
            "http://[fd00::1]",
            "http://",
        ] {
            for headers in [&[][..], &[("user-agent", FIREFOX)], &[("user-agent", ELECTRON)]] {
                assert_eq!(sender(origin, headers, HOST), Sender::Page, "{origin} {headers:?}");
            }
        }
    }

    #[test]
    fn the_servers_own_name_is_known_in_all_its_spellings() {
        for (host, origin) in [
            ("192.168.1.2", "http://192.168.1.2"),
            ("192.168.1.2", "https://192.168.1.2:443"),
            ("cam.lan:8443", "http://cam.lan:8443"),
            ("Cam.LAN.:8443", "https://cam.lan"),
            ("[fd00::1]:8080", "http://[fd00::1]"),
            ("[fd00::1]:8080", "https://[FD00::1]:8080"),
        ] {
            assert_eq!(sender(origin, &[], Some(host)), Sender::Program, "{host} {origin}");
        }
        for (host, origin) in [
            (Some("cam.lan:8443"), "http://cam.lan:8444"),
            (Some("cam.lan"), "http://cam.lan.evil.example"),
            (Some("[fd00::1]:8080"), "http://[fd00::2]"),
            (Some(""), "http://cam.lan"),
            (None, "http://cam.lan"),
        ] {
            assert_eq!(sender(origin, &[], host), Sender::Page, "{host:?} {origin}");
        }
    }
}
