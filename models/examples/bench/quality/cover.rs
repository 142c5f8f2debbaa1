//! Things painted over a face. A painted mask is no mask: it has no folds and no shadow of its own but a soft one.

use super::Portrait;

/// What covers a face.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    Nothing,
    MaskBlue,
    MaskWhite,
    MaskBlack,
    Sunglasses,
    ClearGlasses,
    HandOnMouth,
}

impl Cover {
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::MaskBlue,
        Self::MaskWhite,
        Self::MaskBlack,
        Self::Sunglasses,
        Self::ClearGlasses,
        Self::HandOnMouth,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::MaskBlue => "mask_blue",
            Self::MaskWhite => "mask_white",
            Self::MaskBlack => "mask_black",
            Self::Sunglasses => "sunglasses",
            Self::ClearGlasses => "clear_glasses",
            Self::HandOnMouth => "hand_on_mouth",
        }
    }

    /// The portrait with the cover on.
    pub fn paint(self, portrait: &Portrait) -> image::RgbImage {
        let mut picture = portrait.picture.clone();
        if self == Self::Nothing {
            return picture;
        }
        let landmarks = portrait.face.landmarks;
        let (right, left) = (landmarks.right_eye, landmarks.left_eye);
        let middle = right.midpoint(left);
        let across = (left.x - right.x, left.y - right.y);
        let unit = across.0.hypot(across.1).max(1.0);
        let (ux, uy) = (across.0 / unit, across.1 / unit);
        let skin = self.skin(portrait, (middle.x, middle.y), unit);
        for (px, py, pixel) in picture.enumerate_pixels_mut() {
            let (dx, dy) = (px as f32 + 0.5 - middle.x, py as f32 + 0.5 - middle.y);
            let (x, y) = ((dx * ux + dy * uy) / unit, (dy * ux - dx * uy) / unit);
            if let Some((colour, share)) = self.at(x, y, skin) {
                let light = 0.92 + 0.08 * (3.0 * y + 2.0 * x).sin() - 0.12 * x * x;
                let blend =
                    |old: u8, new: f32| (f32::from(old) * (1.0 - share) + new * light * share).clamp(0.0, 255.0) as u8;
                pixel.0 = std::array::from_fn(|c| blend(pixel.0[c], colour[c]));
            }
        }
        picture
    }

    /// Colour and opacity at a point of the face; `None` where it is bare.
    fn at(self, x: f32, y: f32, skin: [f32; 3]) -> Option<([f32; 3], f32)> {
        let mask = |colour| {
            (y > 0.42 + 0.25 * x.abs() && y < 1.62 && x.abs() < 0.95 - 0.25 * (y - 0.4)).then_some((colour, 1.0))
        };
        let (lens_x, lens_y) = ((x.abs() - 0.5) / 0.4, (y - 0.06) / 0.3);
        let lens = lens_x.powi(4) + lens_y.powi(4);
        match self {
            Self::Nothing => None,
            Self::MaskBlue => mask([150.0, 195.0, 225.0]),
            Self::MaskWhite => mask([225.0, 225.0, 222.0]),
            Self::MaskBlack => mask([38.0, 38.0, 42.0]),
            Self::Sunglasses => (lens < 1.0).then_some(([22.0, 22.0, 26.0], 0.93)),
            Self::ClearGlasses => (lens < 1.0 && lens > 0.65).then_some(([50.0, 42.0, 40.0], 0.9)),
            Self::HandOnMouth => ((x / 0.8).powi(2) + ((y - 1.1) / 0.42).powi(2) < 1.0).then_some((skin, 1.0)),
        }
    }

    /// The colour of the skin below the eyes.
    fn skin(self, portrait: &Portrait, middle: (f32, f32), unit: f32) -> [f32; 3] {
        let at = |dx: f32| {
            let (x, y) = (middle.0 + dx * unit, middle.1 + 0.4 * unit);
            let last = (portrait.picture.width() - 1, portrait.picture.height() - 1);
            portrait
                .picture
                .get_pixel((x.max(0.0) as u32).min(last.0), (y.max(0.0) as u32).min(last.1))
                .0
                .map(f32::from)
        };
        let (one, other) = (at(-0.4), at(0.4));
        std::array::from_fn(|c| f32::midpoint(one[c], other[c]))
    }
}
