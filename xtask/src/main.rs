//! The project's own commands: `cargo xtask COMMAND`.
//!
//! What belongs here: what a contributor or CI runs on the whole repository. What does not: anything that the program
//! or one package's tests can do by themselves.
#![forbid(unsafe_code)]

mod attack;
mod bench;
mod dist;
mod firmware;
mod guard;
mod process;
mod soak;
mod test;
mod tools;

use std::error::Error;
use std::process::ExitCode;

/// What can go wrong here is told to a person and handled by nobody.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [--no-browser]  everything that must pass: formatting, clippy, documentation, tests, browser tests.
                       Installs the tools they need where there is apt-get and the right to use it;
                       elsewhere it says what is missing.
      --no-browser     without the browser tests, and so without Chromium, Node.js and npm
  bench                CPU, latency, first picture and memory, beside the ffmpeg pipeline of the original
                       server where ffmpeg is installed; see docs/benchmarks.md
      --viewers        instead: 200, 500 and 1,000 viewers of one camera, beside a bare loop that writes the
                       same bytes, and beside a WebSocket library
      --cameras        instead: 1, 4 and 8 cameras with a viewer each
      --jpeg           instead: making JPEGs of raw frames, and what that may mean on a microcontroller
      --browser        instead: camera to rendered pixels in Chromium, by each way of playing, the first picture,
                       and ten cameras in one page
  guard                what must hold between our crates and between the modules inside each, and what no dependency
                       may ask of a computer; a step of test, and done in a second. See ARCHITECTURE.md
      --picture        writes the picture of imports into ARCHITECTURE.md
  firmware             builds the camera's image for every chip that this computer can build for, and tells how
                       large it is; see firmware/README.md
      --board NAME     for one board: atoms3r (both AtomS3R), atoms3r-cam, atoms3r-m12, esp32c3-devkit
      --linked FILE    instead: looks at an image of atoms3r that another linker made; the last line of FILE is its path
  soak                 cameras and viewers that come, go and misbehave; fails when the server grows or slows
      --minutes N      for how long (5)
      --seed N         repeats what an earlier run did at random
  attack               what one hostile client can cost: memory, threads, the picture of others, log; fails when one costs
                       more than it may
      --only NAME      this one; may be said more than once
      --seconds N      for how long each (10)
      --program PATH   instead of the release build: attacks this program
  dist                 makes packages for this kind of computer, in target/packages: a .tar.gz, a .deb where there is
                       dpkg-deb, and their SHA256SUMS; see docs/install.md
      --check          instead: packs the debug build, installs it into a folder, starts it as its unit says, asks
                       for its health, and removes it
  help                 this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["help" | "--help" | "-h"] | [_, "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["attack", ref options @ ..] => attack::run(options),
        ["test"] => test::run(test::Browser::Yes),
        ["test", "--no-browser"] => test::run(test::Browser::No),
        ["bench"] => bench::run(),
        ["bench", "--viewers"] => bench::scale::viewers(),
        ["bench", "--cameras"] => bench::scale::cameras(),
        ["bench", "--jpeg"] => bench::jpeg::run(),
        ["bench", "--browser"] => bench::browser::run(),
        // What the benchmark of viewers starts for itself.
        ["bench-child", kind, recording] => bench::scale::child(kind, recording.as_ref()),
        ["dist", ref options @ ..] => dist::run(options),
        ["guard", ref options @ ..] => guard::command(options),
        ["firmware", ref options @ ..] => firmware::run(options),
        ["soak", ref options @ ..] => soak::run(options),
        [] => Err(format!("a command is missing\n\n{USAGE}").into()),
        _ => Err(format!("{:?} is no command\n\n{USAGE}", arguments.join(" ")).into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
