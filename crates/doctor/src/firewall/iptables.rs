//! Reading what `iptables -S` prints.

use super::rules::{About, Action, Chain, Rule, Verdict, has_port, keeps_out};
use std::collections::HashMap;

/// Whether these rules keep all connections to a port out.
pub(super) fn is_shut(rules: &str, port: u16) -> bool {
    let mut chains: HashMap<String, Chain> = HashMap::new();
    for line in rules.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["-P", name, policy] => {
                let policy = if *policy == "ACCEPT" { Verdict::Accept } else { Verdict::Drop };
                chains.entry((*name).to_owned()).or_default().policy = Some(policy);
            }
            ["-A", name, rest @ ..] => {
                chains.entry((*name).to_owned()).or_default().rules.push(rule(rest, port));
            }
            _ => {}
        }
    }
    keeps_out(&chains, "INPUT")
}

fn rule(words: &[&str], port: u16) -> Rule {
    let (mut about, mut action) = (About::All, Action::Nothing);
    let mut rest = words;
    while !rest.is_empty() {
        let length = match rest {
            ["-j", target, ..] => {
                action = self::action(target);
                2
            }
            ["-g", to, ..] => {
                action = Action::Goto((*to).to_owned());
                2
            }
            // Words behind the target are its own options, no conditions.
            ["--reject-with" | "--log-prefix", ..] => rest.len(),
            _ => {
                let (met, length) = condition(rest, port);
                about = about.min(met);
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Rule { about, action }
}

/// The meaning of the condition at the front for connections to this port, and the number of its words. An unknown
/// condition is taken word by word, and may mean anything.
fn condition(words: &[&str], port: u16) -> (About, usize) {
    let only_if = |is: bool| if is { About::All } else { About::None };
    match words {
        ["!", ..] => (About::Some, 3),
        ["-i", name, ..] => (if *name == "lo" { About::None } else { About::Some }, 2),
        ["-p", protocol, ..] => (only_if(matches!(*protocol, "tcp" | "6" | "all")), 2),
        ["--dport" | "--dports", ports, ..] => (only_if(has_port(ports, port)), 2),
        ["--ctstate" | "--state", states, ..] => (only_if(states.split(',').any(|state| state == "NEW")), 2),
        // The connection that is asked about is a new one.
        ["--tcp-flags", _, "SYN", ..] => (About::All, 3),
        ["--syn", ..] => (About::All, 1),
        ["--dst-type", kind, ..] => (only_if(*kind == "LOCAL"), 2),
        ["-m", "tcp" | "multiport" | "conntrack" | "state" | "comment" | "addrtype", ..] => (About::All, 2),
        ["--comment", rest @ ..] => (About::All, 1 + quoted(rest)),
        _ => (About::Some, 1),
    }
}

fn action(target: &str) -> Action {
    match target {
        "ACCEPT" => Action::End(Verdict::Accept),
        "DROP" | "REJECT" => Action::End(Verdict::Drop),
        "RETURN" => Action::Return,
        // Other targets, such as LOG, are looked up as chains and not found. Then the next rule follows, as in the
        // kernel.
        chain => Action::Jump(chain.to_owned()),
    }
}

/// The number of words of a text that may stand in quotes.
fn quoted(words: &[&str]) -> usize {
    match words.first() {
        Some(first) if first.starts_with('"') && (*first == "\"" || !first.ends_with('"')) => {
            let rest = words.iter().skip(1).position(|word| word.ends_with('"'));
            rest.map_or(words.len(), |at| at + 2)
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAINS: &str = include_str!("../examples/iptables_chains.txt");
    const OF_UFW: &str = include_str!("../examples/iptables_of_ufw.txt");

    #[test]
    fn what_no_rule_lets_in_is_shut() {
        for (port, shut) in [(22, false), (443, false), (8080, false), (8101, true), (53, true), (9000, true)]
        {
            assert_eq!(is_shut(CHAINS, port), shut, "{port}");
        }
    }

    #[test]
    fn the_rules_of_ufw_are_understood() {
        let with_default =
            [(22, false), (8050, false), (443, false), (8080, false), (9000, false), (23, true)];
        for (port, shut) in with_default {
            assert_eq!(is_shut(OF_UFW, port), shut, "{port}");
        }
        // Whoever comes from 10.0.0.0/8 is let in everywhere.
        assert!(!is_shut(OF_UFW, 8554));
        let without = OF_UFW.replace("-A ufw-user-input -s 10.0.0.0/8 -j ACCEPT\n", "");
        assert!(is_shut(&without, 8554), "that is UDP");
    }

    #[test]
    fn a_computer_without_rules_is_open() {
        assert!(!is_shut("", 8080));
        assert!(!is_shut("-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n", 8080));
        assert!(is_shut("-P INPUT DROP\n", 8080));
        assert!(is_shut("-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n", 8080));
    }

    #[test]
    fn what_is_not_understood_may_let_somebody_in() {
        for (rule, shut) in [
            ("-s 192.168.0.0/16 -j ACCEPT", false),
            ("! -i eth0 -j ACCEPT", false),
            ("-p tcp -m tcp --dport 8080 -m comment --comment \"for the cameras\" -j ACCEPT", false),
            ("-p tcp -m tcp --dport 22 -m comment --comment \"not -j ACCEPT\" -j ACCEPT", true),
            ("-m mark --mark 0x1 -j ACCEPT", false),
            ("-p udp -m udp --dport 8080 -j ACCEPT", true),
            ("-m limit --limit 3/min -j LOG --log-prefix \"x -j ACCEPT \"", true),
        ] {
            assert_eq!(is_shut(&format!("-P INPUT DROP\n-A INPUT {rule}\n"), 8080), shut, "{rule}");
        }
    }
}
