//! Scenes as luminance: noise, light, someone who walks through.

use super::*;
use crate::motion::Luma;
use proptest::prelude::*;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
const FRAME: Duration = Duration::from_millis(66);

/// A wall with some pattern, lit by `light` (1 is usual), with noise, and perhaps a figure.
struct Scene {
    random: u32,
    noise: f32,
}

impl Scene {
    fn new(noise: f32) -> Self {
        Self { random: 1, noise }
    }

    fn noise(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.random >> 16) as f32 / 65_536.0 - 0.5) * 3.46 * self.noise
    }

    fn grid(&mut self, light: f32, figure: Option<(f32, f32, f32)>) -> LumaGrid {
        let mut data = Vec::with_capacity((WIDTH * HEIGHT) as usize);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let wall = 90.0 + 40.0 * ((x / 50 + y / 70) % 2) as f32;
                let covered =
                    figure.is_some_and(|(at, top, side)| (x as f32 - at).abs() < side / 2.0 && y as f32 - top > 0.0);
                let level = if covered { 120.0 } else { wall } * light + self.noise();
                data.push(level.clamp(0.0, 255.0) as u8);
            }
        }
        LumaGrid::measure(&Luma::new(&data, WIDTH, HEIGHT, WIDTH as usize, 1).unwrap())
    }
}

/// Plays `frames` scenes; returns why each was looked at.
fn play(gate: &mut MotionGate, first: u32, frames: u32, mut grid: impl FnMut(u32) -> LumaGrid) -> Vec<Glance> {
    (first..first + frames).map(|n| gate.judge(FRAME * n, Some(&grid(n)), false)).collect()
}

fn looks(glances: &[Glance], wanted: Why) -> usize {
    glances.iter().filter(|glance| **glance == Glance::Look(wanted)).count()
}

#[test]
fn a_still_scene_is_looked_at_every_two_seconds_whatever_the_noise() {
    for noise in [0.0, 3.0, 12.0] {
        let (mut gate, mut scene) = (MotionGate::default(), Scene::new(noise));
        let glances = play(&mut gate, 0, 150, |_| scene.grid(1.0, None));
        assert_eq!(glances[0], Glance::Look(Why::NewLight));
        assert_eq!(looks(&glances, Why::Moving), 0, "noise {noise}");
        let rechecks = looks(&glances, Why::Recheck);
        assert!((3..=5).contains(&rechecks), "noise {noise}: {rechecks}");
    }
}

#[test]
fn who_comes_is_noticed_in_the_first_frames() {
    for (noise, speed) in [(3.0, 2.0), (8.0, 8.0), (3.0, 25.0)] {
        let (mut gate, mut scene) = (MotionGate::default(), Scene::new(noise));
        play(&mut gate, 0, 60, |_| scene.grid(1.0, None));
        let walk = play(&mut gate, 60, 20, |n| scene.grid(1.0, Some((20.0 + speed * (n - 60) as f32, 150.0, 90.0))));
        assert!(matches!(walk[0], Glance::Look(Why::Moving)), "{walk:?}");
        assert!(walk.iter().all(|glance| matches!(glance, Glance::Look(_))), "speed {speed}: {walk:?}");
    }
}

#[test]
fn slow_light_is_no_movement_and_a_lamp_is_something_new() {
    let (mut gate, mut scene) = (MotionGate::default(), Scene::new(3.0));
    let dusk = play(&mut gate, 0, 120, |n| scene.grid(1.0 - 0.004 * n as f32, None));
    assert_eq!(looks(&dusk, Why::Moving), 0);
    let lamp = play(&mut gate, 120, 15, |_| scene.grid(1.2, None));
    assert_eq!(lamp[0], Glance::Look(Why::NewLight));
    assert_eq!(looks(&lamp, Why::Moving), 0);
}

#[test]
fn a_face_in_sight_always_passes_and_needs_no_sample() {
    let (mut gate, mut scene) = (MotionGate::default(), Scene::new(3.0));
    let grid = scene.grid(1.0, None);
    for n in 0..100 {
        let at = FRAME * n;
        assert!(!gate.wants_sample(at, true, false));
        assert_eq!(gate.judge(at, None, true), Glance::Look(Why::InSight));
    }
    let after = play(&mut gate, 100, 60, |_| grid.clone());
    assert!(after[..8].iter().all(|glance| matches!(glance, Glance::Look(_))), "lingers: {after:?}");
    assert!(after[30..].contains(&Glance::Skip), "and comes to rest");
}

#[test]
fn dear_samples_are_taken_now_and_then_and_nobody_is_missed_for_long() {
    let (mut gate, mut scene) = (MotionGate::default(), Scene::new(3.0));
    let (empty, someone) = (scene.grid(1.0, None), scene.grid(1.0, Some((300.0, 100.0, 90.0))));
    let mut taken = 0;
    let mut step = |n: u32, grid: &LumaGrid| {
        let at = FRAME * n;
        let wanted = gate.wants_sample(at, false, true);
        taken += u32::from(wanted);
        gate.judge(at, wanted.then_some(grid), false)
    };
    for n in 0..150 {
        step(n, &empty);
    }
    let seen = (150..160).position(|n| step(n, &someone) == Glance::Look(Why::Moving));
    assert!(seen.is_some_and(|frames| frames <= 4), "{seen:?}");
    assert!((20..60).contains(&taken), "{taken} samples of 160 frames");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, nobody waits longer than the recheck for a look.
    #[test]
    fn no_scene_goes_unseen(levels in proptest::collection::vec(0_u8..=255, 40..120)) {
        let mut gate = MotionGate::default();
        let mut looked = Duration::ZERO;
        for (n, level) in levels.iter().enumerate() {
            let at = FRAME * u32::try_from(n).unwrap();
            let data = vec![*level; 64 * 48];
            let grid = LumaGrid::measure(&Luma::new(&data, 64, 48, 64, 1).unwrap());
            if gate.judge(at, Some(&grid), false) != Glance::Skip {
                looked = at;
            }
            prop_assert!(at.saturating_sub(looked) <= RECHECK + FRAME);
        }
    }
}
