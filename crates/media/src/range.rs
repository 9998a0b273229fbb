//! From the full range of a JPEG to the limited range of video.
//!
//! A JPEG has black at 0 and white at 255 (JFIF). Video has black at 16 and white at 235 since the days of analogue
//! television (ITU-R BT.601 §2.5.1), and many recorders, televisions and phones take that for granted whatever the
//! stream says. So video is made in limited range, and says so.

use crate::picture::I420;

impl I420 {
    /// Brings the samples from full range (luma and chroma 0 to 255) to limited range (luma 16 to 235, chroma 16 to 240),
    /// in place. No colour stays no colour: 128.
    ///
    /// For a picture as [`Decoder`](crate::jpeg::Decoder) gives it, once. VGA takes about 0.04 ms.
    pub fn limit_range(&mut self) {
        let [y, u, v] = self.planes_mut();
        y.iter_mut().for_each(|sample| *sample = limited_luma(*sample));
        for plane in [u, v] {
            plane.iter_mut().for_each(|sample| *sample = limited_chroma(*sample));
        }
    }
}

/// 16 + sample × 219 / 255, rounded.
const fn limited_luma(sample: u8) -> u8 {
    divided_by_255(sample as u16 * 219) + 16
}

/// 128 + (sample − 128) × 224 / 255, rounded; with all of it over 255, so that nothing is negative.
const fn limited_chroma(sample: u8) -> u8 {
    divided_by_255(sample as u16 * 224 + 128 * (255 - 224))
}

/// A number of at most 65,279 divided by 255 and rounded.
///
/// A compiler makes eight of these at once of it, since it stays within 16 bits; a table would go sample by sample. For
/// 1000 (3.92): 1128, plus 4 is 1132, of which the upper byte is 4.
const fn divided_by_255(number: u16) -> u8 {
    let number = number + 128;
    ((number + (number >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_becomes_what_bt_601_says() {
        for sample in 0..=255_u8 {
            let of_255 = f64::from(sample) / 255.0;
            assert_eq!(f64::from(limited_luma(sample)), (16.0 + 219.0 * of_255).round(), "luma {sample}");
            let chroma = 128.0 + 224.0 * (f64::from(sample) - 128.0) / 255.0;
            assert_eq!(f64::from(limited_chroma(sample)), chroma.round(), "chroma {sample}");
        }
        assert_eq!([0, 255].map(limited_luma), [16, 235]);
        assert_eq!([0, 128, 255].map(limited_chroma), [16, 128, 240]);
    }

    #[test]
    fn a_whole_picture_is_limited_edges_and_all() {
        let mut picture = I420::new(35, 17);
        for plane in picture.planes_mut() {
            plane.iter_mut().enumerate().for_each(|(at, sample)| *sample = (at * 7) as u8);
        }
        let full = picture.clone();
        picture.limit_range();
        assert!(picture.y().iter().zip(full.y()).all(|(&to, &from)| to == limited_luma(from)));
        for (to, from) in [(picture.u(), full.u()), (picture.v(), full.v())] {
            assert!(to.iter().zip(from).all(|(&to, &from)| to == limited_chroma(from)));
        }
        assert_eq!(picture.source_size(), full.source_size());
    }
}
