//! How ffmpeg is called. No shell is part of it, and nothing in the arguments comes from outside but the name of the codec,
//! which was checked.

use std::process::Command;

/// The first VA-API device of a machine.
const VAAPI_DEVICE: &str = "/dev/dri/renderD128";

/// The variable in the environment of a process that names its camera, for people who look which process is whose.
pub(super) const CAMERA_VARIABLE: &str = "LENSCAST_CAMERA";

/// The arguments up to the input.
///
/// `-fflags nobuffer` is missing on purpose: with it, ffmpeg throws the packets away from which it learns the format, here the
/// first picture. `-copyts` keeps the time stamps as they are, since they mean something to `-force_key_frames`.
const INPUT: &[&str] = &[
    "-nostdin",
    "-hide_banner",
    "-loglevel",
    "error",
    "-copyts",
    "-flags",
    "low_delay",
    "-probesize",
    "32",
    "-analyzeduration",
    "0",
    "-f",
    "matroska",
    "-i",
    "pipe:0",
    "-map",
    "0:v:0",
    "-map_metadata",
    "-1",
];

/// The arguments after the input.
///
/// ffmpeg takes no request for a key frame while it runs. But it evaluates an expression of the time stamp for each picture, and
/// the time stamps are ours. So an odd number of µs asks for a key frame, exactly there: 40,000 µs is an ordinary picture, and
/// 40,001 µs a key frame. (The alternative `expr:gte(t,n_forced*0.5)` makes four times the key frames, and who joins still
/// waits.) Tried with ffmpeg 5.1, where `t` counts from the first picture. That one has the stamp 0 here, so that it makes no
/// difference if another version counts from zero.
///
/// `-g` only has to be longer than the 2 s between our key frames.
const OUTPUT: &[&str] = &[
    "-force_key_frames",
    "expr:mod(round(t*1000000),2)",
    "-g",
    "600",
    "-bf",
    "0",
    "-sc_threshold",
    "0",
    "-fps_mode",
    "passthrough",
    "-enc_time_base",
    "1/1000000",
];

/// The arguments that say how colours are meant (ISO/IEC 14496-10 §E.2.1): the same as in the built-in encoder's video, whether
/// or not the encoder would write it by itself.
const COLOURS: &[&str] = &[
    "-color_range",
    "tv",
    "-colorspace",
    "smpte170m",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "iec61966-2-1",
    "-bsf:v",
    "h264_metadata=video_full_range_flag=0:colour_primaries=1:transfer_characteristics=13:matrix_coefficients=6",
];

/// The arguments for the output. NUT says before each packet how long it is, and ffmpeg writes each packet at once.
const CONTAINER: &[&str] = &["-flush_packets", "1", "-f", "nut", "pipe:1"];

/// An ffmpeg that encodes from its standard input to its standard output, at most `bitrate` bits a second.
pub(super) fn encode(codec: &str, bitrate: u32) -> Command {
    let mut command = ffmpeg();
    if codec.ends_with("_vaapi") {
        command.args(["-vaapi_device", VAAPI_DEVICE]);
    }
    command.args(INPUT).args(["-c:v", codec]).args(OUTPUT).args(COLOURS).args(codec_options(codec));
    let bitrate = bitrate.to_string();
    if codec != "libx264" {
        command.args(["-b:v", &bitrate]);
    }
    command.args(["-maxrate", &bitrate, "-bufsize", &bitrate]).args(CONTAINER);
    command
}

/// An ffmpeg that lists its encoders.
pub(super) fn list_encoders() -> Command {
    let mut command = ffmpeg();
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-encoders"]);
    command
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    // It would make ffmpeg write a report into the current folder.
    command.env_remove("FFREPORT").env("AV_LOG_FORCE_NOCOLOR", "1");
    command
}

/// The arguments that each encoder needs to give a constrained baseline stream without delay.
///
/// x264 keeps a constant quality up to the bitrate. A camera slower than 30 frames a second gets its share of the bitrate only:
/// `force-cfr=0` would reckon by time stamps, but then x264 holds each picture back until the next one. It has one thread,
/// since the cameras are what runs in parallel, and sliced threads cost bits.
///
/// All arguments but x264's were written after ffmpeg's documentation, and are not verified on hardware.
fn codec_options(codec: &str) -> &'static [&'static str] {
    match codec {
        "libx264" => &[
            "-pix_fmt",
            "yuv420p",
            "-preset",
            "superfast",
            "-tune",
            "zerolatency",
            "-profile:v",
            "baseline",
            "-crf",
            "21.5",
            "-threads",
            "1",
        ],
        "libopenh264" => &[
            "-pix_fmt",
            "yuv420p",
            "-profile:v",
            "constrained_baseline",
            "-allow_skip_frames",
            "0",
            "-threads",
            "1",
        ],
        "h264_nvenc" => &[
            "-pix_fmt",
            "yuv420p",
            "-preset",
            "p2",
            "-tune",
            "ull",
            "-profile:v",
            "baseline",
            "-delay",
            "0",
            "-zerolatency",
            "1",
            "-forced-idr",
            "1",
        ],
        "h264_vaapi" => {
            &["-vf", "format=nv12,hwupload", "-profile:v", "constrained_baseline", "-async_depth", "1"]
        }
        "h264_qsv" => &[
            "-pix_fmt",
            "nv12",
            "-preset",
            "veryfast",
            "-profile:v",
            "baseline",
            "-async_depth",
            "1",
            "-forced_idr",
            "1",
        ],
        _ => &["-pix_fmt", "yuv420p"],
    }
}
