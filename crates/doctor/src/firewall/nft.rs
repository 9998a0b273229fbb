//! Reading what `nft list ruleset` prints.

use super::rules::{About, Action, Chain, Rule, Verdict, has_port, keeps_out};
use std::collections::HashMap;

/// A chain that keeps a port shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shut {
    /// The chain's table, such as `inet filter`.
    pub table: String,
    /// The chain's name.
    pub chain: String,
}

/// The first chain for incoming packets that keeps all connections to a port out.
pub(super) fn shut(ruleset: &str, port: u16) -> Option<Shut> {
    let mut tables: Vec<Table> = Vec::new();
    for line in ruleset.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (words.as_slice(), tables.last_mut()) {
            (["table", family, name, "{"], _) => {
                // Tables for IPv6 alone are left out, since cameras speak IPv4.
                let is_ours = matches!(*family, "ip" | "inet");
                tables.push(Table { name: format!("{family} {name}"), is_ours, ..Table::default() });
            }
            (words, Some(table)) => table.line(words, port),
            _ => {}
        }
    }
    tables.into_iter().filter(|table| table.is_ours).find_map(|table| {
        let chain = table.base.iter().find(|base| keeps_out(&table.chains, base))?;
        Some(Shut { chain: chain.clone(), table: table.name })
    })
}

#[derive(Default)]
struct Table {
    name: String,
    is_ours: bool,
    chains: HashMap<String, Chain>,
    /// The chain in which the next line stands.
    open: Option<String>,
    /// The chains that the kernel calls for incoming packets.
    base: Vec<String>,
}

impl Table {
    fn line(&mut self, words: &[&str], port: u16) {
        match words {
            ["chain", name, "{"] => {
                self.chains.insert((*name).to_owned(), Chain::default());
                self.open = Some((*name).to_owned());
                return;
            }
            ["}"] => self.open = None,
            _ => {}
        }
        let Some((name, chain)) =
            self.open.as_ref().and_then(|name| Some((name, self.chains.get_mut(name)?)))
        else {
            return;
        };
        match words {
            ["type", kind, "hook", hook, rest @ ..] => {
                if *kind == "filter" && *hook == "input" {
                    self.base.push(name.clone());
                    let drops =
                        rest.windows(2).any(|pair| pair[0] == "policy" && pair[1].starts_with("drop"));
                    chain.policy = Some(if drops { Verdict::Drop } else { Verdict::Accept });
                }
            }
            [] | ["#", ..] => {}
            words => chain.rules.push(rule(words, port)),
        }
    }
}

/// Reads a rule: takes conditions from the front until an action is left.
fn rule(words: &[&str], port: u16) -> Rule {
    let mut about = About::All;
    let mut rest = words;
    while !rest.is_empty() {
        if let Some(action) = action(rest) {
            return Rule { about, action };
        }
        let (met, length) = condition(rest, port);
        about = about.min(met);
        rest = rest.get(length..).unwrap_or_default();
    }
    Rule { about, action: Action::Nothing }
}

/// The meaning of the condition at the front for connections to this port, and the number of its words. An unknown
/// condition is taken word by word, and may mean anything.
fn condition(words: &[&str], port: u16) -> (About, usize) {
    let only_if = |is: bool| if is { About::All } else { About::None };
    let has = |list: &str, wanted: &[&str]| list.split(',').any(|item| wanted.contains(&item.trim()));
    match words {
        ["counter", "packets", _, "bytes", ..] => (About::All, 5),
        ["counter", ..] => (About::All, 1),
        ["iif" | "iifname", "\"lo\"" | "lo", ..] => (About::None, 2),
        // What such a map says of new connections is not looked up.
        ["ct", "state", "vmap", rest @ ..] => {
            let (map, length) = value(rest);
            let new = map.split(',').any(|entry| entry.trim().starts_with("new "));
            (if new { About::Some } else { About::All }, 3 + length)
        }
        ["ct", "state", rest @ ..] => {
            let (states, length) = value(rest);
            (only_if(has(&states, &["new"])), 2 + length)
        }
        ["meta", "l4proto", rest @ ..] | ["ip", "protocol", rest @ ..] => {
            let (protocols, length) = value(rest);
            (only_if(has(&protocols, &["tcp", "6"])), 2 + length)
        }
        ["tcp" | "th", "dport", sign, ..] if *sign == "!=" || *sign == "vmap" || sign.starts_with('@') => {
            (About::Some, 3)
        }
        ["tcp" | "th", "dport", rest @ ..] => {
            let (ports, length) = value(rest);
            (only_if(has_port(&ports, port)), 2 + length)
        }
        // The connection that is asked about is a new one.
        ["tcp", "flags", "syn", "/", _, ..] => (About::All, 5),
        ["udp" | "icmp" | "icmpv6" | "ip6" | "sctp" | "igmp", ..] => (About::None, 1),
        ["fib", "daddr", "type", kind, ..] => (only_if(*kind == "local"), 4),
        _ => (About::Some, 1),
    }
}

fn action(words: &[&str]) -> Option<Action> {
    match words {
        ["accept", ..] => Some(Action::End(Verdict::Accept)),
        ["drop" | "reject", ..] => Some(Action::End(Verdict::Drop)),
        ["jump", to, ..] => Some(Action::Jump((*to).to_owned())),
        ["goto", to, ..] => Some(Action::Goto((*to).to_owned())),
        ["return", ..] => Some(Action::Return),
        _ => None,
    }
}

/// A value or a set of them, without braces, and the words that it takes.
fn value(words: &[&str]) -> (String, usize) {
    if words.first() != Some(&"{") {
        return (words.first().copied().unwrap_or_default().to_owned(), 1);
    }
    let inner: Vec<&str> = words.iter().skip(1).take_while(|word| **word != "}").copied().collect();
    (inner.join(" "), inner.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSTATION: &str = include_str!("../examples/nft_workstation.txt");
    const OF_IPTABLES: &str = include_str!("../examples/nft_of_iptables.txt");
    const OF_UFW: &str = include_str!("../examples/nft_of_ufw.txt");

    #[test]
    fn a_ruleset_that_drops_what_it_does_not_name_is_shut_but_for_what_it_names() {
        let shut = |port| shut(WORKSTATION, port).map(|shut| format!("{} {}", shut.table, shut.chain));
        assert_eq!(shut(8080).as_deref(), Some("inet filter input"));
        for open in [22, 80, 443] {
            assert_eq!(shut(open), None, "{open}");
        }
        assert_eq!(shut(5353).as_deref(), Some("inet filter input"), "that is UDP");
    }

    #[test]
    fn rules_that_iptables_made_are_understood_with_the_chains_that_they_call() {
        for (port, is_shut) in [(22, false), (443, false), (8080, false), (8101, true), (9000, true)] {
            assert_eq!(shut(OF_IPTABLES, port).is_some(), is_shut, "{port}");
        }
        let without =
            OF_UFW.lines().filter(|line| !line.contains("10.0.0.0/8")).collect::<Vec<_>>().join("\n");
        assert_ne!(without.len(), OF_UFW.len(), "whoever comes from there is let in everywhere");
        for (port, is_shut) in [(22, false), (8050, false), (80, false), (2222, false), (8554, true)] {
            assert_eq!(shut(&without, port).is_some(), is_shut, "{port}");
        }
        assert_eq!(shut(OF_UFW, 8554), None);
    }

    #[test]
    fn what_is_not_understood_may_let_somebody_in() {
        let with = |rule: &str| {
            let ruleset = WORKSTATION.replace("udp dport 5353 accept", rule);
            assert_ne!(ruleset, WORKSTATION);
            shut(&ruleset, 8080).is_some()
        };
        for open in [
            "accept",
            "tcp dport 8080 accept",
            "tcp dport 8000-9000 accept",
            "tcp dport @ours accept",
            "tcp dport != 22 accept",
            "ip saddr 192.168.0.0/16 accept",
            "iifname \"eth0\" accept",
            "iifname \"eth0\" tcp dport { 22, 8080 } counter packets 3 bytes 180 accept comment \"cameras\"",
            "ct state new accept",
            "meta l4proto { tcp, udp } th dport 8080 accept",
        ] {
            assert!(!with(open), "{open}");
        }
        for still_shut in [
            "tcp dport 8081 accept",
            "udp dport 8080 accept",
            "meta l4proto udp accept",
            "ct state established,related accept",
            "iifname \"lo\" accept",
            "ip6 saddr fe80::/10 accept",
            "limit rate 5/minute log prefix \"dropped: \"",
            "counter packets 0 bytes 0 drop",
        ] {
            assert!(with(still_shut), "{still_shut}");
        }
    }

    #[test]
    fn a_ruleset_that_lets_in_what_it_does_not_name_is_open() {
        assert_eq!(shut("", 8080), None);
        let lenient = WORKSTATION.replace("policy drop", "policy accept");
        assert_eq!(shut(&lenient, 8080), None);
        let rejects = lenient.replace("udp dport 5353 accept", "reject with icmpx type admin-prohibited");
        assert!(shut(&rejects, 8080).is_some());
        let ipv6_only = WORKSTATION.replace("table inet", "table ip6");
        assert_eq!(shut(&ipv6_only, 8080), None);
        let forward_only = WORKSTATION.replace("hook input", "hook forward");
        assert_eq!(shut(&forward_only, 8080), None);
    }
}
