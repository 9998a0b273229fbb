//! What sensors do to their JPEGs, done to good ones.

use lenscast_picture::jpeg::sensor::{Assembler, Progress, SensorFault, trim};
use lenscast_picture::jpeg::{self, Sampling};
use lenscast_picture::pattern::Scene;

/// A frame like those of a sensor; the number makes it unlike others.
fn frame(number: u32) -> Vec<u8> {
    let scene = Scene { width: 160, height: 120, frame: number, clock_ms: 1_795_343_025_678 };
    let mut out = Vec::new();
    jpeg::encode(&scene.painter(), 80, Sampling::Yuv422, &mut out).expect("this picture can be encoded");
    out
}

/// Good JPEGs of other encoders, of kinds that this one does not make: grey, progressive, several scans, restarts,
/// metadata.
fn others() -> Vec<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    [
        "crates/media/tests/data/jpeg/ffmpeg_422.jpg",
        "crates/media/tests/data/jpeg/grey_2x2.jpg",
        "crates/media/tests/data/jpeg/mixed_sampling.jpg",
        "crates/media/tests/data/jpeg/progressive_420_restart.jpg",
        "crates/media/tests/data/jpeg/three_scans_422.jpg",
        "fuzz/corpus/jpeg_decode/restart.jpg",
        "fuzz/corpus/jpeg_decode/without_dht.jpg",
    ]
    .map(|path| std::fs::read(format!("{root}/{path}")).expect("a file of this repository"))
    .into()
}

/// `jpeg` with one segment more, right after SOI.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("a segment holds 65,533 bytes").to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// Where the image data begins: after the first scan header.
fn image_data(jpeg: &[u8]) -> usize {
    let mut at = 2;
    loop {
        let marker = jpeg[at + 1];
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if marker == 0xda {
            return at;
        }
    }
}

/// What becomes of these bytes in one piece, in pieces of every size, and as a whole: the same.
fn everywhere(bytes: &[u8]) -> Result<&[u8], SensorFault> {
    let whole = trim(bytes);
    for piece in [1, 2, 3, 7, 64, 1024, bytes.len().max(1)] {
        let mut slot = vec![0xee; bytes.len() + 1];
        let mut assembler = Assembler::jpeg();
        let mut taken = 0;
        for piece in bytes.chunks(piece) {
            taken += piece.len();
            if assembler.push(piece, &mut slot) != Progress::More {
                break;
            }
        }
        let assembled = assembler.finish().map(|length| &slot[..length]);
        assert_eq!(assembled, whole, "in pieces of {piece}");
        if let Ok(jpeg) = whole {
            assert!(taken < jpeg.len() + piece, "it did not stop at EOI: {taken} bytes in pieces of {piece}");
            assert!(slot[jpeg.len()..].iter().all(|&byte| byte == 0xee), "what follows EOI was copied");
        }
    }
    whole
}

#[test]
fn a_good_frame_is_left_alone() {
    for good in others().into_iter().chain([frame(1)]) {
        assert_eq!(everywhere(&good), Ok(&good[..]));
    }
}

#[test]
fn padding_is_cut_off() {
    for good in others().into_iter().chain([frame(1)]) {
        for padding in [&[0u8; 1][..], &[0; 5000], &[0xff; 5000], b"\r\n--frame"] {
            assert_eq!(everywhere(&[&good, padding].concat()), Ok(&good[..]));
        }
    }
}

#[test]
fn of_glued_frames_the_first_is_taken() {
    let (first, second) = (frame(1), frame(2));
    for between in [&[][..], &[0; 300], &[0xff; 3]] {
        assert_eq!(everywhere(&[&first, between, &second].concat()), Ok(&first[..]));
    }
    for (first, second) in others().iter().zip(others().iter().skip(1)) {
        assert_eq!(everywhere(&[&first[..], second].concat()), Ok(&first[..]));
    }
}

#[test]
fn a_thumbnail_ends_nothing() {
    let (picture, thumbnail) = (frame(1), frame(2));
    for marker in [0xe0, 0xe1, 0xef, 0xfe] {
        let both = with_segment(&picture, marker, &thumbnail);
        assert_eq!(everywhere(&both), Ok(&both[..]));
        let padded = [&both, &[0; 100][..]].concat();
        assert_eq!(everywhere(&padded), Ok(&both[..]));
        let header = image_data(&both);
        assert_eq!(everywhere(&both[..header + 10]), Err(SensorFault::NoEoi));
        assert_eq!(everywhere(&both[..thumbnail.len() + 10]), Err(SensorFault::Truncated));
    }
}

#[test]
fn the_longest_and_the_shortest_segment_are_passed_over() {
    let good = frame(1);
    for length in [0, 1, 65_533] {
        let longer = with_segment(&good, 0xe5, &vec![0xff; length]);
        assert_eq!(everywhere(&longer), Ok(&longer[..]));
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused_with_its_cause() {
    for good in others().into_iter().chain([frame(1)]) {
        let header = image_data(&good);
        for length in 0..good.len() {
            let cause = match length {
                0 => SensorFault::Empty,
                1 => SensorFault::NoSoi,
                _ if length < header => SensorFault::Truncated,
                // Between two scans there are headers again.
                _ if trim(&good[..length]) == Err(SensorFault::Truncated) => {
                    let headers = |pair: &[u8]| matches!(pair, [0xff, 0xc4 | 0xda..=0xfe]);
                    assert!(good[header..length].windows(2).any(headers), "there is only image data");
                    continue;
                }
                _ => SensorFault::NoEoi,
            };
            assert_eq!(trim(&good[..length]), Err(cause), "the first {length} of {} bytes", good.len());
        }
        assert_eq!(everywhere(&good[..header + 100]), Err(SensorFault::NoEoi));
        assert_eq!(everywhere(&good[..header - 1]), Err(SensorFault::Truncated));
    }
}

#[test]
fn a_cut_frame_with_zeros_after_it_has_no_end() {
    let good = frame(1);
    let padded = [&good[..good.len() / 2], &[0; 4000]].concat();
    assert_eq!(everywhere(&padded), Err(SensorFault::NoEoi));
}

#[test]
fn a_frame_that_another_one_interrupts_is_cut_off() {
    let (first, second) = (frame(1), frame(2));
    let header = image_data(&first);
    for length in [header + 1, header + 500, first.len() - 2] {
        assert_eq!(
            everywhere(&[&first[..length], &second].concat()),
            Err(SensorFault::Truncated),
            "after {length}"
        );
    }
}

#[test]
fn what_does_not_begin_with_soi_is_refused_with_its_first_bytes() {
    let good = frame(1);
    for (bad, last) in
        [(&good[1..], 0), (&good[2..], 1), (&[0; 5000], 0), (&[0xff; 5000], 1), (b"\xff\xd9", 1)]
    {
        assert_eq!(everywhere(bad), Err(SensorFault::NoSoi));
        let mut assembler = Assembler::jpeg();
        let states: Vec<_> = bad.iter().map(|&byte| assembler.push(&[byte], &mut [0; 8])).collect();
        let lost = states.iter().position(|&state| state == Progress::Lost(SensorFault::NoSoi));
        assert_eq!(lost, Some(last), "a driver can stop as soon as that is known");
    }
    assert_eq!(everywhere(&[]), Err(SensorFault::Empty));
    assert_eq!(everywhere(&[0xff]), Err(SensorFault::NoSoi));
    assert_eq!(everywhere(&[0xff, 0xd8]), Err(SensorFault::Truncated));
    assert_eq!(
        everywhere(&[0xff, 0xd8, 0xff, 0xd9]),
        Err(SensorFault::Truncated),
        "a picture without image data"
    );
}

#[test]
fn a_damaged_header_is_a_bad_marker() {
    let good = frame(1);
    // In the place of the first segment: no marker, a stuffed 0xFF, a reserved code, a restart, lengths 0 and 1.
    for bad in [
        &[0x12, 0xe0][..],
        &[0xff, 0x00],
        &[0xff, 0x02],
        &[0xff, 0xbf],
        &[0xff, 0xd0],
        &[0xff, 0xe0, 0, 0],
        &[0xff, 0xe0, 0, 1],
    ] {
        let mut damaged = good.clone();
        damaged[2..2 + bad.len()].copy_from_slice(bad);
        assert_eq!(everywhere(&damaged), Err(SensorFault::BadMarker), "{bad:02x?}");
    }
    // A length that does not even count itself, before a marker that is good.
    for length in [0, 1] {
        let damaged = [&good[..2], &[0xff, 0xe7, 0, length], &good[2..]].concat();
        assert_eq!(everywhere(&damaged), Err(SensorFault::BadMarker));
    }
    // After a scan, a comment that goes on past its length: image data comes after a scan header only.
    let damaged = [&good[..good.len() - 2], b"\xff\xfe\0\x03xyz", &good[good.len() - 2..]].concat();
    assert_eq!(everywhere(&damaged), Err(SensorFault::BadMarker));
    // A segment whose length is one too small ends before the next marker.
    let mut damaged = with_segment(&good, 0xe7, b"payload");
    damaged[5] -= 1;
    assert_eq!(everywhere(&damaged), Err(SensorFault::BadMarker));
}

#[test]
fn fill_bytes_before_a_marker_are_no_fault() {
    let good = frame(1);
    let (head, end) = good.split_at(good.len() - 2);
    let filled = [&head[..2], &[0xff; 3], &head[2..], &[0xff; 5], end].concat();
    assert_eq!(everywhere(&filled), Ok(&filled[..]));
}

#[test]
fn damage_never_makes_it_longer_or_different_in_pieces() {
    let good = with_segment(&[frame(1), vec![0; 64], frame(2)].concat(), 0xe1, b"\xff\xd8thumb\xff\xd9");
    let mut state = 0x2026_1122_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize
    };
    let mut faults = std::collections::HashSet::new();
    for _ in 0..300 {
        let mut damaged = good.clone();
        for _ in 0..=random() % 4 {
            let at = if random() % 2 == 0 { random() % 700 } else { random() % damaged.len() };
            damaged[at] = [0xff, 0xd8, 0xd9, 0xda, 0x00, random() as u8][random() % 6];
        }
        match everywhere(&damaged) {
            Ok(jpeg) => {
                assert!(jpeg.starts_with(&[0xff, 0xd8, 0xff]) && jpeg.ends_with(&[0xff, 0xd9]));
                assert!(damaged.starts_with(jpeg));
            }
            Err(fault) => drop(faults.insert(fault)),
        }
    }
    assert!(faults.len() >= 3, "the damage is too harmless: {faults:?}");
}

#[test]
fn a_frame_larger_than_its_slot_is_too_big_and_nothing_is_written_past_it() {
    let good = frame(1);
    for room in [0, 1, 700, good.len() - 1] {
        let mut slot = vec![0; room];
        let mut assembler = Assembler::jpeg();
        let states: Vec<_> = good.chunks(64).map(|piece| assembler.push(piece, &mut slot)).collect();
        assert_eq!(states.last(), Some(&Progress::Lost(SensorFault::TooBig)), "{room} bytes of room");
        let first = states.iter().position(|state| matches!(state, Progress::Lost(_)));
        assert_eq!(first, Some(room / 64), "{room} bytes of room");
        assert_eq!(assembler.finish(), Err(SensorFault::TooBig));
    }
    let mut slot = vec![0; good.len()];
    let mut assembler = Assembler::jpeg();
    // The padding has no room, and needs none.
    let padded = [&good, &[0; 100][..]].concat();
    assert_eq!(assembler.push(&padded, &mut slot), Progress::Whole(good.len()));
    assert_eq!(slot, good);
}

#[test]
fn once_whole_or_lost_a_frame_stays_so() {
    let good = frame(1);
    let mut slot = vec![0; good.len() + 10];
    let mut whole = Assembler::jpeg();
    assert_eq!(whole.push(&good, &mut slot), Progress::Whole(good.len()));
    assert_eq!(whole.push(&frame(2), &mut slot), Progress::Whole(good.len()));
    assert_eq!(slot[..good.len()], good);

    let mut lost = Assembler::jpeg();
    assert_eq!(lost.push(&[0], &mut slot), Progress::Lost(SensorFault::NoSoi));
    assert_eq!(lost.push(&good, &mut slot), Progress::Lost(SensorFault::NoSoi));
    assert_eq!(lost.finish(), Err(SensorFault::NoSoi));
}

#[test]
fn a_raw_frame_is_whole_when_its_bytes_are_there() {
    let bytes: Vec<u8> = (0..=255).collect();
    for piece in [1, 3, 64, 100, 255, 256] {
        let mut slot = [0xee; 250];
        let mut frame = Assembler::raw(200);
        assert_eq!(frame.finish(), Err(SensorFault::Empty));
        let states: Vec<_> = bytes.chunks(piece).map(|piece| frame.push(piece, &mut slot)).collect();
        let more = states.iter().filter(|&&state| state == Progress::More).count();
        assert_eq!(more, 199 / piece, "pieces of {piece}");
        assert!(states[more..].iter().all(|&state| state == Progress::Whole(200)));
        assert_eq!(frame.finish(), Ok(200));
        assert_eq!(slot[..200], bytes[..200]);
        assert_eq!(slot[200..], [0xee; 50], "what follows the frame was copied");
    }
}

#[test]
fn a_raw_frame_that_ends_early_or_has_no_room_is_refused() {
    let mut slot = [0; 10];
    let mut short = Assembler::raw(10);
    assert_eq!(short.push(&[1; 9], &mut slot), Progress::More);
    assert_eq!(short.finish(), Err(SensorFault::Truncated));

    let mut large = Assembler::raw(11);
    assert_eq!(large.push(&[1], &mut slot), Progress::Lost(SensorFault::TooBig));
    assert_eq!(slot, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0], "it is refused before anything is copied");
}

#[test]
fn every_fault_has_its_own_name() {
    let names: std::collections::HashSet<_> = SensorFault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(names.len(), SensorFault::ALL.len());
    assert!(names.is_superset(&["empty", "no_soi", "no_eoi", "truncated", "bad_marker", "too_big"].into()));
}
