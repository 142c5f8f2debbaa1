//! Fitting a picture into a net's input without distorting it.

use super::{Point, Rect, Similarity};

/// The map from a part of a picture to a net's input: one scale, centred, the rest filled with black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    scale: f32,
    dx: f32,
    dy: f32,
}

impl Letterbox {
    /// Fits `region` of a picture into an input of `width` by `height` pixels.
    /// The region's sides must be positive.
    #[must_use]
    pub fn fit(region: &Rect, width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        let scale = (width / region.width).min(height / region.height);
        let centre = region.centre();
        Self { scale, dx: width / 2.0 - scale * centre.x, dy: height / 2.0 - scale * centre.y }
    }

    /// Pixels of the input per pixel of the picture.
    #[must_use]
    pub const fn scale(&self) -> f32 {
        self.scale
    }

    /// From the picture to the input.
    #[must_use]
    pub const fn to_input(&self, p: Point) -> Point {
        Point::new(self.scale * p.x + self.dx, self.scale * p.y + self.dy)
    }

    /// From the input back to the picture.
    #[must_use]
    pub const fn to_picture(&self, p: Point) -> Point {
        Point::new((p.x - self.dx) / self.scale, (p.y - self.dy) / self.scale)
    }

    /// A rectangle of the input, back in the picture.
    #[must_use]
    pub const fn rect_to_picture(&self, rect: &Rect) -> Rect {
        let corner = self.to_picture(Point::new(rect.left, rect.top));
        Rect::new(corner.x, corner.y, rect.width / self.scale, rect.height / self.scale)
    }

    /// The same map as a [`Similarity`].
    #[must_use]
    pub fn as_similarity(&self) -> Similarity {
        Similarity::new(self.scale, 0.0, self.dx, self.dy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_and_back(
            left in -300.0_f32..300.0, top in -300.0_f32..300.0, w in 10.0_f32..4000.0, h in 10.0_f32..4000.0,
            blocks in (1_u32..20, 1_u32..20), x in 0.0_f32..1.0, y in 0.0_f32..1.0,
        ) {
            let region = Rect::new(left, top, w, h);
            let (width, height) = (32 * blocks.0, 32 * blocks.1);
            let map = Letterbox::fit(&region, width, height);
            let p = Point::new(left + x * w, top + y * h);
            let inside = map.to_input(p);
            prop_assert!(map.to_picture(inside).distance(p) < 0.01 * (1.0 + w.max(h) / 100.0));
            prop_assert!(map.as_similarity().apply(p).distance(inside) < 0.01);
            let slack = 0.01;
            prop_assert!(inside.x >= -slack && inside.x <= width as f32 + slack, "{inside:?}");
            prop_assert!(inside.y >= -slack && inside.y <= height as f32 + slack, "{inside:?}");
            let centre = map.to_input(region.centre());
            prop_assert!(centre.distance(Point::new(width as f32 / 2.0, height as f32 / 2.0)) < 0.05);
        }
    }

    #[test]
    fn a_camera_frame_fills_the_input() {
        let map = Letterbox::fit(&Rect::new(0.0, 0.0, 640.0, 480.0), 256, 192);
        assert_eq!((map.scale(), map.to_input(Point::default())), (0.4, Point::default()));
        let map = Letterbox::fit(&Rect::new(0.0, 0.0, 640.0, 480.0), 192, 192);
        assert!(map.to_input(Point::default()).distance(Point::new(0.0, 24.0)) < 1e-3);
    }
}
