//! What someone looks like at a glance: the colours of face and clothes. Enough to tell two people apart for a
//! second, and as cheap as a few hundred pixels.

use ostiary_models::frame::RgbView;
use ostiary_models::geometry::Rect;

/// Levels a colour is sorted into.
const LEVELS: usize = 4;
const BINS: usize = LEVELS * LEVELS * LEVELS;
/// Pixels looked at along each side of an area.
const SAMPLES: u8 = 14;
/// How much of a new sight counts: light and pose change, clothes do not.
const LEARN: f32 = 0.15;

/// Shares of colours in the face and in what is below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance {
    face: [f32; BINS],
    clothes: [f32; BINS],
}

impl Appearance {
    /// Looks at a face in a frame.
    pub fn of(frame: &RgbView<'_>, face: &Rect) -> Self {
        let below =
            Rect::new(face.left - 0.3 * face.width, face.bottom() + 0.3 * face.height, 1.6 * face.width, face.height);
        Self { face: colours(frame, face), clothes: colours(frame, &below) }
    }

    /// How alike two sights are, 0 (nothing in common) to 1. What was out of the frame in one of them does not
    /// count.
    pub fn likeness(&self, other: &Self) -> f32 {
        let (face, clothes) = (shared(&self.face, &other.face), shared(&self.clothes, &other.clothes));
        match (face, clothes) {
            (Some(face), Some(clothes)) => f32::midpoint(face, clothes),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 1.0,
        }
    }

    /// Learns from a new sight.
    pub fn learn(&mut self, new: &Self) {
        for (mine, theirs) in [(&mut self.face, &new.face), (&mut self.clothes, &new.clothes)] {
            if theirs.iter().any(|share| *share > 0.0) {
                let is_empty = mine.iter().all(|share| *share == 0.0);
                let rate = if is_empty { 1.0 } else { LEARN };
                mine.iter_mut().zip(theirs).for_each(|(old, new)| *old += rate * (new - *old));
            }
        }
    }
}

/// The Bhattacharyya coefficient of two histograms; `None` if one is empty.
fn shared(a: &[f32; BINS], b: &[f32; BINS]) -> Option<f32> {
    let is_empty = |bins: &[f32; BINS]| bins.iter().all(|share| *share == 0.0);
    let alike = || a.iter().zip(b).map(|(a, b)| (a * b).sqrt()).sum::<f32>().min(1.0);
    (!is_empty(a) && !is_empty(b)).then(alike)
}

/// The shares of colours in the part of `area` that is in the frame; all zero if hardly any is.
fn colours(frame: &RgbView<'_>, area: &Rect) -> [f32; BINS] {
    let mut bins = [0.0; BINS];
    let inside = area.intersection(&frame.bounds());
    if inside.area() < 0.25 * area.area() || inside.width < 2.0 || inside.height < 2.0 {
        return bins;
    }
    let place = |start: f32, length: f32, n: u8, most: u32| {
        let at = start + length * (f32::from(n) + 0.5) / f32::from(SAMPLES);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the frame")]
        let at = at.max(0.0) as u32;
        at.min(most - 1)
    };
    for row in 0..SAMPLES {
        let pixels = frame.row(place(inside.top, inside.height, row, frame.height()));
        for column in 0..SAMPLES {
            let x = 3 * place(inside.left, inside.width, column, frame.width()) as usize;
            // Sorted softly into the two nearest levels, so that a little less light does not turn one colour
            // into another.
            add_softly(&mut bins, [pixels[x], pixels[x + 1], pixels[x + 2]]);
        }
    }
    bins.iter_mut().for_each(|share| *share /= f32::from(SAMPLES) * f32::from(SAMPLES));
    bins
}

fn add_softly(bins: &mut [f32; BINS], colour: [u8; 3]) {
    let level = colour.map(|value| {
        let at = f32::from(value) / 255.0 * (LEVELS - 1) as f32;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to LEVELS - 1")]
        let low = (at as usize).min(LEVELS - 2);
        (low, at - low as f32)
    });
    for corner in 0..8_usize {
        let (mut bin, mut weight) = (0, 1.0);
        for (n, (low, share)) in level.iter().enumerate() {
            let up = corner >> n & 1;
            bin = bin * LEVELS + low + up;
            weight *= if up == 1 { *share } else { 1.0 - share };
        }
        bins[bin] += weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_models::frame::RgbImage;

    /// A face of one colour over clothes of another.
    fn person(face: [u8; 3], clothes: [u8; 3]) -> RgbImage {
        let mut picture = RgbImage::black(200, 200);
        for (n, pixel) in picture.as_raw_mut().chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(if n / 200 < 100 { &face } else { &clothes });
        }
        picture
    }

    fn seen(face: [u8; 3], clothes: [u8; 3]) -> Appearance {
        Appearance::of(&person(face, clothes).view(), &Rect::new(60.0, 20.0, 70.0, 70.0))
    }

    #[test]
    fn clothes_tell_people_apart_and_a_little_light_does_not() {
        let (skin, blue, red) = ([180, 140, 120], [40, 50, 120], [150, 30, 30]);
        let known = seen(skin, blue);
        assert!(known.likeness(&seen(skin, blue)) > 0.99);
        assert!(known.likeness(&seen([170, 131, 112], [36, 45, 110])) > 0.85);
        assert!(known.likeness(&seen(skin, red)) < 0.75);
        assert!(known.likeness(&seen([90, 60, 50], red)) < 0.5);
    }

    #[test]
    fn what_is_out_of_the_frame_does_not_count() {
        let picture = person([180, 140, 120], [40, 50, 120]);
        let low = Appearance::of(&picture.view(), &Rect::new(60.0, 160.0, 70.0, 70.0));
        let gone = Appearance::of(&picture.view(), &Rect::new(500.0, 500.0, 70.0, 70.0));
        assert!(low.clothes.iter().all(|share| *share == 0.0));
        assert_eq!(gone.likeness(&low), 1.0);
    }

    #[test]
    fn a_new_coat_is_learnt_slowly() {
        let (mut known, other) = (seen([180, 140, 120], [40, 50, 120]), seen([180, 140, 120], [150, 30, 30]));
        let before = known.likeness(&other);
        known.learn(&other);
        assert!(known.likeness(&other) > before && known.likeness(&other) < 0.95);
        (0..40).for_each(|_| known.learn(&other));
        assert!(known.likeness(&other) > 0.98);
    }
}
