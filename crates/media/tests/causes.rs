//! The table of causes, against everything that shows them to people.

use lenscast_media::causes::{Cause, Mend};
use lenscast_media::h264::encoder::EncodeFault;
use lenscast_media::jpeg::{DecodeFault, Fault, Raw};
use std::collections::BTreeSet;
use std::fs;

fn root(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}

/// Compares a part of a file with what the table makes of it, or writes it.
fn holds(path: &str, before: &str, after: &str, expected: &str) {
    let text = fs::read_to_string(root(path)).expect("a file of this repository");
    let start = text.find(before).unwrap_or_else(|| panic!("{path}: no {before:?}")) + before.len();
    let end = start + text[start..].find(after).unwrap_or_else(|| panic!("{path}: no {after:?}"));
    if std::env::var_os("LENSCAST_CAUSES").is_some_and(|how| how == "write") {
        let written = [&text[..start], expected, &text[end..]].concat();
        fs::write(root(path), written).expect("the file can be written");
        return;
    }
    let hint = "LENSCAST_CAUSES=write cargo test -p lenscast-media --test causes writes it from the table";
    assert_eq!(&text[start..end], expected, "{path}: {hint}");
}

#[test]
fn the_pages_have_the_words_of_the_table() {
    let rows = Cause::ALL.iter().map(|cause| format!("  {}: {:?},\n", cause.name(), cause.on_page()));
    holds("web/causes.js", "export const CAUSES = {\n", "};\n", &rows.collect::<String>());
}

#[test]
fn what_is_mended_has_the_same_words_everywhere() {
    let rows = Mend::ALL.iter().map(|kind| format!("  {}: {:?},\n", kind.name(), kind.on_page()));
    holds("web/causes.js", "export const MENDS = {\n", "};\n", &rows.collect::<String>());
    let row = |kind: &Mend| format!("| `{}` | {} |", kind.name(), kind.in_documents());
    let rows: Vec<_> = Mend::ALL.iter().map(row).collect();
    holds("docs/protocol.md", "| kind | what is mended |\n|---|---|\n", "\n\n", &rows.join("\n"));
    for kind in Mend::ALL {
        assert_eq!(Mend::from_name(kind.name()), Some(*kind));
    }
}

#[test]
fn the_document_about_the_protocol_has_the_rows_of_the_table() {
    let row = |cause: &Cause| format!("| `{}` | {} |", cause.name(), cause.in_documents());
    let rows: Vec<_> = Cause::ALL.iter().map(row).collect();
    holds("docs/protocol.md", "| cause | what is wrong |\n|---|---|\n", "\n\n", &rows.join("\n"));
}

/// Counters of servers that run have these names: more may come, none may go.
#[test]
fn no_name_has_changed() {
    let names: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.name()).collect();
    for name in [
        "empty",
        "not_a_jpeg",
        "truncated",
        "bad_marker",
        "zero_dimensions",
        "too_many_pixels",
        "too_costly",
        "unsupported",
        "message_too_big",
        "no_room",
        "damaged",
        "too_large_for_video",
        "no_video_memory",
        "encoder_skipped",
        "encoder_failed",
        "encoder_output",
        "encoder_restarting",
        "control_too_big",
        "control_malformed",
        "jpeg_not_first",
        "multipart",
        "in_pieces",
        "text",
        "jpeg_as_text",
        "json",
        "png",
        "webp",
        "bmp",
        "video_stream",
        "raw_pixels",
    ] {
        assert!(names.contains(name), "{name} is gone");
        assert_eq!(Cause::from_name(name).map(Cause::name), Some(name));
    }
    assert_eq!(names.len(), Cause::ALL.len(), "two causes have one name");
    assert_eq!(Cause::from_name("else"), None);
}

#[test]
fn every_cause_has_words_that_stand_in_their_sentence() {
    for cause in Cause::ALL {
        let advice = cause.advice();
        assert!(advice.ends_with('.') && !advice.contains("  "), "{cause:?}: {advice:?}");
        assert!(advice.starts_with(|first: char| first.is_uppercase()), "{cause:?}: {advice:?}");
    }
    let causes = Cause::ALL.iter().map(|it| (it.name(), [it.on_page(), it.to_doctor(), it.in_documents()]));
    let mends = Mend::ALL.iter().map(|it| (it.name(), [it.on_page(), it.to_doctor(), it.in_documents()]));
    for (cause, all) in causes.chain(mends) {
        for words in all {
            let first = words.chars().next().unwrap_or('.');
            assert!(
                !first.is_uppercase() || words.starts_with("JPEG"),
                "{cause:?}: {words:?} begins a sentence"
            );
            assert!(!words.ends_with('.') && !words.is_empty(), "{cause:?}: {words:?} ends one");
            assert!(!words.contains('|'), "{cause:?}: {words:?} breaks its table");
        }
        assert!(cause.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{cause}");
    }
}

#[test]
fn every_fault_of_this_crate_has_the_cause_of_its_kind() {
    let what = "this";
    for (cause, expected) in [
        (Fault::Empty.cause(), "empty"),
        (Fault::NotAJpeg { start: [0; 4], len: 4 }.cause(), "not_a_jpeg"),
        (Fault::JpegNotFirst { offset: 4 }.cause(), "jpeg_not_first"),
        (Fault::Multipart { offset: 4 }.cause(), "multipart"),
        (Fault::Base64 { what }.cause(), "jpeg_as_text"),
        (Fault::Json.cause(), "json"),
        (Fault::Png.cause(), "png"),
        (Fault::Webp.cause(), "webp"),
        (Fault::Bmp.cause(), "bmp"),
        (Fault::H264.cause(), "video_stream"),
        (Fault::RawPixels(Raw { len: 8, width: 2, height: 2, format: what }).cause(), "raw_pixels"),
        (Fault::Truncated { len: 1 }.cause(), "truncated"),
        (Fault::BadMarker { offset: 2, what }.cause(), "bad_marker"),
        (Fault::ZeroDimensions { width: 0, height: 1 }.cause(), "zero_dimensions"),
        (Fault::TooManyPixels { width: 2, height: 2, limit: 1 }.cause(), "too_many_pixels"),
        (Fault::TooCostly { what }.cause(), "too_costly"),
        (Fault::Unsupported { what }.cause(), "unsupported"),
        (DecodeFault::Damaged { reason: what.into() }.cause(), "damaged"),
        (DecodeFault::TooManyPixels { width: 2, height: 2, limit: 1 }.cause(), "too_many_pixels"),
        (DecodeFault::TooCostly { what }.cause(), "too_costly"),
        (DecodeFault::Unsupported { what: what.into() }.cause(), "unsupported"),
        (EncodeFault::TooLarge { width: 9000, height: 9000 }.cause(), "too_large_for_video"),
        (EncodeFault::Skipped.cause(), "encoder_skipped"),
        (EncodeFault::Failed { reason: what.into() }.cause(), "encoder_failed"),
    ] {
        assert_eq!(cause.name(), expected);
    }
}
