//! Reading what `ufw status verbose` prints.

use super::rules::has_port;

/// Whether this status keeps all connections to a port out.
pub(super) fn is_shut(status: &str, port: u16) -> bool {
    let line = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    if line("Status:") != Some("active") {
        return false;
    }
    let rules = status.lines().skip_while(|line| !line.starts_with("--")).skip(1).filter_map(rule);
    for rule in rules.filter(|rule| rule.is_about(port)) {
        match rule.action {
            "ALLOW" | "LIMIT" => return false,
            // A rule that refuses one network leaves the others to the next rules.
            _ if rule.from.starts_with("Anywhere") => return true,
            _ => {}
        }
    }
    line("Default:").is_some_and(|policy| {
        let incoming = policy.split(',').find(|part| part.contains("(incoming)"));
        incoming.is_some_and(|part| part.contains("deny") || part.contains("reject"))
    })
}

struct Rule<'a> {
    to: &'a str,
    action: &'a str,
    from: &'a str,
}

/// Reads a line such as `8080/tcp                   ALLOW IN    Anywhere`. Rules for what goes out or through are left
/// out.
fn rule(line: &str) -> Option<Rule<'_>> {
    let actions = ["ALLOW", "DENY", "REJECT", "LIMIT"];
    let (at, action) =
        actions.into_iter().find_map(|word| Some((line.find(&format!(" {word} "))? + 1, word)))?;
    let rest = line[at + action.len()..].trim();
    let from = match rest.split_once(' ') {
        Some(("IN", from)) => from.trim(),
        Some(("OUT" | "FWD", _)) => return None,
        _ => rest,
    };
    Some(Rule { to: line[..at].trim(), action, from })
}

impl Rule<'_> {
    /// Whether the rule is about the port. Its first column may be `22/tcp`, `23`, `80,443/tcp (WWW Full)`, `9000 on
    /// eth0`, `192.168.1.5 8443/tcp` or `Anywhere`.
    fn is_about(&self, port: u16) -> bool {
        let to = self.to.split(" on ").next().unwrap_or_default();
        let to = to.split(" (").next().unwrap_or_default().trim();
        let last = to.rsplit(' ').next().unwrap_or_default();
        let (ports, protocol) = last.split_once('/').unwrap_or((last, "tcp"));
        protocol == "tcp" && (ports == "Anywhere" || has_port(ports, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INACTIVE: &str = include_str!("../examples/ufw_inactive.txt");
    const NOTHING_ALLOWED: &str = include_str!("../examples/ufw_nothing_allowed.txt");
    const RULES: &str = include_str!("../examples/ufw_rules.txt");

    #[test]
    fn ufw_that_denies_by_default_is_shut_until_a_rule_opens_the_port() {
        assert!(!is_shut(INACTIVE, 8080));
        assert!(is_shut(NOTHING_ALLOWED, 8080));
        assert!(!is_shut(&NOTHING_ALLOWED.replace("deny (incoming)", "allow (incoming)"), 8080));
        // Whoever comes from 10.0.0.0/8 is let in everywhere.
        assert!(!is_shut(RULES, 8101));
        let rules = RULES.lines().filter(|line| !line.contains("10.0.0.0/8")).collect::<Vec<_>>().join("\n");
        for (port, shut) in [
            (22, false),
            (443, false),
            (8000, false),
            (8080, false),
            (2222, false),
            (9000, false),
            (8443, false),
            (23, true),
            (53, true),
            (99, true),
            (8554, true),
            (8101, true),
        ] {
            assert_eq!(is_shut(&rules, port), shut, "{port}");
        }
    }
}
