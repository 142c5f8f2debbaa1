//! How often frames are looked at when the board cannot keep up or grows hot: a little less often at once, back
//! to every frame step by step.
//!
//! Pure: time, work done and temperature come in; whether a frame is due goes out.

use std::time::Duration;

/// The load is weighed over this time.
const WINDOW: Duration = Duration::from_secs(1);
/// More of the time than this spent on frames is pressure ...
const BUSY: f32 = 0.85;
/// ... and less than this leaves room for more. In between nothing changes, so that the rate does not swing.
const EASY: f32 = 0.6;
/// The first step down, and below it all the way back up.
const STEP: Duration = Duration::from_millis(40);
/// A door is never looked at less often.
const SLOWEST: Duration = Duration::from_millis(250);
/// The gap while the board is hot, and when it is about to throttle.
const WARM_GAP: Duration = Duration::from_millis(120);
const HOT_GAP: Duration = Duration::from_millis(200);
/// Below the limit by so much is warm, degrees Celsius.
const WARM_BELOW_C: f32 = 8.0;
/// Below the limit by so much is hot.
const HOT_BELOW_C: f32 = 3.0;
/// It must cool down by this much more before the rate rises again.
const COOLED_C: f32 = 3.0;

/// How hot the board is, against the temperature at which it slows itself down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heat {
    /// Well below.
    #[default]
    Fine,
    /// Near.
    Warm,
    /// All but there.
    Hot,
}

/// Says which frames are due.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    gap: Duration,
    heat: Heat,
    last: Option<Duration>,
    window: Option<Duration>,
    worked: Duration,
    looked: u32,
    offered: u32,
    dropped: u64,
}

impl Pace {
    /// Whether the frame taken at `at` is to be looked at. Half a gap early is on time: frames come when they
    /// come, and waiting for the next would halve the rate.
    #[must_use]
    pub fn is_due(&mut self, at: Duration) -> bool {
        self.offered += 1;
        let gap = self.gap();
        self.last.is_none_or(|last| at.saturating_sub(last) + gap / 4 >= gap)
    }

    /// A frame taken at `at` was looked at in `took`; since the last one, `dropped` were not even taken.
    pub fn worked(&mut self, at: Duration, took: Duration, dropped: u64) {
        self.last = Some(at);
        self.worked += took;
        self.looked += 1;
        self.dropped += dropped;
        let begun = *self.window.get_or_insert(at);
        let elapsed = at.saturating_sub(begun);
        if elapsed >= WINDOW {
            self.weigh(elapsed);
            (self.window, self.worked, self.dropped) = (Some(at), Duration::ZERO, 0);
            (self.looked, self.offered) = (0, 0);
        }
    }

    /// The board's temperature, and at which one it slows itself down, degrees Celsius. Returns whether the heat
    /// has changed.
    pub fn measured(&mut self, celsius: f32, limit: f32) -> bool {
        let level = |slack: f32| match limit - celsius - slack {
            below if below <= HOT_BELOW_C => Heat::Hot,
            below if below <= WARM_BELOW_C => Heat::Warm,
            _ => Heat::Fine,
        };
        let (rising, falling) = (level(0.0), level(COOLED_C));
        let heat = if rising > self.heat { rising } else { falling.min(self.heat) };
        std::mem::replace(&mut self.heat, heat) != heat
    }

    /// The least time between two frames looked at; zero for every frame.
    #[must_use]
    pub fn gap(&self) -> Duration {
        let by_heat = match self.heat {
            Heat::Fine => Duration::ZERO,
            Heat::Warm => WARM_GAP,
            Heat::Hot => HOT_GAP,
        };
        self.gap.max(by_heat)
    }

    /// How hot the board is.
    #[must_use]
    pub const fn heat(&self) -> Heat {
        self.heat
    }

    fn weigh(&mut self, elapsed: Duration) {
        let busy = self.worked.as_secs_f32() / elapsed.as_secs_f32();
        if busy > BUSY || (self.dropped > 0 && busy > EASY) {
            self.gap = (self.gap.max(STEP) * 5 / 4).min(SLOWEST);
        } else if busy < EASY {
            let slower = self.gap * 4 / 5;
            let next = if slower < STEP { Duration::ZERO } else { slower };
            if self.load_at(next, elapsed) <= BUSY {
                self.gap = next;
            }
        }
    }

    /// The share of the time it would take to look at frames `gap` apart, which come as they come.
    fn load_at(&self, gap: Duration, elapsed: Duration) -> f32 {
        let each = self.worked.as_secs_f32() / self.looked.max(1) as f32;
        let interval = elapsed.as_secs_f32() / self.offered.max(1) as f32;
        let frames = (0.75 * gap.as_secs_f32() / interval).ceil().max(1.0);
        each / (frames * interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(66);

    /// Plays frames that take `took_ms` each; returns how many of them were looked at.
    fn play(pace: &mut Pace, from: u32, frames: u32, took_ms: u64) -> u32 {
        let mut looked = 0;
        for at in (from..from + frames).map(|n| FRAME * n) {
            if pace.is_due(at) {
                looked += 1;
                pace.worked(at, Duration::from_millis(took_ms), 0);
            }
        }
        looked
    }

    #[test]
    fn with_room_to_spare_every_frame_is_looked_at() {
        assert_eq!(play(&mut Pace::default(), 0, 300, 30), 300);
    }

    #[test]
    fn pressure_slows_down_smoothly_and_room_brings_every_frame_back() {
        let mut pace = Pace::default();
        let pressed = play(&mut pace, 0, 300, 62);
        assert!((100..220).contains(&pressed), "{pressed}");
        assert!(pace.gap() > STEP && pace.gap() <= SLOWEST, "{:?}", pace.gap());
        play(&mut pace, 300, 300, 5);
        assert_eq!(pace.gap(), Duration::ZERO);
        assert_eq!(play(&mut pace, 600, 150, 5), 150);
    }

    #[test]
    fn dropped_frames_are_pressure_only_if_the_work_is_ours() {
        let check = |took_ms: u64, slows: bool| {
            let mut pace = Pace::default();
            (0..40).for_each(|n| pace.worked(FRAME * n, Duration::from_millis(took_ms), 1));
            assert_eq!(pace.gap() > Duration::ZERO, slows, "{took_ms} ms");
        };
        check(45, true);
        check(5, false);
    }

    #[test]
    fn heat_slows_down_and_cools_with_some_slack() {
        let mut pace = Pace::default();
        let check = |pace: &mut Pace, celsius: f32, heat: Heat, changed: bool| {
            assert_eq!((pace.measured(celsius, 80.0), pace.heat()), (changed, heat), "{celsius}");
        };
        check(&mut pace, 60.0, Heat::Fine, false);
        check(&mut pace, 73.0, Heat::Warm, true);
        check(&mut pace, 78.0, Heat::Hot, true);
        assert_eq!(pace.gap(), HOT_GAP);
        check(&mut pace, 75.0, Heat::Hot, false);
        check(&mut pace, 73.0, Heat::Warm, true);
        check(&mut pace, 70.0, Heat::Warm, false);
        check(&mut pace, 60.0, Heat::Fine, true);
        assert_eq!(pace.gap(), Duration::ZERO);
    }
}
