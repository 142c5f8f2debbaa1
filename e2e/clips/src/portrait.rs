//! The sitters' portraits: where the face is, and the picture at several sizes for clean shrinking.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use image::RgbImage;
use image::imageops::{self, FilterType};

/// A portrait that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PortraitError {
    /// Missing, or no picture.
    #[error("portrait {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: image::ImageError,
    },
}

/// Who can be seen, and in which picture. The same person's pictures were taken years apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sitter {
    /// Barack Obama, official portrait sitting, 2012.
    Obama2012,
    /// Barack Obama, speaking, 2009.
    Obama2009,
    /// Barack Obama, seen from below, 2010.
    Obama2010,
    /// Joe Biden, 2010.
    Biden2010,
    /// Eileen Collins, NASA portrait.
    Astronaut,
}

/// Where the face lies in a portrait.
struct Placement {
    file: &'static str,
    /// Centre of the face, in pixels.
    center: [f32; 2],
    /// Width of the face at the cheekbones, in pixels.
    face_px: f32,
    /// The tip of the nose, in pixels.
    nose: [f32; 2],
}

impl Sitter {
    /// Every sitter.
    pub const ALL: [Self; 5] = [Self::Obama2012, Self::Obama2009, Self::Obama2010, Self::Biden2010, Self::Astronaut];

    const fn placement(self) -> Placement {
        match self {
            Self::Obama2012 => {
                Placement { file: "obama-2012.jpg", center: [288.0, 270.0], face_px: 227.0, nose: [299.0, 276.0] }
            }
            Self::Obama2009 => {
                Placement { file: "obama-2009.jpg", center: [205.0, 345.0], face_px: 281.0, nose: [153.0, 365.0] }
            }
            Self::Obama2010 => {
                Placement { file: "obama-2010.jpg", center: [330.0, 305.0], face_px: 268.0, nose: [356.0, 286.0] }
            }
            Self::Biden2010 => {
                Placement { file: "biden-2010.jpg", center: [360.0, 340.0], face_px: 281.0, nose: [395.0, 356.0] }
            }
            Self::Astronaut => {
                Placement { file: "astronaut.jpg", center: [196.0, 128.0], face_px: 98.0, nose: [195.0, 130.0] }
            }
        }
    }

    /// Where the picture lies in the repository.
    #[must_use]
    pub fn path(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("media/portraits").join(self.placement().file)
    }

    /// Centre of the face, in pixels of the portrait.
    #[must_use]
    pub const fn center(self) -> [f32; 2] {
        self.placement().center
    }

    /// Width of the face at the cheekbones, in pixels of the portrait.
    #[must_use]
    pub const fn face_px(self) -> f32 {
        self.placement().face_px
    }

    /// The portrait, read once.
    ///
    /// # Errors
    /// [`PortraitError`] if the picture is missing or no picture.
    pub fn portrait(self) -> Result<&'static Portrait, PortraitError> {
        static LOADED: [OnceLock<Portrait>; Sitter::ALL.len()] = [const { OnceLock::new() }; Sitter::ALL.len()];
        let slot = &LOADED[self as usize];
        if let Some(portrait) = slot.get() {
            return Ok(portrait);
        }
        let loaded = Portrait::open(&self.path(), self.center(), self.face_px())?.with_nose(self.placement().nose);
        Ok(slot.get_or_init(|| loaded))
    }
}

/// A portrait, ready to be drawn at any size.
#[derive(Debug)]
pub struct Portrait {
    /// Halved again and again, the full size first.
    levels: Vec<RgbImage>,
    center: [f32; 2],
    face_px: f32,
    nose: [f32; 2],
}

/// Where the tip of the nose lies below the face's centre, where nobody says, in face widths.
const NOSE_BELOW: f32 = 0.06;

impl Portrait {
    /// How often the picture is halved at least, the full size counted.
    const LEVELS: usize = 4;
    /// The picture is halved until its face is no wider than this, so that a far one is drawn without aliasing.
    const SMALLEST_FACE_PX: f32 = 40.0;

    /// Reads a picture with one face: its centre, and its width at the cheekbones, in pixels.
    ///
    /// # Errors
    /// [`PortraitError`] if the picture is missing or no picture.
    pub fn open(path: &Path, center: [f32; 2], face_px: f32) -> Result<Self, PortraitError> {
        let unreadable = |source| PortraitError::Unreadable { path: path.to_owned(), source };
        let mut levels = vec![image::open(path).map_err(unreadable)?.to_rgb8()];
        let width_at = |level: usize| face_px / (1u64 << level) as f32;
        while levels.len() < Self::LEVELS || width_at(levels.len() - 1) > Self::SMALLEST_FACE_PX {
            let last = &levels[levels.len() - 1];
            let (width, height) = (last.width() / 2, last.height() / 2);
            levels.push(imageops::resize(last, width.max(1), height.max(1), FilterType::Triangle));
        }
        Ok(Self { levels, center, face_px, nose: [center[0], NOSE_BELOW.mul_add(face_px, center[1])] })
    }

    /// The same with the tip of the nose at these pixels.
    #[must_use]
    pub fn with_nose(self, nose: [f32; 2]) -> Self {
        Self { nose, ..self }
    }

    /// The tip of the nose, in face widths from the face's centre.
    #[must_use]
    pub fn nose(&self) -> [f32; 2] {
        [0, 1].map(|i| (self.nose[i] - self.center[i]) / self.face_px)
    }

    /// The widest the face may be drawn without looking blown up.
    #[must_use]
    pub fn widest_px(&self) -> f32 {
        self.face_px * 1.25
    }

    /// The level to draw a face of this width from: the smallest that has at least as many pixels.
    #[must_use]
    pub fn level_for(&self, face_px: f32) -> usize {
        let halvings = (self.face_px / face_px).log2().floor().max(0.0) as usize;
        halvings.min(self.levels.len() - 1)
    }

    /// The colour at `(u, v)`, in face widths from the face's centre. Below the picture its last row goes on,
    /// so that a body stands on the ground.
    #[must_use]
    pub fn color(&self, level: usize, u: f32, v: f32) -> [f32; 3] {
        let picture = &self.levels[level];
        let scale = 1.0 / f32::from(1u16 << level);
        let x = (self.center[0] + u * self.face_px + 0.5).mul_add(scale, -0.5);
        let y = (self.center[1] + v * self.face_px + 0.5).mul_add(scale, -0.5);
        bilinear(picture, x, y)
    }

    /// Distances from the face's centre to the picture's left, right and upper border, in face widths.
    #[must_use]
    pub fn borders(&self) -> [f32; 3] {
        let width = self.levels[0].width() as f32;
        [self.center[0] / self.face_px, (width - self.center[0]) / self.face_px, self.center[1] / self.face_px]
    }
}

fn bilinear(picture: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let x = x.clamp(0.0, picture.width() as f32 - 1.001);
    let y = y.clamp(0.0, picture.height() as f32 - 1.001);
    let (left, top) = (x as u32, y as u32);
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = |dx, dy| picture.get_pixel(left + dx, top + dy).0;
    let (a, b, c, d) = (at(0, 0), at(1, 0), at(0, 1), at(1, 1));
    std::array::from_fn(|i| {
        let [a, b, c, d] = [a[i], b[i], c[i], d[i]].map(f32::from);
        let (upper, lower) = ((b - a).mul_add(fx, a), (d - c).mul_add(fx, c));
        (lower - upper).mul_add(fy, upper)
    })
}
