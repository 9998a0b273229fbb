//! What is cheap to send and costly to decode is refused before it is decoded; what encoders make is not.

use super::costly::{Costly, NINETY_NINE_SCANS};
use super::*;
use lenscast_media::jpeg::{MAX_HUFFMAN_TABLES, MAX_KEPT_PIXELS, MAX_PASSES, MAX_SEGMENTS};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The name of the cause for which it is refused, by an inspection and by a decoder that nobody inspected for; "" when it is good.
fn refused(costly: Costly) -> &'static str {
    let jpeg = costly.jpeg();
    assert!(
        jpeg.len() < 200_000 || costly.tables + costly.comments > 0,
        "it is cheap to send: {}",
        jpeg.len()
    );
    let inspected = inspect(&jpeg, &Limits::default()).map_err(|fault| fault.cause().name());
    let cause = inspected.err().unwrap_or_default();
    if !cause.is_empty() {
        let decoded = Decoder::default().decode(&jpeg, &mut I420::default());
        assert_eq!(decoded.unwrap_err().cause().name(), cause, "{costly:?}");
    }
    cause
}

#[test]
fn what_is_cheap_to_send_and_costly_to_decode_is_refused_before_it_is_decoded() {
    let progressive = |width, height, scans| Costly { width, height, scans, ..NINETY_NINE_SCANS };
    let small = progressive(64, 48, 3);
    let sequential = |costly| Costly { progressive: false, ..costly };
    for costly in [
        NINETY_NINE_SCANS,
        progressive(4000, 4000, 1),
        progressive(1921, 1200, 1),
        progressive(1, 65_535, 3 * usize::from(MAX_PASSES) + 1),
        progressive(1920, 1200, 3 * usize::from(MAX_PASSES) + 1),
        sequential(progressive(2000, 1200, 3)),
        sequential(progressive(640, 480, 4)),
        sequential(progressive(640, 480, 99)),
        sequential(progressive(64, 48, 5000)),
        Costly { tables: 64, ..small },
        Costly { tables: 64, ..sequential(small) },
        Costly { tables: 100_000, ..small },
        Costly { comments: 512, ..small },
        Costly { comments: 100_000, ..Costly::baseline(64, 48) },
    ] {
        assert_eq!(refused(costly), "too_costly", "{costly:?}");
    }
}

#[test]
fn what_encoders_make_is_within_the_budget() {
    let largest = Costly { scans: 3 * usize::from(MAX_PASSES), ..NINETY_NINE_SCANS };
    let small = Costly { width: 64, height: 48, ..largest };
    for costly in [
        Costly { width: 1920, height: 1200, ..largest },
        small,
        Costly { progressive: false, scans: 3, ..small },
        Costly { tables: MAX_HUFFMAN_TABLES as usize - 2, ..small },
        Costly { comments: MAX_SEGMENTS as usize - 52, ..small },
        Costly::baseline(4000, 4000),
    ] {
        assert_eq!(refused(costly), "", "{costly:?}");
    }
    assert_eq!(MAX_KEPT_PIXELS, 1920 * 1200);
    // Of a real encoder, with tables and scans of its own choice.
    let progressive = encode_with(320, 240, |encoder| {
        encoder.set_progressive(true);
        encoder.set_optimized_huffman_tables(true);
    });
    decode(&progressive).unwrap();
}

#[test]
fn a_decoder_that_is_told_to_stop_stops() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut decoder = Decoder::default().stopping(stop.clone());
    let mut picture = I420::default();
    let costly = Costly { scans: 3, width: 640, height: 480, ..NINETY_NINE_SCANS };
    let sequential = Costly { progressive: false, ..costly };
    let of_a_camera = encode(320, 240, SamplingFactor::F_2_1);
    for (what, jpeg) in [
        ("in one scan", of_a_camera),
        ("a scan for each component", fixture!("three_scans_422.jpg").to_vec()),
        ("a costly one in one scan", Costly::baseline(640, 480).jpeg()),
        ("a costly one with a scan for each component", sequential.jpeg()),
        ("a costly progressive one", costly.jpeg()),
    ] {
        decoder.decode(&jpeg, &mut picture).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(decoder.decode(&jpeg, &mut picture), Err(DecodeFault::Stopped));
        stop.store(false, std::sync::atomic::Ordering::Relaxed);
        decoder.decode(&jpeg, &mut picture).expect("and goes on with the next one");
    }
}
