//! What spoils a photo, in four levels; the first leaves it as it is.

use ostiary_models::detect::DetectedFace;
use ostiary_models::geometry::{Point, Rect};
use ostiary_models::quality::FaceQuality;

use super::Portrait;

/// Levels of each degradation.
pub const LEVELS: usize = 4;

/// What spoils a photo.
#[derive(Clone, Copy)]
pub enum Degradation {
    Blur,
    Dark,
    Bright,
    SideLight,
    Size,
}

impl Degradation {
    pub const ALL: [Self; 5] = [Self::Blur, Self::Dark, Self::Bright, Self::SideLight, Self::Size];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Blur => "blur",
            Self::Dark => "dark",
            Self::Bright => "bright",
            Self::SideLight => "side_light",
            Self::Size => "size",
        }
    }

    /// The component that must fall.
    pub const fn component(self, quality: &FaceQuality) -> f32 {
        match self {
            Self::Blur => quality.sharpness,
            Self::Dark => quality.under_exposure,
            Self::Bright => quality.over_exposure,
            Self::SideLight => quality.illumination_uniformity,
            Self::Size => quality.size,
        }
    }

    /// The photo, spoiled.
    pub fn apply(self, portrait: &Portrait, level: usize) -> Portrait {
        let strength = |levels: [f32; LEVELS]| levels[level];
        let face = portrait.face;
        let lit = |gain: &dyn Fn(f32) -> f32| Portrait { picture: lit(&portrait.picture, gain), face };
        match self {
            _ if level == 0 => Portrait { picture: portrait.picture.clone(), face },
            Self::Blur => {
                let sigma = strength([0.0, 1.0, 2.0, 4.0]);
                Portrait { picture: image::imageops::fast_blur(&portrait.picture, sigma), face }
            }
            Self::Dark => lit(&|_| strength([1.0, 0.45, 0.2, 0.08])),
            Self::Bright => lit(&|_| strength([1.0, 1.6, 2.4, 4.0])),
            Self::SideLight => {
                let (centre, width) = (face.bbox.centre().x, face.bbox.width);
                let slope = strength([0.0, 0.6, 1.1, 1.7]);
                lit(&|x| (1.0 + slope * (x - centre) / width).clamp(0.08, 2.0))
            }
            Self::Size => shrunk(portrait, strength([1.0, 0.7, 0.45, 0.25])),
        }
    }
}

fn lit(picture: &image::RgbImage, gain: &dyn Fn(f32) -> f32) -> image::RgbImage {
    let mut lit = picture.clone();
    for (x, _, pixel) in lit.enumerate_pixels_mut() {
        pixel.0 = pixel.0.map(|value| (f32::from(value) * gain(x as f32)).clamp(0.0, 255.0) as u8);
    }
    lit
}

fn shrunk(portrait: &Portrait, scale: f32) -> Portrait {
    let side = |length: u32| ((length as f32 * scale).round() as u32).max(8);
    let (width, height) = (side(portrait.picture.width()), side(portrait.picture.height()));
    let picture = image::imageops::resize(&portrait.picture, width, height, image::imageops::FilterType::Triangle);
    Portrait { picture, face: scaled(&portrait.face, scale) }
}

/// A face in a picture scaled by a factor.
pub fn scaled(face: &DetectedFace, scale: f32) -> DetectedFace {
    let bbox = face.bbox;
    DetectedFace {
        bbox: Rect::new(bbox.left * scale, bbox.top * scale, bbox.width * scale, bbox.height * scale),
        score: face.score,
        landmarks: face.landmarks.map(|p| Point::new(p.x * scale, p.y * scale)),
    }
}
