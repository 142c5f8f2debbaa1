//! Points, rectangles and the maps between pictures, in pixels.
//!
//! Coordinates are continuous: x to the right, y down, the centre of the top-left pixel at (0.5, 0.5).

mod letterbox;
mod similarity;

pub use letterbox::Letterbox;
pub use similarity::Similarity;

/// A place in a picture, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// The point (x, y).
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Distance to another point.
    #[must_use]
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Half way to another point.
    #[must_use]
    pub const fn midpoint(self, other: Self) -> Self {
        Self::new((self.x + other.x) / 2.0, (self.y + other.y) / 2.0)
    }
}

/// A rectangle along the axes. It may reach outside of the picture; the sides are not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Extent to the right, not negative.
    pub width: f32,
    /// Extent downwards, not negative.
    pub height: f32,
}

impl Rect {
    /// From its top-left corner; negative sides become 0.
    #[must_use]
    pub const fn new(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self { left, top, width: width.max(0.0), height: height.max(0.0) }
    }

    /// From its centre; negative sides become 0.
    #[must_use]
    pub const fn centred(centre: Point, width: f32, height: f32) -> Self {
        let (width, height) = (width.max(0.0), height.max(0.0));
        Self { left: centre.x - width / 2.0, top: centre.y - height / 2.0, width, height }
    }

    /// Right edge.
    #[must_use]
    pub const fn right(&self) -> f32 {
        self.left + self.width
    }

    /// Bottom edge.
    #[must_use]
    pub const fn bottom(&self) -> f32 {
        self.top + self.height
    }

    /// The middle.
    #[must_use]
    pub const fn centre(&self) -> Point {
        Point::new(self.left + self.width / 2.0, self.top + self.height / 2.0)
    }

    /// Square pixels.
    #[must_use]
    pub const fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Whether the point is inside or on the edge.
    #[must_use]
    pub const fn contains(&self, point: Point) -> bool {
        point.x >= self.left && point.x <= self.right() && point.y >= self.top && point.y <= self.bottom()
    }

    /// What both cover; of no area if they do not touch.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let left = self.left.max(other.left);
        let top = self.top.max(other.top);
        Self::new(left, top, self.right().min(other.right()) - left, self.bottom().min(other.bottom()) - top)
    }

    /// Intersection over union, 0 to 1; 0 if both are empty.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other).area();
        let all = self.area() + other.area() - shared;
        if all > 0.0 { (shared / all).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// A square of side `factor` times the longer side, around the same centre.
    #[must_use]
    pub const fn square_around(&self, factor: f32) -> Self {
        let side = self.width.max(self.height) * factor;
        Self::centred(self.centre(), side, side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iou_of_known_pairs() {
        let check = |a: [f32; 4], b: [f32; 4], expected: f32| {
            let (a, b) = (Rect::new(a[0], a[1], a[2], a[3]), Rect::new(b[0], b[1], b[2], b[3]));
            assert!((a.iou(&b) - expected).abs() < 1e-6, "{a:?} {b:?}");
            assert_eq!(a.iou(&b), b.iou(&a));
        };
        check([0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0], 1.0);
        check([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 2.0, 2.0], 1.0 / 3.0);
        check([0.0, 0.0, 2.0, 2.0], [2.0, 0.0, 2.0, 2.0], 0.0);
        check([0.0, 0.0, 2.0, 2.0], [9.0, 9.0, 2.0, 2.0], 0.0);
        check([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], 0.0);
    }
}
