//! ffmpeg and ffprobe as oracles: programs that know nothing of our code.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// What a run of one of the programs left.
pub(crate) struct Output {
    /// Standard output.
    pub(crate) text: String,
    /// Standard error: what the program complained about.
    pub(crate) complaints: String,
}

/// One line of `ffprobe -show_packets`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// In ticks of the stream.
    pub(crate) pts: i64,
    /// Whether decoding can begin here.
    pub(crate) key: bool,
}

/// Runs `program` with `input` on its standard input.
///
/// # Panics
///
/// If the program is not installed, or fails.
pub(crate) fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot run {program}, which this test needs: {error}. Install ffmpeg.")
        });
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let output = thread::scope(|scope| {
        // The program may read as much as it likes: what it left is no error of ours.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the program was started")
    });
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} failed ({}): {complaints}", output.status);
    Output { text: String::from_utf8_lossy(&output.stdout).into_owned(), complaints }
}

/// The packets that ffprobe finds in `input`; it must have nothing to complain about.
pub(crate) fn packets(format: &str, input: &[u8]) -> Vec<Packet> {
    let entries = "packet=pts,flags";
    let arguments = ["-v", "warning", "-f", format, "-show_entries", entries, "-of", "csv=p=0", "pipe:0"];
    let output = run("ffprobe", &arguments, input);
    assert_eq!(output.complaints, "", "ffprobe complains");
    let packet = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        Packet {
            pts: fields[0].parse().unwrap_or_else(|_| panic!("no PTS in {line:?}")),
            key: fields[1].starts_with('K'),
        }
    };
    output.text.lines().filter(|line| !line.is_empty()).map(packet).collect()
}

/// The value of one field of the only stream in `input`, as ffprobe names it.
pub(crate) fn stream_field(format: &str, field: &str, input: &[u8]) -> String {
    let entries = format!("stream={field}");
    let arguments = ["-v", "error", "-f", format, "-show_entries", &entries, "-of", "csv=p=0", "pipe:0"];
    let text = run("ffprobe", &arguments, input).text;
    // In a transport stream the same stream is listed once more below its program.
    text.lines().find(|line| !line.is_empty()).unwrap_or_default().trim_end_matches(',').to_owned()
}

/// A checksum of every picture that ffmpeg decodes from `input`; it must have nothing to complain about.
pub(crate) fn pictures(format: &str, input: &[u8]) -> Vec<String> {
    let arguments =
        ["-v", "warning", "-f", format, "-i", "pipe:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"];
    let output = run("ffmpeg", &arguments, input);
    assert_eq!(output.complaints, "", "ffmpeg complains");
    let frames = output.text.lines().filter(|line| !line.starts_with('#'));
    frames.filter_map(|line| line.rsplit(',').next()).map(|checksum| checksum.trim().to_owned()).collect()
}

/// The access units of an Annex B stream that has a delimiter with a four-byte start code before each.
pub(crate) fn access_units(stream: &[u8]) -> Vec<&[u8]> {
    const DELIMITER: &[u8] = &[0, 0, 0, 1, 0x09];
    let mut starts: Vec<_> = (0..stream.len()).filter(|&at| stream[at..].starts_with(DELIMITER)).collect();
    starts.push(stream.len());
    starts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}
