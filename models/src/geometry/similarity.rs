//! Turn, scale and shift: the map that brings a face upright into its chip.

use super::Point;

/// A map `p -> s R p + t` (rotation, one scale, translation, no mirroring), kept as
/// `x' = a x - b y + tx`, `y' = b x + a y + ty`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    a: f32,
    b: f32,
    tx: f32,
    ty: f32,
}

impl Similarity {
    /// From scale (positive), rotation in degrees (clockwise as seen in a picture) and translation.
    #[must_use]
    pub fn new(scale: f32, degrees: f32, tx: f32, ty: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { a: scale * cos, b: scale * sin, tx, ty }
    }

    /// The map that brings `from` nearest to `to` in the least-squares sense; the two lists pair up by index.
    /// `None` if the points of `from` or `to` coincide, a value is not finite, or there are fewer than two pairs.
    ///
    /// Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    /// 1991; in two dimensions without mirroring the optimum has this closed form.
    #[must_use]
    pub fn fit(from: &[Point], to: &[Point]) -> Option<Self> {
        if from.len() < 2 || from.len() != to.len() {
            return None;
        }
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut dot, mut cross, mut spread) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (f64::from(p.x) - from_mean.0, f64::from(p.y) - from_mean.1);
            let (qx, qy) = (f64::from(q.x) - to_mean.0, f64::from(q.y) - to_mean.1);
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (dot / spread, cross / spread);
        let tx = to_mean.0 - a * from_mean.0 + b * from_mean.1;
        let ty = to_mean.1 - b * from_mean.0 - a * from_mean.1;
        let fitted = Self { a: a as f32, b: b as f32, tx: tx as f32, ty: ty as f32 };
        fitted.is_usable().then_some(fitted)
    }

    /// Where a point goes.
    #[must_use]
    pub const fn apply(&self, p: Point) -> Point {
        Point::new(self.a * p.x - self.b * p.y + self.tx, self.b * p.x + self.a * p.y + self.ty)
    }

    /// The way back.
    #[must_use]
    pub const fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) }
    }

    /// How much longer things get.
    #[must_use]
    pub fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }

    /// How far things turn, clockwise as seen in a picture, -180 to 180.
    #[must_use]
    pub fn degrees(&self) -> f32 {
        self.b.atan2(self.a).to_degrees()
    }

    /// The step in the target for one pixel to the right in the source.
    #[must_use]
    pub(crate) const fn step_x(&self) -> (f32, f32) {
        (self.a, self.b)
    }

    fn is_usable(&self) -> bool {
        self.scale() > 1e-6 && [self.a, self.b, self.tx, self.ty].iter().all(|value| value.is_finite())
    }
}

fn mean(points: &[Point]) -> (f64, f64) {
    let count = points.len() as f64;
    let sum = points.iter().fold((0.0, 0.0), |(x, y), p| (x + f64::from(p.x), y + f64::from(p.y)));
    (sum.0 / count, sum.1 / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points() -> impl Strategy<Value = Vec<Point>> {
        proptest::collection::vec((-500.0_f32..500.0, -500.0_f32..500.0).prop_map(|(x, y)| Point::new(x, y)), 2..8)
            .prop_filter("spread out", |points| points.iter().any(|p| p.distance(points[0]) > 20.0))
    }

    fn maps() -> impl Strategy<Value = Similarity> {
        (0.05_f32..8.0, -180.0_f32..180.0, -900.0_f32..900.0, -900.0_f32..900.0)
            .prop_map(|(scale, degrees, tx, ty)| Similarity::new(scale, degrees, tx, ty))
    }

    proptest! {
        #[test]
        fn fit_recovers_the_map(map in maps(), from in points()) {
            let to: Vec<_> = from.iter().map(|p| map.apply(*p)).collect();
            let fitted = Similarity::fit(&from, &to).unwrap();
            for (p, q) in from.iter().zip(&to) {
                prop_assert!(fitted.apply(*p).distance(*q) < 0.05, "{:?} {:?}", fitted, map);
            }
            prop_assert!((fitted.scale() / map.scale() - 1.0).abs() < 1e-2);
        }

        #[test]
        fn inverse_undoes(map in maps(), from in points()) {
            for p in from {
                prop_assert!(map.inverse().apply(map.apply(p)).distance(p) < 0.1);
            }
        }

        #[test]
        fn no_other_map_nearby_fits_better(from in points(), to in points(), turn in -3.0_f32..3.0, grow in 0.97_f32..1.03) {
            let count = from.len().min(to.len());
            let (from, to) = (&from[..count], &to[..count]);
            prop_assume!(from.iter().any(|p| p.distance(from[0]) > 20.0));
            if let Some(best) = Similarity::fit(from, to) {
                let other = Similarity::new(best.scale() * grow, best.degrees() + turn, best.tx, best.ty);
                let error = |map: &Similarity| -> f64 {
                    from.iter().zip(to).map(|(p, q)| f64::from(map.apply(*p).distance(*q)).powi(2)).sum()
                };
                prop_assert!(error(&best) <= error(&other) * 1.0001 + 0.01);
            }
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let p = Point::new(3.0, 4.0);
        assert!(Similarity::fit(&[p], &[p]).is_none());
        assert!(Similarity::fit(&[p, p, p], &[p, p, p]).is_none());
        assert!(Similarity::fit(&[p, Point::new(f32::NAN, 0.0)], &[p, p]).is_none());
        assert!(Similarity::fit(&[p, Point::default()], &[p, p]).is_none());
    }
}
