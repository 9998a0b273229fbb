//! Video has the colours of the JPEGs of which it is made, and says how its samples are meant: in limited range, as
//! decoders take for granted that do not look.

use crate::harness::*;
use lenscast_live::pipeline::ffmpeg::Ffmpeg;
use std::io::Write as _;
use std::process::{Command, Stdio};

const WIDTH: usize = 256;
const HEIGHT: usize = 192;
/// The side of a patch in pixels.
const PATCH: usize = 32;

/// What ffmpeg or ffprobe writes when it reads `input`; the test command of the project installs them.
fn ff(tool: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(tool)
        .args(["-v", "error"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool} cannot be run ({error}): `cargo xtask test` installs it"));
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may read as much as it likes: what it left is no error of ours.
        scope.spawn(move || stdin.write_all(input).unwrap_or_default());
        child.wait_with_output().unwrap()
    });
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{tool} {arguments:?}: {complaints}");
    output.stdout
}

/// A JPEG with 24 greys from black to white, then 24 colours at the corners and edges of the RGB cube.
fn bars() -> Vec<u8> {
    let colour = |number: usize| match number {
        0..24 => [(number * 255 / 23) as u8; 3],
        _ => {
            let corner = number % 8;
            let [low, high] = [[0, 255], [16, 235], [64, 192]][(number - 24) / 8];
            [4, 2, 1].map(|bit| if corner & bit == 0 { low } else { high })
        }
    };
    let mut rgb = Vec::with_capacity(3 * WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            rgb.extend(colour(y / PATCH * (WIDTH / PATCH) + x / PATCH));
        }
    }
    let size = format!("{WIDTH}x{HEIGHT}");
    let input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-i", "pipe:0"];
    let output = ["-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj422p", "-f", "image2pipe", "pipe:1"];
    ff("ffmpeg", &[&input[..], &output].concat(), &rgb)
}

/// The mean colour in the middle of each patch of the last picture, as ffmpeg shows it.
fn patches(format: &str, input: &[u8]) -> Vec<[f64; 3]> {
    let accurate = "accurate_rnd+full_chroma_int+full_chroma_inp";
    let arguments = [
        "-f",
        format,
        "-i",
        "pipe:0",
        "-sws_flags",
        accurate,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "pipe:1",
    ];
    let shown = ff("ffmpeg", &arguments, input);
    let last = &shown[shown.len() - 3 * WIDTH * HEIGHT..];
    let mut patches = Vec::new();
    for top in (0..HEIGHT).step_by(PATCH) {
        for left in (0..WIDTH).step_by(PATCH) {
            let mut sums = [0.0; 3];
            for y in top + 8..top + PATCH - 8 {
                for x in left + 8..left + PATCH - 8 {
                    for (sum, sample) in sums.iter_mut().zip(&last[3 * (y * WIDTH + x)..]) {
                        *sum += f64::from(*sample);
                    }
                }
            }
            patches.push(sums.map(|sum| sum / ((PATCH - 16) * (PATCH - 16)) as f64));
        }
    }
    patches
}

/// Plays the bars through a server, and looks at what a viewer of `format` gets, which ffmpeg knows as `known`.
async fn look(server: &Running, camera: &mut Client, format: &str, known: &str) {
    let jpeg = bars();
    let expected = patches("mjpeg", &jpeg);
    let mut viewer = server.viewer(&format!("format={format}")).await;
    let mut stream = Vec::new();
    // A few pictures, for what the first leaves is mended by the next.
    for number in 0..8 {
        camera.send_jpeg(&jpeg).await;
        match format {
            "h264" => stream.extend(viewer.framed().await.1),
            "fmp4" if number == 0 => stream.extend([viewer.binary().await, viewer.binary().await].concat()),
            _ => stream.extend(viewer.binary().await),
        }
    }
    let entries = "stream=pix_fmt,color_range,color_space";
    let arguments = ["-f", known, "-show_entries", entries, "-of", "default=nw=1", "pipe:0"];
    let told = String::from_utf8(ff("ffprobe", &arguments, &stream)).unwrap();
    for line in ["pix_fmt=yuv420p", "color_range=tv", "color_space=smpte170m"] {
        assert!(told.lines().any(|told| told == line), "{format}: {line} is missing in {told}");
    }
    let shown = patches(known, &stream);
    for (number, (shown, expected)) in shown.iter().zip(&expected).enumerate() {
        let off = shown.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // What quantising leaves; a range or a matrix that is not what is said is off by 16 and more.
        assert!(off <= 6.0, "{format}, patch {number}: {shown:?} is shown, and the JPEG has {expected:?}");
    }
}

#[tokio::test]
async fn video_says_its_range_and_has_the_colours_of_the_jpegs() {
    let server = start();
    let mut camera = server.camera().await;
    for (format, known) in [("ts", "mpegts"), ("fmp4", "mp4"), ("h264", "h264")] {
        look(&server, &mut camera, format, known).await;
    }
}

#[tokio::test]
async fn video_of_ffmpeg_says_its_range_and_has_the_colours_of_the_jpegs() {
    let server = start_with(|config| config.encoder = Ffmpeg::default().into_encoders());
    let mut camera = server.camera().await;
    for (format, known) in [("ts", "mpegts"), ("fmp4", "mp4"), ("h264", "h264")] {
        look(&server, &mut camera, format, known).await;
    }
}
