//! The glyphs the test scene needs, 5 × 7 pixels each.

/// Columns of a glyph.
pub(super) const WIDTH: u32 = 5;
/// Rows of a glyph. None of the letters goes below the line.
pub(super) const HEIGHT: u32 = 7;
/// From the left of one glyph to the left of the next.
pub(super) const ADVANCE: u32 = 6;

/// The rows of a glyph from the top; bit 4 is the leftmost column. A character without a glyph is blank.
pub(super) fn glyph(character: u8) -> &'static [u8; 7] {
    match character {
        b'0' => &[0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        b'1' => &[0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        b'2' => &[0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111],
        b'3' => &[0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
        b'4' => &[0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        b'5' => &[0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        b'6' => &[0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        b'7' => &[0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        b'8' => &[0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        b'9' => &[0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        b':' => &[0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        b'.' => &[0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00100, 0b00100],
        b'a' => &[0b00000, 0b00000, 0b01110, 0b00001, 0b01111, 0b10001, 0b01111],
        b'c' => &[0b00000, 0b00000, 0b01110, 0b10000, 0b10000, 0b10001, 0b01110],
        b'e' => &[0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
        b'f' => &[0b00110, 0b01001, 0b01000, 0b11100, 0b01000, 0b01000, 0b01000],
        b'l' => &[0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        b'm' => &[0b00000, 0b00000, 0b11010, 0b10101, 0b10101, 0b10101, 0b10101],
        b'n' => &[0b00000, 0b00000, 0b10110, 0b11001, 0b10001, 0b10001, 0b10001],
        b'r' => &[0b00000, 0b00000, 0b10110, 0b11001, 0b10000, 0b10000, 0b10000],
        b's' => &[0b00000, 0b00000, 0b01111, 0b10000, 0b01110, 0b00001, 0b11110],
        b't' => &[0b01000, 0b01000, 0b11100, 0b01000, 0b01000, 0b01001, 0b00110],
        _ => &[0; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_the_scene_has_its_own_glyph() {
        let characters = b"0123456789:.lenscastfrm";
        for (index, &character) in characters.iter().enumerate() {
            assert_ne!(glyph(character), &[0; 7], "{}", character as char);
            assert!(glyph(character).iter().all(|row| *row < 1 << WIDTH), "{}", character as char);
            for &other in characters[..index].iter().filter(|other| **other != character) {
                assert_ne!(glyph(character), glyph(other), "{} {}", character as char, other as char);
            }
        }
    }
}
