//! The check of settings that let in more people than most owners want.

use crate::report::Finding;
use ipnet::IpNet;
use lenscast_base::addresses::is_home;
use lenscast_settings::config::{Access, Proxy};
use std::net::IpAddr;

/// The longest prefix (of IPv4, of IPv6) with which a network counts as everybody: `0.0.0.0/0` is one, `10.0.0.0/8` is
/// not.
const EVERYBODY: (u8, u8) = (7, 15);

/// The facts about who may do what.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The owner's settings of access.
    pub access: Access,
    /// The owner's settings of proxies.
    pub proxy: Proxy,
    /// Whether only this computer can reach the server.
    pub private: bool,
    /// The addresses of this computer.
    pub machine: Vec<IpAddr>,
}

/// The findings about who may do what.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { access, proxy, private, machine } = facts;
    let mut findings: Vec<Finding> = proxy.trusted_proxies.iter().filter_map(trusted).collect();
    let abroad = machine.iter().find(|ip| ip.is_ipv4() && !is_home(**ip));
    if access.open && !private {
        let text = "open = true: there is no access control at all.";
        findings.push(match abroad {
            Some(ip) => Finding::wrong(format!(
                "{text} This computer has the address {ip}, which is none of a home network: everybody there may watch and change everything."
            ))
            .todo("Take it out, or listen on an address of the home network."),
            None => Finding::look(format!(
                "{text} Everybody who reaches the port may watch and change everything, visitors in your WiFi too."
            ))
            .todo("Take it out; open_view = true lets everybody at home watch and nothing more."),
        });
    } else if access.open_view && !private {
        let text = "open_view = true: everybody in the home network may watch all cameras without a password, visitors in your WiFi too.";
        findings.push(
            Finding::look(text)
                .todo("If not all of them are to, take it out: lenscast access new view NAME makes a link."),
        );
    }
    if findings.is_empty() {
        findings
            .push(Finding::fine("Who watches or changes something from elsewhere needs a link or a login."));
    }
    findings
}

/// The danger of believing every proxy of a network, if there is one.
fn trusted(network: &IpNet) -> Option<Finding> {
    let everybody = match network {
        IpNet::V4(_) => EVERYBODY.0,
        IpNet::V6(_) => EVERYBODY.1,
    };
    let todo = "Name the proxy's own address, as lenscast sees it: trusted_proxies = [\"127.0.0.1\"]";
    if network.prefix_len() <= everybody {
        let text = format!(
            "trusted_proxies has {network}: that is everybody. Whoever sends a request can say that it comes from your home."
        );
        return Some(Finding::wrong(text).todo(todo));
    }
    (network.prefix_len() < network.max_prefix_len() && !network.addr().is_loopback()).then(|| {
        let text = format!(
            "trusted_proxies has {network}, a whole network: whoever is in it can say that a request comes from another address."
        );
        Finding::look(text).todo(todo)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;

    fn facts(change: impl FnOnce(&mut Facts)) -> Facts {
        let (access, proxy) = Default::default();
        let mut facts =
            Facts { access, proxy, private: false, machine: vec!["192.168.1.5".parse().unwrap()] };
        change(&mut facts);
        facts
    }

    fn only(facts: &Facts) -> (Mark, String) {
        let findings = judge(facts);
        assert_eq!(findings.len(), 1, "{findings:?}");
        (findings[0].mark, findings[0].text.clone())
    }

    #[test]
    fn what_is_open_is_said_in_so_many_words() {
        assert_eq!(only(&facts(|_| {})).0, Mark::Fine);
        let (mark, text) = only(&facts(|facts| facts.access.open = true));
        assert!(mark == Mark::Look && text.contains("no access control at all"), "{text}");
        let (mark, text) = only(&facts(|facts| {
            facts.access.open = true;
            facts.machine = vec!["198.51.100.7".parse().unwrap()];
        }));
        assert!(mark == Mark::Wrong && text.contains("198.51.100.7"), "{text}");
        let (mark, text) = only(&facts(|facts| facts.access.open_view = true));
        assert!(mark == Mark::Look && text.contains("without a password"), "{text}");
        let private = facts(|facts| {
            facts.access.open = true;
            facts.private = true;
        });
        assert_eq!(only(&private).0, Mark::Fine, "nobody else can come");
    }

    #[test]
    fn proxies_that_are_everybody_or_a_network_are_dangerous() {
        let trust = |network: &str| {
            only(&facts(|facts| facts.proxy.trusted_proxies = vec![network.parse().unwrap()]))
        };
        for everybody in ["0.0.0.0/0", "::/0", "128.0.0.0/1"] {
            let (mark, text) = trust(everybody);
            assert!(mark == Mark::Wrong && text.contains("that is everybody"), "{text}");
        }
        for network in ["192.168.1.0/24", "10.0.0.0/8", "fd00::/64"] {
            let (mark, text) = trust(network);
            assert!(mark == Mark::Look && text.contains(network), "{text}");
        }
        for one in ["127.0.0.1/32", "127.0.0.0/8", "192.168.1.7/32", "::1/128"] {
            assert_eq!(trust(one).0, Mark::Fine, "{one}");
        }
    }
}
