//! What each block usually looks like, and which blocks do not look like that now.

use std::time::Duration;

use super::grid::LumaGrid;

/// What stands still is background after about this time.
const MEMORY: Duration = Duration::from_millis(1500);
/// How long the noise of a block is remembered: a bush in the wind stays one.
const NOISE_MEMORY: Duration = Duration::from_secs(8);
/// A block has changed if it differs by more than this many of its usual deviations ...
const DEVIATIONS: f32 = 5.0;
/// ... but never by less than this many levels, ...
const LEAST_CHANGE: f32 = 2.5;
/// ... and always by this many: no block becomes blind, however restless it is.
const MOST_CHANGE: f32 = 14.0;
/// The deviation taken for usual before a block is known: rather restless than alarmed by plain noise.
const FIRST_DEVIATION: f32 = 1.3;
/// The light of the whole scene has changed if its middle block is this much brighter or darker.
const LIGHT_CHANGE: f32 = 0.2;
/// Blocks darker than this say nothing about the light.
const LEAST_LIGHT: f32 = 8.0;

/// How a frame differs from what was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing to compare with: the first frame, or one of another size.
    First,
    /// The light of the whole scene changed at once; what moved meanwhile cannot be told.
    Light,
    /// So many blocks changed that have a neighbour that changed, too.
    Blocks(usize),
}

#[derive(Clone, Copy, Debug)]
struct Block {
    mean: f32,
    deviation: f32,
}

/// The model of a scene.
#[derive(Clone, Debug, Default)]
pub struct Background {
    columns: usize,
    blocks: Vec<Block>,
    seen: Duration,
    changed: Vec<bool>,
}

impl Background {
    /// Compares the frame taken at `at` and learns from it. Slow changes of light, those by automatic exposure
    /// among them, are no change.
    pub fn update(&mut self, at: Duration, grid: &LumaGrid) -> Change {
        if self.blocks.len() != grid.means().len() || self.columns != grid.columns() {
            return self.begin(at, grid, Change::First);
        }
        let gain = self.gain(grid);
        if (gain - 1.0).abs() > LIGHT_CHANGE {
            return self.begin(at, grid, Change::Light);
        }
        let elapsed = at.saturating_sub(self.seen);
        self.seen = at;
        let (learn, settle) = (share(elapsed, MEMORY), share(elapsed, NOISE_MEMORY));
        for ((block, changed), &mean) in self.blocks.iter_mut().zip(&mut self.changed).zip(grid.means()) {
            *changed = block.update(mean, gain, learn, settle);
        }
        Change::Blocks(self.changed_together())
    }

    fn begin(&mut self, at: Duration, grid: &LumaGrid, change: Change) -> Change {
        let usual = |mean: &f32| Block { mean: *mean, deviation: FIRST_DEVIATION };
        self.blocks = grid.means().iter().map(usual).collect();
        (self.columns, self.seen) = (grid.columns(), at);
        self.changed = vec![false; self.blocks.len()];
        change
    }

    /// How much brighter the middle block is: the median, so that someone who covers less than half of the
    /// frame does not count as light.
    fn gain(&self, grid: &LumaGrid) -> f32 {
        let pairs = self.blocks.iter().zip(grid.means()).filter(|(block, _)| block.mean >= LEAST_LIGHT);
        let mut ratios: Vec<f32> = pairs.map(|(block, mean)| mean / block.mean).collect();
        if ratios.is_empty() {
            return 1.0;
        }
        let middle = ratios.len() / 2;
        *ratios.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    fn changed_together(&self) -> usize {
        let columns = self.columns;
        let is_changed = |n: usize| self.changed.get(n).is_some_and(|changed| *changed);
        let has_neighbour = |&n: &usize| {
            let (x, above) = (n % columns, n.checked_sub(columns));
            (x > 0 && is_changed(n - 1))
                || (x + 1 < columns && is_changed(n + 1))
                || above.is_some_and(is_changed)
                || is_changed(n + columns)
        };
        (0..self.changed.len()).filter(|n| is_changed(*n)).filter(has_neighbour).count()
    }
}

impl Block {
    /// Whether it changed. Its noise is learnt from what it does by itself, so a large change counts as no more
    /// than the limit.
    fn update(&mut self, mean: f32, gain: f32, learn: f32, settle: f32) -> bool {
        let difference = (mean - self.mean * gain).abs();
        let limit = (DEVIATIONS * self.deviation).clamp(LEAST_CHANGE, MOST_CHANGE);
        self.deviation += settle * (difference.min(limit) - self.deviation);
        self.mean += learn * (mean - self.mean);
        difference > limit
    }
}

/// How much of something new is learnt in `elapsed`, 0 to 1.
fn share(elapsed: Duration, memory: Duration) -> f32 {
    1.0 - (-elapsed.as_secs_f32() / memory.as_secs_f32()).exp()
}
