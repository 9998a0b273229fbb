//! Mistakes that need another computer, or another user: a namespace of the kernel, or root. Where these cannot be had, the test
//! says so, and passes.

use super::*;
use std::os::unix::process::CommandExt as _;

/// A user without any rights.
const NOBODY: u32 = 65_534;

impl World {
    /// What the doctor says where a script has changed the computer before; `None` when that is not possible here.
    fn doctor_after(&self, unshare: &[&str], script: &str) -> Option<Said> {
        let own = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
        let path = std::env::join_paths(own.iter().chain([&self.path("bin")])).unwrap();
        // What the script needs is found first, and what the doctor asks is its own.
        let script = format!("{script} && PATH={} exec \"$@\"", self.path("bin").display());
        let mut command = Command::new("unshare");
        command
            .args(unshare)
            .args(["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_lenscast"), "doctor"])
            .args(self.which());
        command.env_clear().env("PATH", path).env("HOME", self.folder.path()).stdin(Stdio::null());
        let output = command.output();
        let possible = output.as_ref().is_ok_and(|output| !output.stdout.is_empty());
        if !possible {
            println!("skipped: unshare {unshare:?} is not possible here: {output:?}");
            return None;
        }
        Some(Said::of(output.unwrap()))
    }
}

#[test]
fn a_disk_that_is_full_is_found() {
    let world = World::new();
    world.written();
    let state = world.path("state").display().to_string();
    let mount = format!("mount -t tmpfs -o size=64k,mode=700 tmpfs {state}");
    if let Some(said) = world.doctor_after(&["-rm"], &mount) {
        said.finds('✗', &["The disk of", "is full: 0 MiB are left", "cannot be kept"]);
    }
}

#[test]
fn a_disk_that_takes_no_more_files_is_found() {
    let world = World::new();
    world.written();
    let state = world.path("state").display().to_string();
    let mount = format!("mount -t tmpfs -o size=64m,nr_inodes=20,mode=700 tmpfs {state}");
    if let Some(said) = world.doctor_after(&["-rm"], &mount) {
        said.finds('✗', &["The disk of", "no inodes are left"]);
    }
}

#[test]
fn a_disk_that_cannot_be_written_to_is_found() {
    let world = World::new();
    world.written();
    let state = world.path("state").display().to_string();
    let mount = format!("mount -t tmpfs -o ro,size=64m,mode=700 tmpfs {state}");
    if let Some(said) = world.doctor_after(&["-rm"], &mount) {
        said.finds('✗', &["The disk of", "can be read, and not written to"]);
        said.finds('✗', &["state cannot be written to"]);
    }
}

#[test]
fn a_computer_without_a_network_is_found() {
    let world = World::new();
    world.written();
    if let Some(said) = world.doctor_after(&["-rn"], "true") {
        said.finds('✗', &["This computer has no network address", "Connect it"]);
    }
}

#[test]
fn too_few_open_files_are_found() {
    let mut world = World::new();
    world.config = world.config.replace("max_connections = 50", "max_connections = 500");
    world.written();
    let mut command = world.command("/bin/sh", &["-c", "ulimit -n 128 && exec \"$@\"", "sh"]);
    let said = Said::of(
        command.args([env!("CARGO_BIN_EXE_lenscast"), "doctor"]).args(world.which()).output().unwrap(),
    );
    said.finds('!', &["gives it 128 open files, and max_connections is 500", "LimitNOFILE=692"]);
}

/// Runs the doctor as a user without rights; `None` when that takes more rights than these, or that one may not get here.
fn as_nobody(world: &World) -> Option<Said> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: this takes root");
        return None;
    }
    set_mode(world.folder.path(), 0o755);
    let program = world.path("lenscast");
    fs::copy(env!("CARGO_BIN_EXE_lenscast"), &program).unwrap();
    let mut command = world.command(&program, &["doctor"]);
    match command.args(world.which()).uid(NOBODY).gid(NOBODY).output() {
        Ok(output) if !output.stdout.is_empty() => Some(Said::of(output)),
        other => {
            println!("skipped: others do not get to {}: {other:?}", program.display());
            None
        }
    }
}

#[test]
fn a_state_directory_of_another_user_is_found() {
    let world = World::new();
    let file = world.written();
    set_mode(&file, 0o644);
    if let Some(said) = as_nobody(&world) {
        said.finds('✗', &["state belongs to the user root, and you are", "sudo lenscast doctor"]);
    }
}

#[test]
fn a_file_of_another_user_is_found() {
    let world = World::new();
    world.written();
    let strange = world.in_state("cameras.json", "{}");
    if !rustix::process::geteuid().is_root() {
        println!("skipped: this takes root");
        return;
    }
    std::os::unix::fs::chown(strange, Some(NOBODY), None).unwrap();
    world.doctor().finds('✗', &["cameras.json in it to", "sudo chown --recursive root: "]);
}

#[test]
fn a_port_that_is_for_root_is_found() {
    let mut world = World::new();
    world.listen("[::]:81");
    let file = world.written();
    set_mode(&file, 0o644);
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if first.trim() != "1024" {
        println!("skipped: on this computer others may have it, too");
        return;
    }
    let said = if rustix::process::geteuid().is_root() { as_nobody(&world) } else { Some(world.doctor()) };
    if let Some(said) = said {
        said.finds('✗', &["Port 81 is for root", "listen = \"[::]:8081\"", "docs/install.md"]);
    }
}
