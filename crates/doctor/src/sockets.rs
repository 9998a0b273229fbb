//! Finding out which program has a port, by what `/proc` tells on Linux. On other systems this is not known.

use crate::users;
use std::fs;
use std::path::Path;

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

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

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_a_port_that_it_has() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = holder(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.process.map(|(_, pid)| pid), Some(std::process::id()));
    }
}
