//! Is what moved between two looks a flat sheet or a head? However a sheet is turned, its picture moves by a
//! planar flow of eight numbers. A head that turns shows more: what stands out moves further (parallax).
//!
//! The flow of a plane plus a share of a mean head's depth in two directions is fitted to both pictures at once;
//! the share, as a turn in degrees, is the parallax, and the fit says how sure it is.

use std::sync::LazyLock;

use super::thumbnail::{HEIGHT, PX_PER_EYE_DISTANCE, Thumbnail, WIDTH, face_point};

/// Numbers fitted: eight of the plane, two of the depth, gain and offset of the light.
const UNKNOWNS: usize = 12;
/// Where the depth's two and the light's two stand.
const DEPTH: [usize; 2] = [8, 9];
const LIGHT: [usize; 2] = [10, 11];
/// Steps of the fit; after the first few it only polishes.
const STEPS: usize = 7;
/// Neighbouring pixels err alike, so that the fit looks surer than it is by about this factor.
const OVERCONFIDENCE: f32 = 3.0;
/// A fit that leaves the pictures further apart than this share of their contrast has failed.
const MOST_RESIDUAL: f32 = 0.6;

/// What moved between two looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    /// How far a head would have turned to show this parallax, in degrees.
    pub(super) parallax_deg: f32,
    /// Standard error of `parallax_deg`.
    pub(super) doubt_deg: f32,
    /// What neither plane nor depth explains, as a share of the face's contrast.
    pub(super) residual: f32,
}

/// A pixel that takes part: where it is on the face, and how far it stands out.
struct Site {
    x: usize,
    y: usize,
    face: (f32, f32),
    depth: f32,
}

static SITES: LazyLock<Vec<Site>> = LazyLock::new(|| {
    let all = (1..HEIGHT - 1).flat_map(|y| (1..WIDTH - 1).map(move |x| (x, y)));
    let inside = all.filter(|(x, y)| is_face(face_point(*x, *y)));
    inside.map(|(x, y)| Site { x, y, face: face_point(x, y), depth: depth(face_point(x, y)) }).collect()
});

/// Whether a point of the face is skin and features on most heads, not hair or background.
fn is_face((x, y): (f32, f32)) -> bool {
    (x / 0.85).powi(2) + ((y - 0.45) / 1.0).powi(2) <= 1.0
}

/// How far a mean head stands out, in distances between the eyes: an ellipsoid with a nose.
fn depth((x, y): (f32, f32)) -> f32 {
    let ball = (1.0 - (x / 1.15).powi(2) - ((y - 0.35) / 1.7).powi(2)).max(0.0).sqrt();
    let along = ((y - 0.05) / 0.57).clamp(0.0, 1.0);
    let below = if y > 0.62 { (-((y - 0.62) / 0.1).powi(2)).exp() } else { 1.0 };
    ball + 0.38 * along * below * (-(x / 0.2).powi(2)).exp()
}

type Numbers = [f64; UNKNOWNS];

/// Fits plane, depth and light; `None` if the looks cannot be brought onto each other.
pub(super) fn compare(one: &Thumbnail, other: &Thumbnail) -> Option<Turn> {
    let (one, other) = (smoothed(one), smoothed(other));
    let contrast = contrast(&one)?;
    let mut found = Numbers::default();
    let mut scale = contrast;
    let mut last = None;
    for _ in 0..STEPS {
        let system = System::of(&one, &other, &found, scale)?;
        let (step, inverse) = system.solved()?;
        for (value, change) in found.iter_mut().zip(step) {
            *value += change;
        }
        scale = (1.5 * system.spread()).max(0.5);
        last = Some((system.spread(), inverse));
    }
    let (spread, depth_variances) = last?;
    let share = |index: usize| found[DEPTH[index]] as f32;
    let turned = share(0).hypot(share(1));
    let variance = depth_variances.iter().sum::<f64>() as f32 * spread * spread;
    let residual = spread / contrast;
    (residual <= MOST_RESIDUAL).then_some(Turn {
        parallax_deg: turned.clamp(0.0, 1.0).asin().to_degrees(),
        doubt_deg: (variance.max(0.0).sqrt() * OVERCONFIDENCE).to_degrees(),
        residual,
    })
}

/// The normal equations of one step, each pixel weighted down the worse it fits.
struct System {
    /// Whole and in f32, so that the compiler makes vectors of it: most of the time is spent here.
    normal: [[f32; UNKNOWNS]; UNKNOWNS],
    right: [f32; UNKNOWNS],
    squares: f64,
    weight: f64,
}

impl System {
    /// `None` if too little of one look is seen in the other.
    fn of(one: &Thumbnail, other: &Thumbnail, at: &Numbers, scale: f32) -> Option<Self> {
        let mut system =
            Self { normal: [[0.0; UNKNOWNS]; UNKNOWNS], right: [0.0; UNKNOWNS], squares: 0.0, weight: 0.0 };
        let mut seen = 0;
        for site in SITES.iter() {
            let (dx, dy) = flow(site, at);
            let there =
                other.between(site.x as f32 + dx * PX_PER_EYE_DISTANCE, site.y as f32 + dy * PX_PER_EYE_DISTANCE);
            if let Some(there) = there {
                seen += 1;
                system.add(site, one, there, at, scale);
            }
        }
        (seen * 2 > SITES.len()).then_some(system)
    }

    fn add(&mut self, site: &Site, one: &Thumbnail, there: f32, at: &Numbers, scale: f32) {
        let (gain, offset) = (1.0 + at[LIGHT[0]] as f32, at[LIGHT[1]] as f32);
        let here = one.at(site.x, site.y);
        let error = here - (gain * there + offset);
        let weight = 1.0 / (1.0 + (error / scale).powi(2));
        let slope_x = (one.at(site.x + 1, site.y) - one.at(site.x - 1, site.y)) * 0.5 * PX_PER_EYE_DISTANCE;
        let slope_y = (one.at(site.x, site.y + 1) - one.at(site.x, site.y - 1)) * 0.5 * PX_PER_EYE_DISTANCE;
        let row = slopes(site, slope_x, slope_y, there);
        for (i, value) in row.iter().enumerate() {
            let weighted = weight * value;
            for (sum, other) in self.normal[i].iter_mut().zip(&row) {
                *sum += weighted * other;
            }
            self.right[i] += weighted * error;
        }
        self.squares += f64::from(weight * error * error);
        self.weight += f64::from(weight);
    }

    /// Root mean square of what does not fit.
    fn spread(&self) -> f32 {
        (self.squares / (self.weight - UNKNOWNS as f64).max(1.0)).sqrt() as f32
    }

    /// The step, and the variances of the depth's shares for errors of 1.
    fn solved(&self) -> Option<(Numbers, [f64; 2])> {
        let lower = cholesky(&self.normal.map(|row| row.map(f64::from)))?;
        let variance = |index: usize| {
            let mut unit = Numbers::default();
            unit[index] = 1.0;
            substituted(&lower, unit)[index]
        };
        Some((substituted(&lower, self.right.map(f64::from)), DEPTH.map(variance)))
    }
}

/// Where a pixel goes, in face coordinates.
fn flow(site: &Site, at: &Numbers) -> (f32, f32) {
    let ((x, y), a) = (site.face, at.map(|value| value as f32));
    let tilt = a[6] * x + a[7] * y;
    (
        a[0] + a[1] * x + a[2] * y + tilt * x + a[8] * site.depth,
        a[3] + a[4] * x + a[5] * y + tilt * y + a[9] * site.depth,
    )
}

/// How a pixel's value changes with each number.
fn slopes(site: &Site, sx: f32, sy: f32, there: f32) -> [f32; UNKNOWNS] {
    let (x, y) = site.face;
    let tilt = sx * x + sy * y;
    [sx, sx * x, sx * y, sy, sy * x, sy * y, tilt * x, tilt * y, sx * site.depth, sy * site.depth, there, 1.0]
}

/// Blended with the neighbours: the fit must find its way over more than a pixel.
fn smoothed(picture: &Thumbnail) -> Thumbnail {
    picture.blended().blended()
}

/// Standard deviation of the face; `None` if there is nothing to see.
fn contrast(picture: &Thumbnail) -> Option<f32> {
    let count = SITES.len() as f32;
    let (sum, squares) =
        SITES.iter().map(|site| picture.at(site.x, site.y)).fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
    let deviation = (squares / count - (sum / count).powi(2)).max(0.0).sqrt();
    (deviation >= 4.0).then_some(deviation)
}

/// The lower factor of a symmetric matrix whose lower half is given; `None` unless it is positive definite.
fn cholesky(matrix: &[[f64; UNKNOWNS]; UNKNOWNS]) -> Option<[[f64; UNKNOWNS]; UNKNOWNS]> {
    let mut lower = [[0.0; UNKNOWNS]; UNKNOWNS];
    for i in 0..UNKNOWNS {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] - known;
            lower[i][j] = if i == j {
                if rest <= 1e-6 * matrix[i][i].abs().max(1e-12) {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / lower[j][j]
            };
        }
    }
    Some(lower)
}

/// The solution for a right side, by the lower factor.
fn substituted(lower: &[[f64; UNKNOWNS]; UNKNOWNS], mut values: Numbers) -> Numbers {
    for i in 0..UNKNOWNS {
        let known: f64 = (0..i).map(|k| lower[i][k] * values[k]).sum();
        values[i] = (values[i] - known) / lower[i][i];
    }
    for i in (0..UNKNOWNS).rev() {
        let known: f64 = (i + 1..UNKNOWNS).map(|k| lower[k][i] * values[k]).sum();
        values[i] = (values[i] - known) / lower[i][i];
    }
    values
}

/// Tests' own: a drawn face, moved as a sheet or a head moves.
#[cfg(test)]
pub(super) mod samples {
    use super::super::thumbnail::Thumbnail;
    use super::depth;

    /// Something like a face: dark eyes, nostrils and mouth on a ball of light.
    pub(in crate::liveness) fn face(x: f32, y: f32) -> f32 {
        let spot = |cx: f32, cy: f32, wx: f32, wy: f32| (-((x - cx) / wx).powi(2) - ((y - cy) / wy).powi(2)).exp();
        let eyes = spot(-0.5, 0.0, 0.2, 0.1) + spot(0.5, 0.0, 0.2, 0.1);
        let brows = spot(-0.5, -0.25, 0.3, 0.07) + spot(0.5, -0.25, 0.3, 0.07);
        let nose = spot(-0.12, 0.66, 0.08, 0.06) + spot(0.12, 0.66, 0.08, 0.06) + 0.3 * spot(0.1, 0.4, 0.07, 0.3);
        150.0 - 70.0 * eyes - 40.0 * brows - 60.0 * nose - 50.0 * spot(0.0, 1.08, 0.4, 0.08) - 15.0 * x * x
            + 5.0 * (7.0 * x + 5.0 * y).sin()
    }

    /// The face moved by a planar flow, and by depth as a head turned by these degrees would show.
    pub(in crate::liveness) fn moved(plane: [f32; 8], turned: (f32, f32)) -> Thumbnail {
        Thumbnail::drawn(|x, y| {
            let tilt = plane[6] * x + plane[7] * y;
            let out = depth((x, y));
            let dx = plane[0] + plane[1] * x + plane[2] * y + tilt * x + out * turned.0.to_radians().sin();
            let dy = plane[3] + plane[4] * x + plane[5] * y + tilt * y + out * turned.1.to_radians().sin();
            0.9 * face(x - dx, y - dy) + 6.0
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::samples::{face, moved};
    use super::*;

    #[test]
    fn a_turned_head_shows_its_turn() {
        let still = moved([0.0; 8], (0.0, 0.0));
        for (yaw, pitch) in [(0.0, 0.0), (4.0, 0.0), (-6.0, 0.0), (0.0, 5.0), (3.0, -4.0)] {
            let turn = compare(&still, &moved([0.0; 8], (yaw, pitch))).unwrap();
            let wanted = f32::hypot(yaw, pitch);
            assert!((turn.parallax_deg - wanted).abs() < 0.35 * wanted + 0.3, "{yaw} {pitch}: {turn:?}");
            assert!(wanted < 1.0 || turn.parallax_deg > 3.0 * turn.doubt_deg, "{turn:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_sheet_shows_no_turn_however_it_is_moved(
            shift in prop::array::uniform2(-0.06_f32..0.06), stretch in prop::array::uniform4(-0.05_f32..0.05),
            tilt in prop::array::uniform2(-0.02_f32..0.02),
        ) {
            let plane = [shift[0], stretch[0], stretch[1], shift[1], stretch[2], stretch[3], tilt[0], tilt[1]];
            let turn = compare(&moved([0.0; 8], (0.0, 0.0)), &moved(plane, (0.0, 0.0))).unwrap();
            prop_assert!(turn.parallax_deg < 1.0 + 2.0 * turn.doubt_deg, "{turn:?}");
        }
    }

    #[test]
    fn a_blank_look_tells_nothing() {
        let blank = Thumbnail::drawn(|_, _| 100.0);
        assert_eq!(compare(&blank, &blank), None);
        assert_eq!(compare(&Thumbnail::drawn(face), &blank).map(|turn| turn.residual > 0.3), None);
    }
}
