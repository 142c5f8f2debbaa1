//! At which input size a frame is looked at.

use super::EngineOptions;
use crate::detect::InputSize;
use crate::pack::DetectorSpec;

/// The narrowest face worth finding in a frame, in its pixels: what a match wants if nothing else is configured.
const WANTED_FACE_PX: f32 = 60.0;
/// The longer side of an input is at least this, in pixels: on tiny frames every pixel counts.
const MIN_LONG_SIDE: f32 = 192.0;

/// The detector's input for frames of a size.
///
/// The frame is shrunk so far that a face of 60 camera pixels is just as wide as the narrowest face the net
/// finds; not so far that the input is under 192 pixels long; never enlarged; and no finer than
/// `max_detector_pixels` allow. Both sides are then rounded up to multiples the net can take.
/// With the default pack 640x480 is looked at with 224x160, 1280x720 with 448x256.
pub(super) fn frame_input(spec: &DetectorSpec, frame: InputSize, options: &EngineOptions) -> InputSize {
    let (width, height) = (frame.width.max(1) as f32, frame.height.max(1) as f32);
    let wanted = spec.smallest_face_px / WANTED_FACE_PX;
    let least = MIN_LONG_SIDE / width.max(height);
    let most = (options.max_detector_pixels as f32 / (width * height)).sqrt().min(1.0);
    let scale = wanted.max(least).min(most);
    let side = |length: f32| {
        // A hair less than a multiple must not round up to the next one.
        let blocks = (length * scale / spec.side_multiple as f32 - 1e-3).ceil().max(1.0);
        blocks as u32 * spec.side_multiple
    };
    InputSize { width: side(width), height: side(height) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackManifest;

    #[test]
    fn known_cameras() {
        let manifest: PackManifest = toml::from_str(include_str!("../pack/minimal.toml")).unwrap();
        let check = |width, height, expected: (u32, u32)| {
            let input = frame_input(&manifest.detector, InputSize { width, height }, &EngineOptions::default());
            assert_eq!((input.width, input.height), expected, "{width}x{height}");
        };
        check(640, 480, (224, 160));
        check(480, 640, (160, 224));
        check(1280, 720, (448, 256));
        check(800, 600, (288, 224));
        check(640, 360, (224, 128));
        check(320, 240, (192, 160));
        check(160, 120, (160, 128));
        check(1920, 1080, (512, 288));
        check(2592, 1944, (448, 352));
        check(1, 1, (32, 32));
        check(0, 9000, (32, 3008));
    }
}
