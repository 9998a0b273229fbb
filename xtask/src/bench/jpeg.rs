//! `cargo xtask bench --jpeg`: what making a JPEG of a raw frame costs, and what that may mean on a microcontroller.

use super::table::Table;
use crate::Result;
use crate::process::Places;
use std::process::Stdio;

/// Cycles of an LX7 for one of this machine, at least and at most. An estimate, no measurement: where this was written,
/// QVGA from YUYV took 29 cycles a pixel (x86-64, SSE2, out of order), and 135 instructions when built without vectors.
/// A 32-bit core that does one thing at a time needs about 1.2 times as many (so says the transform, compiled for
/// RV32IM), and 1 to 2 cycles for each, as its memory and its branches go.
const LX7: [f64; 2] = [5.5, 11.0];
/// Cycles a millisecond of an LX7 at 240 MHz.
const LX7_PER_MS: f64 = 240_000.0;
/// The one that the others are compared with.
const REFERENCE: &str = "yuyv";

/// One line of the example `jpeg_bench`.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    format: String,
    width: u32,
    height: u32,
    /// Nanoseconds a pixel.
    convert: f64,
    /// Nanoseconds a pixel; converting is in it.
    encode: f64,
    bytes: u64,
}

/// Runs it and prints the table.
///
/// # Errors
/// The example could not be built or run, or prints something else than what is expected of it.
pub(crate) fn run() -> Result<()> {
    let places = Places::find()?;
    let example = ["run", "--release", "--package", "lenscast-picture", "--example", "jpeg_bench"];
    let output = places.cargo(&example).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("the example jpeg_bench failed ({})", output.status).into());
    }
    let (cycle, lines) = parse(std::str::from_utf8(&output.stdout)?)?;
    println!("\n{}\n{:.2} GHz, one thread, quality 80\n", super::machine(), 1.0 / cycle);
    println!("{}", table(cycle, &lines));
    println!(
        "The last column is an estimate: {} to {} cycles of an LX7 for one of this machine.",
        LX7[0], LX7[1]
    );
    Ok(())
}

fn table(cycle: f64, lines: &[Line]) -> Table {
    let mut table =
        Table::new(&["", "ns/pixel", "of it rows", "to YUYV", "cycles/pixel", "bytes", "LX7 at 240 MHz, ms"]);
    for line in lines {
        let reference = lines.iter().find(|other| {
            (&other.format[..], other.width, other.height) == (REFERENCE, line.width, line.height)
        });
        let cycles = line.encode / cycle;
        let lx7 = LX7.map(|factor| cycles * factor * f64::from(line.width * line.height) / LX7_PER_MS);
        table.row(&[
            format!("{}x{} {}", line.width, line.height, line.format),
            format!("{:.2}", line.encode),
            format!("{:.2}", line.convert),
            reference.map_or("–".to_owned(), |yuyv| format!("{:.2} ×", line.encode / yuyv.encode)),
            format!("{cycles:.1}"),
            line.bytes.to_string(),
            format!("{:.0} to {:.0}", lx7[0], lx7[1]),
        ]);
    }
    table
}

/// Nanoseconds of a cycle, and what was measured.
fn parse(text: &str) -> Result<(f64, Vec<Line>)> {
    let strange = |line: &str| format!("the example jpeg_bench printed {line:?}");
    let mut cycle = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["cycle", ns] => cycle = Some(ns.parse()?),
            [format, width, height, convert, encode, bytes] => lines.push(Line {
                format: format.to_owned(),
                width: width.parse()?,
                height: height.parse()?,
                convert: convert.parse()?,
                encode: encode.parse()?,
                bytes: bytes.parse()?,
            }),
            _ => return Err(strange(line).into()),
        }
    }
    match cycle {
        Some(cycle) if !lines.is_empty() => Ok((cycle, lines)),
        _ => Err(strange(text).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_yuyv_of_the_same_size() {
        let text = "cycle\t0.5\nyuyv\t10\t10\t1\t10\t99\ny8\t10\t10\t0.5\t5\t44\nyuyv\t20\t10\t1\t20\t99\n\
                    y8\t20\t10\t0\t5\t44\n";
        let (cycle, lines) = parse(text).expect("lines of the example");
        let text = table(cycle, &lines).to_string();
        let ratios: Vec<_> =
            text.lines().skip(2).map(|line| line.split('|').nth(4).unwrap_or("").trim()).collect();
        assert_eq!(ratios, ["1.00 ×", "0.50 ×", "1.00 ×", "0.25 ×"], "{text}");
    }

    #[test]
    fn the_estimate_counts_cycles_of_the_whole_frame() {
        let line =
            Line { format: "y8".to_owned(), width: 320, height: 240, convert: 1.0, encode: 10.0, bytes: 1 };
        let text = table(0.5, &[line]).to_string();
        // 20 cycles a pixel are 110 to 220 of an LX7, and there are 76,800 pixels.
        assert!(text.contains(" 20.0 |") && text.contains(" 35 to 70 |"), "{text}");
    }

    #[test]
    fn what_the_example_does_not_print_is_refused() {
        for text in ["", "cycle\t0.5\n", "yuyv\t10\t10\t1\t10\t99\n", "cycle\t0.5\nerror: no such thing\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
