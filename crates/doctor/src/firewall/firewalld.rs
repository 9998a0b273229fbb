//! Reading what `firewall-cmd --list-all-zones` prints.

use super::rules::has_port;

/// Services that firewalld opens by name, with their ports, which a lenscast server may have.
const SERVICES: [(&str, u16); 2] = [("http", 80), ("https", 443)];

/// The names of the zones in use, when all of them keep connections to a port out; else empty.
pub(super) fn shut(zones: &str, port: u16) -> Vec<String> {
    let mut active: Vec<String> = Vec::new();
    let mut is_active = false;
    for line in zones.lines().filter(|line| !line.trim().is_empty()) {
        if !line.starts_with(char::is_whitespace) {
            let (name, what) = line.split_once(' ').unwrap_or((line, ""));
            is_active = what.trim_matches(['(', ')']).split(',').any(|word| word.trim() == "active");
            active.extend(is_active.then(|| name.to_owned()));
        } else if is_active && opens(line.trim(), port) {
            return Vec::new();
        }
    }
    active
}

/// Whether a line of a zone lets somebody reach the port.
fn opens(line: &str, port: u16) -> bool {
    if line.starts_with("rule ") {
        let ports = line.split_once("port port=\"").and_then(|(_, rest)| rest.split('"').next());
        let is_ours = match ports {
            Some(ports) => has_port(ports, port) && line.contains("protocol=\"tcp\""),
            None => !line.contains("service name="),
        };
        return is_ours && line.ends_with("accept");
    }
    let Some((key, values)) = line.split_once(':') else {
        return false;
    };
    let mut values = values.split_whitespace();
    match key {
        "target" => values.next() == Some("ACCEPT"),
        "ports" => values.any(|value| value.strip_suffix("/tcp").is_some_and(|ports| has_port(ports, port))),
        "services" => values.any(|name| SERVICES.contains(&(name, port))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: &str = include_str!("../examples/firewalld_zones.txt");

    #[test]
    fn a_port_is_open_when_a_zone_in_use_has_it() {
        assert_eq!(shut(ZONES, 8443), ["home", "public"]);
        for (port, why) in [(8080, "home"), (80, "a service"), (9050, "a range"), (8554, "a rich rule")] {
            assert_eq!(shut(ZONES, port), [""; 0], "{port}: {why}");
        }
        let trusted = ZONES.replace("trusted\n", "trusted (active)\n");
        assert_eq!(shut(&trusted, 8443), [""; 0], "a zone that lets everything in");
    }

    #[test]
    fn zones_that_are_not_in_use_open_nothing() {
        let public_alone = ZONES.replace("home (active)", "home");
        assert_eq!(shut(&public_alone, 8080), ["public"], "UDP is not TCP");
        assert_eq!(shut("", 8080), [""; 0]);
    }
}
