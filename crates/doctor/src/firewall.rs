//! The check of whether a firewall of this computer keeps cameras and viewers out.
//!
//! ufw and firewalld write their rules into nftables or iptables. An owner who uses ufw or firewalld gets advice in its
//! words.

mod firewalld;
mod iptables;
mod nft;
mod rules;
mod ufw;

use crate::report::Finding;
use crate::tools::{Said, ask};
use std::fs;
use std::io;

/// The file with the names of the tables that the older iptables has in the kernel.
const OLD_TABLES: &str = "/proc/net/ip_tables_names";

/// The answers of the firewall tools.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    ufw: Said,
    firewalld: Said,
    nft: Said,
    iptables: Said,
    /// Whether root asked them.
    is_root: bool,
}

impl Facts {
    /// Asks all tools.
    pub(crate) fn gather() -> Self {
        let nft = ask("nft", &["list", "ruleset"]);
        Self {
            ufw: ask("ufw", &["status", "verbose"]),
            firewalld: ask("firewall-cmd", &["--list-all-zones"]),
            iptables: ask_iptables(&nft),
            nft,
            is_root: rustix::process::geteuid().is_root(),
        }
    }

    fn tools(&self) -> [(&'static str, &Said); 4] {
        let Self { ufw, firewalld, nft, iptables, is_root: _ } = self;
        [("ufw", ufw), ("firewalld", firewalld), ("nftables", nft), ("iptables", iptables)]
    }

    /// The names of the tools that gave no answer. Most answer root only.
    fn unseen(&self) -> Vec<&'static str> {
        let blind = |(name, said): (&'static str, &Said)| match said {
            Said::Nothing => Some(name),
            // A firewalld that does not run keeps nobody out, so its silence hides nothing.
            Said::Failed(text) if !text.contains("not running") => Some(name),
            _ => None,
        };
        self.tools().into_iter().filter_map(blind).collect()
    }
}

/// Asks iptables, when that changes nothing. There are two programs of this name. The newer one keeps its rules in
/// nftables, where they were seen already. Asking the older one would load it into the kernel, unless it is there
/// already.
fn ask_iptables(nft: &Said) -> Said {
    match ask("iptables", &["--version"]) {
        Said::Text(version) if version.contains("nf_tables") => match nft {
            Said::Text(_) => Said::NotThere,
            _ => ask("iptables", &["-S"]),
        },
        Said::Text(_) => match fs::read_to_string(OLD_TABLES) {
            Ok(tables) if tables.lines().any(|table| table == "filter") => ask("iptables", &["-S"]),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Said::Failed(error.to_string()),
            _ => Said::NotThere,
        },
        other => other,
    }
}

/// The findings about these ports. `again` is the command with which root would look.
pub(crate) fn judge(facts: &Facts, ports: &[u16], again: &str) -> Vec<Finding> {
    if ports.is_empty() {
        return Vec::new();
    }
    let shut: Vec<Finding> = ports.iter().filter_map(|port| shut(facts, *port)).collect();
    if !shut.is_empty() {
        return shut;
    }
    let unseen = facts.unseen();
    if !unseen.is_empty() {
        let tools = unseen.join(", ");
        return vec![if facts.is_root {
            Finding::unseen(format!("The firewall was not looked at: there is no answer from {tools}."))
        } else {
            Finding::unseen(format!("The firewall was not looked at: that takes root ({tools})."))
                .todo(format!("To look at it: sudo {again}"))
        }];
    }
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    vec![Finding::fine(if facts.tools().iter().any(|(_, said)| matches!(said, Said::Text(_))) {
        format!("No firewall of this computer keeps port {} shut.", ports.join(" or "))
    } else {
        "This computer has no firewall that is known here.".to_owned()
    })]
}

/// The finding about a port that a firewall keeps shut, with the command that opens it.
fn shut(facts: &Facts, port: u16) -> Option<Finding> {
    let nobody = |by: &str| {
        Finding::wrong(format!(
            "{by} keeps port {port} shut: no camera can come, and no other computer can open the pages."
        ))
    };
    if let Said::Text(status) = &facts.ufw
        && ufw::is_shut(status, port)
    {
        return Some(nobody("The firewall ufw").todo(format!("sudo ufw allow {port}/tcp")));
    }
    if let Said::Text(zones) = &facts.firewalld
        && let Some(zone) = firewalld::shut(zones, port).first()
    {
        return Some(
            nobody(&format!("The firewall firewalld (zone {zone})"))
                .todo(format!("sudo firewall-cmd --permanent --zone={zone} --add-port={port}/tcp"))
                .todo("sudo firewall-cmd --reload"),
        );
    }
    if let Said::Text(ruleset) = &facts.nft
        && let Some(nft::Shut { table, chain }) = nft::shut(ruleset, port)
    {
        return Some(
            nobody(&format!("The firewall nftables (table {table}, chain {chain})"))
                .todo(format!("sudo nft insert rule {table} {chain} tcp dport {port} accept"))
                .todo("That is until the next start; to keep it, put the rule where the others are, mostly /etc/nftables.conf."),
        );
    }
    if let Said::Text(rules) = &facts.iptables
        && iptables::is_shut(rules, port)
    {
        return Some(
            nobody("The firewall iptables")
                .todo(format!("sudo iptables -I INPUT -p tcp --dport {port} -j ACCEPT"))
                .todo("That is until the next start; to keep it, put the rule where the others are."),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    fn facts() -> Facts {
        let none = Said::NotThere;
        Facts {
            ufw: none.clone(),
            firewalld: none.clone(),
            nft: none.clone(),
            iptables: none,
            is_root: false,
        }
    }

    fn text(facts: &Facts, ports: &[u16]) -> String {
        let mut report = crate::report::Report::default();
        report.add("", judge(facts, ports, "lenscast doctor"));
        report.text(Default::default())
    }

    #[test]
    fn each_firewall_is_named_with_the_command_that_opens_the_port() {
        let said = |text: &str| {
            // Of the example of ufw without the line that lets somebody in everywhere.
            Said::Text(
                text.lines()
                    .filter(|line| !line.contains("10.0.0.0/8"))
                    .map(|line| format!("{line}\n"))
                    .collect(),
            )
        };
        for (facts, words) in [
            (
                Facts { ufw: said(include_str!("examples/ufw_rules.txt")), ..facts() },
                ["ufw keeps port 8200 shut", "sudo ufw allow 8200/tcp"],
            ),
            (
                Facts { firewalld: said(include_str!("examples/firewalld_zones.txt")), ..facts() },
                ["firewalld (zone home)", "sudo firewall-cmd --permanent --zone=home --add-port=8200/tcp"],
            ),
            (
                Facts { nft: said(include_str!("examples/nft_workstation.txt")), ..facts() },
                [
                    "nftables (table inet filter",
                    "sudo nft insert rule inet filter input tcp dport 8200 accept",
                ],
            ),
            (
                Facts { iptables: said(include_str!("examples/iptables_chains.txt")), ..facts() },
                ["iptables keeps port 8200 shut", "sudo iptables -I INPUT -p tcp --dport 8200 -j ACCEPT"],
            ),
        ] {
            let text = text(&facts, &[80, 8200]);
            assert!(words.iter().all(|words| text.contains(words)) && text.contains('✗'), "{text}");
            assert!(!text.contains("port 80 "), "{text}");
            let open = self::text(&facts, &[80]);
            assert!(open.contains("✓ No firewall of this computer keeps port 80 shut"), "{open}");
        }
    }

    #[test]
    fn what_only_root_may_see_is_no_fault_and_said() {
        let failed = |text: &str| Said::Failed(text.to_owned());
        let facts = Facts {
            ufw: failed("ERROR: You need to be root to run this script\n"),
            firewalld: failed("FirewallD is not running\n"),
            nft: failed("Operation not permitted (you must be root)\n"),
            ..facts()
        };
        let said = text(&facts, &[8080]);
        assert!(said.contains("was not looked at: that takes root (ufw, nftables)"), "{said}");
        let by_root = text(&Facts { is_root: true, ..facts.clone() }, &[8080]);
        assert!(by_root.contains("no answer from ufw, nftables") && !by_root.contains("sudo"), "{by_root}");
        assert!(said.contains("sudo lenscast doctor") && said.contains("Nothing is wrong"), "{said}");
    }

    const EXAMPLES: [&str; 8] = [
        include_str!("examples/firewalld_zones.txt"),
        include_str!("examples/iptables_chains.txt"),
        include_str!("examples/iptables_of_ufw.txt"),
        include_str!("examples/nft_of_iptables.txt"),
        include_str!("examples/nft_of_ufw.txt"),
        include_str!("examples/nft_workstation.txt"),
        include_str!("examples/ufw_nothing_allowed.txt"),
        include_str!("examples/ufw_rules.txt"),
    ];

    proptest! {
        /// Words of an example take the places of others, so that chains go in circles and ports are no numbers.
        #[test]
        fn whatever_a_tool_prints_is_read_to_its_end(
            example in select(&EXAMPLES),
            moved in vec((any::<Index>(), any::<Index>()), 0..30),
            noise in vec((any::<Index>(), any::<char>()), 0..10),
            end in any::<Index>(),
        ) {
            let mut words: Vec<&str> = example.split_inclusive([' ', '\n', '{', '}', ',', ':', '/']).collect();
            for (from, to) in moved {
                let (from, to) = (from.index(words.len()), to.index(words.len()));
                words[to] = words[from];
            }
            let mut text: Vec<char> = words.concat().chars().collect();
            for (at, character) in noise {
                let at = at.index(text.len());
                text[at] = character;
            }
            let text = Said::Text(text[..end.index(text.len())].iter().collect());
            let facts = Facts { ufw: text.clone(), firewalld: text.clone(), nft: text.clone(), iptables: text, is_root: true };
            prop_assert!(!judge(&facts, &[22, 8080], "").is_empty());
            for name in ["ufw", "firewalld", "nft", "iptables"] {
                let mut facts = self::facts();
                let said = Said::Text(words.concat());
                match name {
                    "ufw" => facts.ufw = said,
                    "firewalld" => facts.firewalld = said,
                    "nft" => facts.nft = said,
                    _ => facts.iptables = said,
                }
                prop_assert!(!judge(&facts, &[22], "").is_empty());
            }
        }
    }

    #[test]
    fn a_computer_without_a_firewall_and_a_server_that_nobody_reaches_are_fine() {
        assert!(text(&facts(), &[8080]).contains("✓ This computer has no firewall"));
        assert_eq!(judge(&facts(), &[], ""), []);
    }
}
