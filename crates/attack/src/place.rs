//! Where an attack happens: in a network namespace of its own, where there are strangers' addresses, or on loopback.
//!
//! To the server, whoever comes from 127.0.0.66 is a program of this computer, which may do more than a stranger. So on
//! loopback an attack shows less, and the harness says so.

use crate::{Result, netlink};
use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitStatus, Stdio};

/// The variable by which a process knows that it was started inside a namespace for this.
const INSIDE: &str = "LENSCAST_ATTACK_NAMESPACE";

/// The addresses of all who take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    network: [u8; 2],
}

impl Place {
    /// The place of this process: the namespace in which it was started for this, else loopback.
    ///
    /// # Errors
    /// It was started in a namespace that does not let itself be used.
    pub fn here() -> Result<Self> {
        if !is_inside() {
            return Ok(Self { network: [127, 0] });
        }
        let place = Self { network: [10, 77] };
        match netlink::open(place.address(0, 1), 16) {
            Err(error) if !error.to_string().contains("os error 17") => Err(error),
            // Error 17: it is there already, since another attack of this process came first.
            _ => Ok(place),
        }
    }

    /// Whether this is a namespace, in which strangers are strangers.
    #[must_use]
    pub fn is_namespace(&self) -> bool {
        self.network[0] != 127
    }

    /// Where the server listens.
    pub(crate) fn server(&self) -> IpAddr {
        self.address(0, 1).into()
    }

    /// From where a camera sends that does no harm.
    pub(crate) fn camera(&self) -> IpAddr {
        self.address(0, 10).into()
    }

    /// From where somebody watches who does no harm.
    pub(crate) fn viewer(&self) -> IpAddr {
        self.address(0, 20).into()
    }

    /// From where it is asked whether the server is well.
    pub(crate) fn health(&self) -> IpAddr {
        self.address(0, 30).into()
    }

    /// From where a camera comes in the middle of an attack.
    pub(crate) fn newcomer(&self) -> IpAddr {
        self.address(0, 40).into()
    }

    /// From where the attack comes.
    pub(crate) fn hostile(&self) -> IpAddr {
        self.address(0, 66).into()
    }

    fn address(&self, third: u8, fourth: u8) -> Ipv4Addr {
        let [first, second] = self.network;
        Ipv4Addr::new(first, second, third, fourth)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_namespace() {
            write!(f, "in a network namespace")
        } else {
            write!(f, "on loopback, where everybody is this computer: no right to make a network namespace")
        }
    }
}

/// Whether this process was started by [`again_inside`].
#[must_use]
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this program again with these arguments in a network namespace of its own, and waits for its end. `None` where
/// there is no right to make one, neither as root nor in a user namespace: nothing was run then.
///
/// # Errors
/// It could not be started although a namespace could be made.
pub fn again_inside(arguments: &[impl AsRef<OsStr>]) -> Result<Option<ExitStatus>> {
    let program = std::env::current_exe()?;
    for how in [&["--net"][..], &["--user", "--map-root-user", "--net"]] {
        let unshare = |command: &[&OsStr]| {
            let mut unshare = Command::new("unshare");
            unshare.args(how).arg("--").args(command);
            unshare
        };
        let tried = unshare(&["true".as_ref()]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if tried.is_ok_and(|status| status.success()) {
            let mut words = vec![program.as_os_str()];
            words.extend(arguments.iter().map(AsRef::as_ref));
            return Ok(Some(unshare(&words).env(INSIDE, "1").status()?));
        }
    }
    Ok(None)
}
