//! What a sensor does to its picture, for pictures that come from none.

use lenscast_device::camera::Picture;
use lenscast_picture::jpeg::Rows;

/// One step of brightness, in levels of luma.
const BRIGHTNESS_STEP: i16 = 24;

/// A picture that is flipped, mirrored or made brighter, as the settings say.
pub(super) struct Adjusted<'a, R> {
    picture: &'a R,
    flip: bool,
    mirror: bool,
    brightness: i16,
}

impl<'a, R: Rows> Adjusted<'a, R> {
    pub(super) fn new(picture: &'a R, settings: &Picture) -> Self {
        Self {
            picture,
            flip: settings.flip.unwrap_or(false),
            mirror: settings.mirror.unwrap_or(false),
            brightness: i16::from(settings.brightness.unwrap_or(0)) * BRIGHTNESS_STEP,
        }
    }
}

impl<R: Rows> Rows for Adjusted<'_, R> {
    fn width(&self) -> u16 {
        self.picture.width()
    }

    fn height(&self) -> u16 {
        self.picture.height()
    }

    fn row(&self, y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        let y = if self.flip { self.height() - 1 - y } else { y };
        self.picture.row(y, luma, cb, cr);
        if self.mirror {
            for plane in [&mut *luma, cb, cr] {
                plane.reverse();
            }
        }
        if self.brightness != 0 {
            for level in luma {
                *level = (i16::from(*level) + self.brightness).clamp(0, 255) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of two pixels, all different.
    struct Four;

    impl Rows for Four {
        fn width(&self) -> u16 {
            2
        }

        fn height(&self) -> u16 {
            2
        }

        fn row(&self, y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
            let y = y as u8;
            luma.copy_from_slice(&[10 + 100 * y, 150 + 100 * y]);
            cb.copy_from_slice(&[1 + y, 2 + y]);
            cr.copy_from_slice(&[3 + y, 4 + y]);
        }
    }

    fn rows(settings: &Picture) -> [[[u8; 2]; 3]; 2] {
        [0, 1].map(|y| {
            let mut planes = [[0; 2]; 3];
            let [luma, cb, cr] = &mut planes;
            Adjusted::new(&Four, settings).row(y, luma, cb, cr);
            planes
        })
    }

    #[test]
    fn pictures_are_turned_and_lit_as_the_settings_say() {
        let plain = Picture::default();
        let [top, bottom] = rows(&plain);
        assert_eq!((top, bottom), ([[10, 150], [1, 2], [3, 4]], [[110, 250], [2, 3], [4, 5]]));
        assert_eq!(rows(&Picture { flip: Some(true), ..plain }), [bottom, top]);
        assert_eq!(rows(&Picture { mirror: Some(true), ..plain })[0], [[150, 10], [2, 1], [4, 3]]);
        assert_eq!(rows(&Picture { brightness: Some(1), ..plain })[1], [[134, 255], [2, 3], [4, 5]]);
        assert_eq!(rows(&Picture { brightness: Some(-2), ..plain })[0], [[0, 102], [1, 2], [3, 4]]);
    }
}
