//! Which of a camera's formats to take: the size and rate wanted, then what costs least to read.

use crate::convert::PixelFormat;

/// A format a camera offers at a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// The format.
    pub format: PixelFormat,
    /// What this camera calls it.
    pub code: [u8; 4],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The highest rate; `None` if the camera does not say.
    pub fps: Option<f64>,
}

/// What to ask the camera for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The format.
    pub format: PixelFormat,
    /// What this camera calls it.
    pub code: [u8; 4],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The formats that are taken: code, what it is, and what a frame of it costs, in hundredths of what YUYV of the same
/// size costs, from the buffer to the detector's input and to RGB, both: as `cargo xtask bench camera` measured it at
/// 640x480 with AVX-512. Grey has no colour, which the embedder was trained on, and comes last whatever it costs.
const KNOWN: [([u8; 4], PixelFormat, u32); 7] = [
    (*b"RGB3", PixelFormat::Rgb, 76),
    (*b"YUYV", PixelFormat::Yuyv, 100),
    (*b"YU12", PixelFormat::I420, 120),
    (*b"NV12", PixelFormat::Nv12, 127),
    (*b"MJPG", PixelFormat::Jpeg, 181),
    // What some drivers call their MJPG.
    (*b"JPEG", PixelFormat::Jpeg, 181),
    (*b"GREY", PixelFormat::Grey, 95),
];

/// The format of a four-character code, of those that are taken.
pub fn known(code: [u8; 4]) -> Option<PixelFormat> {
    KNOWN.iter().find(|(known, ..)| *known == code).map(|(_, format, _)| *format)
}

/// The codes of all formats that are taken, for people.
pub fn all() -> String {
    KNOWN.map(|(code, ..)| String::from_utf8_lossy(&code).into_owned()).join(", ")
}

fn cost(code: [u8; 4]) -> u32 {
    KNOWN.iter().find(|(known, ..)| *known == code).map_or(u32::MAX, |(.., cost)| *cost)
}

/// Chooses for `wanted` (width, height, frames per second): reaching four fifths of the rate first, then the
/// size nearest in pixels, then cost.
pub fn choose(offers: &[Offer], wanted: (u32, u32, u32)) -> Option<Choice> {
    let pixels = |width: u32, height: u32| i64::from(width) * i64::from(height);
    let key = |offer: &Offer| {
        let slow = offer.fps.is_some_and(|fps| fps < 0.8 * f64::from(wanted.2));
        let colourless = offer.format == PixelFormat::Grey;
        let distance = pixels(offer.width, offer.height).abs_diff(pixels(wanted.0, wanted.1));
        let other_shape = u64::from((offer.width, offer.height) != (wanted.0, wanted.1));
        (slow, colourless, distance, other_shape, cost(offer.code))
    };
    let best = offers.iter().min_by_key(|offer| key(offer))?;
    Some(Choice { format: best.format, code: best.code, width: best.width, height: best.height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices() {
        let offer = |code: &[u8; 4], width, height, fps: f64| Offer {
            format: known(*code).unwrap(),
            code: *code,
            width,
            height,
            fps: (fps > 0.0).then_some(fps),
        };
        let check = |offers: &[Offer], wanted, expected: Option<(&[u8; 4], u32, u32)>| {
            let found = choose(offers, wanted).map(|c| (c.code, c.width, c.height));
            assert_eq!(found, expected.map(|(code, w, h)| (*code, w, h)), "{offers:?} {wanted:?}");
        };
        let webcam = [
            offer(b"MJPG", 1280, 720, 30.0),
            offer(b"MJPG", 640, 480, 30.0),
            offer(b"YUYV", 1280, 720, 10.0),
            offer(b"YUYV", 640, 480, 30.0),
        ];
        check(&webcam, (640, 480, 15), Some((b"YUYV", 640, 480)));
        check(&webcam, (1280, 720, 15), Some((b"MJPG", 1280, 720)));
        check(&webcam, (1280, 720, 10), Some((b"YUYV", 1280, 720)));
        check(&webcam, (1920, 1080, 30), Some((b"MJPG", 1280, 720)));
        check(
            &[offer(b"GREY", 640, 480, 0.0), offer(b"NV12", 320, 240, 0.0)],
            (640, 480, 15),
            Some((b"NV12", 320, 240)),
        );
        let raw = [offer(b"RGB3", 640, 480, 30.0), offer(b"YU12", 640, 480, 30.0), offer(b"MJPG", 640, 480, 30.0)];
        check(&raw, (640, 480, 15), Some((b"RGB3", 640, 480)));
        check(&raw[1..], (640, 480, 15), Some((b"YU12", 640, 480)));
        check(&[offer(b"GREY", 640, 480, 0.0)], (640, 480, 15), Some((b"GREY", 640, 480)));
        check(&[], (640, 480, 15), None);
        assert_eq!(known(*b"H264"), None);
    }
}
