//! What a process uses, as Linux counts it.

use crate::Result;
use std::fs;
use std::time::Duration;

/// `USER_HZ`, which is 100 on every architecture that Rust and Linux share.
const TICKS_PER_SECOND: u32 = 100;

/// Memory that is resident.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// Now (`VmRSS`), in 10^6 bytes.
    pub(crate) now_mb: f64,
    /// The most so far (`VmHWM`), in 10^6 bytes.
    pub(crate) peak_mb: f64,
}

/// CPU time that the process and its threads used since it started, user and system, in steps of 10 ms.
///
/// # Errors
/// There is no such process.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Ok(cpu_in(&stat).ok_or("the kernel's stat file has another form than proc(5) says")?)
}

/// The memory of a process that runs.
///
/// # Errors
/// There is no such process, or it has ended.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name| megabytes_in(&status, name).ok_or_else(|| format!("process {pid} has no {name}"));
    Ok(Memory { now_mb: field("VmRSS:")?, peak_mb: field("VmHWM:")? })
}

/// Fields 14 and 15, utime and stime. The second is a name, and may contain blanks and parentheses.
fn cpu_in(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs(1) * (user + system) / TICKS_PER_SECOND)
}

fn megabytes_in(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_an_awkward_name() {
        let stat = "77 (a) b (c) S 1 77 77 0 -1 4194560 1 0 0 0 123 45 0 0 20 0 4 0 99 1 2";
        assert_eq!(cpu_in(stat), Some(Duration::from_millis(1680)));
        assert_eq!(cpu_in("77 (short) S 1"), None);
    }

    #[test]
    fn memory_is_told_in_decimal_megabytes() {
        let status = "Name:\tx\nVmHWM:\t   20000 kB\nVmRSS:\t   10000 kB\n";
        assert_eq!(megabytes_in(status, "VmHWM:"), Some(20.48));
        assert_eq!(megabytes_in(status, "VmRSS:"), Some(10.24));
        assert_eq!(megabytes_in(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(cpu(pid).is_ok());
        let memory = memory(pid).unwrap();
        assert!(memory.now_mb > 0.5 && memory.peak_mb >= memory.now_mb, "{memory:?}");
    }
}
