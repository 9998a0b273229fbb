//! Finding out which program has a port, by what `/proc` tells on Linux. On other systems this is not known.

use crate::users;
use std::fs;
use std::path::Path;

/// The states of a listening and of a connected socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
const CONNECTED: &str = "01";

/// Connections to a port that are looked at. It takes a look at all processes for each.
const MAX_LOOKED_AT: usize = 16;

/// The holder of a port: the program and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The name of the program and the number of its process; `None` when this user may not see them.
    pub process: Option<(String, u32)>,
    /// The name of the user who runs it.
    pub user: String,
}

/// A listening socket, as a table of `/proc/net` has it.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    inode: u64,
    user: u32,
}

/// The holder of a port of this computer; `None` when nobody has it.
pub(crate) fn holder(port: u16) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: Vec<Socket> = tables.iter().flat_map(|table| listening(table, port)).collect();
    let user = sockets.first()?.user;
    let process = sockets.iter().find_map(|socket| process(socket.inode));
    Some(Holder { process, user: users::name(user) })
}

/// The names of the programs on this computer that are connected to a port of it by a loopback address, as far as this
/// user may see them.
pub(crate) fn connected_here(port: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets = tables.iter().flat_map(|table| connected(table, port)).take(MAX_LOOKED_AT);
    sockets.filter_map(process).map(|(name, _)| name).collect()
}

/// The inodes of the sockets in a table of `/proc/net` that are connected to a port at a loopback address.
fn connected(table: &str, port: u16) -> Vec<u64> {
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, remote, state, _, _, _, _, _, inode, ..] = words.as_slice() else {
            return None;
        };
        let (address, hex) = remote.rsplit_once(':')?;
        // 127.0.0.1, ::ffff:127.0.0.1 and ::1, as the kernel writes them.
        let is_here = address.ends_with("7F") && (address.len() == 8 || address.contains("FFFF0000"))
            || address == "00000000000000000000000001000000";
        let is_it = is_here && *state == CONNECTED && u16::from_str_radix(hex, 16) == Ok(port);
        is_it.then(|| inode.parse().ok())?
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// The sockets in a table of `/proc/net` that listen on a port.
fn listening(table: &str, port: u16) -> Vec<Socket> {
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, user, _, inode, ..] = words.as_slice() else {
            return None;
        };
        let (_, hex) = local.rsplit_once(':')?;
        let is_it = *state == LISTEN && u16::from_str_radix(hex, 16) == Ok(port);
        is_it.then(|| Some(Socket { inode: inode.parse().ok()?, user: user.parse().ok()? }))?
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// The process that has a socket; `None` when this user may not see that.
fn process(inode: u64) -> Option<(String, u32)> {
    let wanted = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let mut targets = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        if targets.any(|target| target == Path::new(&wanted)) {
            let name = fs::read_to_string(process.path().join("comm")).ok()?;
            return Some((name.trim().to_owned(), pid));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = include_str!("examples/proc_net_tcp.txt");

    #[test]
    fn a_socket_that_listens_is_found_by_its_port() {
        assert_eq!(listening(TABLE, 8080), [Socket { inode: 48_121, user: 33 }]);
        assert_eq!(listening(TABLE, 22), [Socket { inode: 1145, user: 0 }]);
        assert_eq!(listening(TABLE, 43_506), [], "that one is connected");
        assert_eq!(listening("", 8080), []);
    }

    #[test]
    fn a_socket_that_is_connected_to_a_port_of_this_computer_is_found() {
        let line = |remote: &str, state: &str| {
            format!(
                "head\n 0: 0100007F:A9F2 {remote} {state} 00000000:00000000 00:00000000 00000000 33 0 777 1 0 20 4 13 43 -1\n"
            )
        };
        for here in [
            "0100007F:1F90",
            "0000000000000000FFFF00000100007F:1F90",
            "00000000000000000000000001000000:1F90",
        ] {
            assert_eq!(connected(&line(here, "01"), 8080), [777], "{here}");
            assert_eq!(connected(&line(here, "0A"), 8080), [0; 0], "{here}");
            assert_eq!(connected(&line(here, "01"), 8081), [0; 0], "{here}");
        }
        for elsewhere in [
            "0201A8C0:1F90",
            "0000000000000000FFFF00000201A8C0:1F90",
            "B80D0120000000000000000005000000:1F90",
        ] {
            assert_eq!(connected(&line(elsewhere, "01"), 8080), [0; 0], "{elsewhere}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_a_port_to_which_it_is_connected() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _connection = std::net::TcpStream::connect(address).unwrap();
        let own = fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(connected_here(address.port()), [own.trim()]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_a_port_that_it_has() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = holder(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.process.map(|(_, pid)| pid), Some(std::process::id()));
    }
}
