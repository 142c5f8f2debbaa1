use ostiary_common::wire::Angle;
use proptest::prelude::*;

use super::samples::{Look, USUAL, ms, rules, seen, turned};
use super::*;

/// A session that gets a frame each 120 ms.
struct Door {
    guide: Guide<f32>,
    now: Duration,
    said: Vec<Advice>,
}

impl Door {
    fn new() -> Self {
        Self { guide: Guide::new(rules(), ms(0)), now: ms(0), said: Vec::new() }
    }

    fn shows(&mut self, count: usize, frame: impl Fn() -> Seen<f32>) -> &mut Self {
        for _ in 0..count {
            self.now += ms(120);
            self.said.push(self.guide.take(self.now, frame()));
        }
        self
    }

    /// Turns from one pose to another in steps, and holds it.
    fn turns(&mut self, from: f32, to: f32) -> &mut Self {
        for step in 1..=6_u8 {
            let yaw = (to - from).mul_add(f32::from(step) / 6.0, from);
            self.shows(1, || seen(turned(yaw)));
        }
        self.shows(5, || seen(turned(to)))
    }

    fn taken(&self) -> Vec<Angle> {
        self.said.iter().filter_map(|advice| advice.taken).collect()
    }

    fn last(&self) -> &Advice {
        self.said.last().unwrap()
    }
}

#[test]
fn somebody_who_does_as_told_is_taken_from_three_sides() {
    let mut door = Door::new();
    door.shows(1, || Seen::Nobody);
    assert_eq!((door.last().problem, door.last().hint), (Some(Problem::NoFace), "Show your face to the camera."));
    door.shows(4, || seen(USUAL));
    assert_eq!(door.last().wanted, Some(Angle::Left));
    assert_eq!(door.last().hint, "Turn your head slowly to your left.");
    door.turns(0.0, 28.0).turns(28.0, -28.0);
    assert_eq!(door.taken(), [Angle::Frontal, Angle::Left, Angle::Right]);
    assert_eq!((door.guide.state(), door.last().hint), (State::Complete, "Done, thank you."));
    let yaws: Vec<f32> = door.guide.into_shots().iter().map(|shot| shot.keep).collect();
    let are_sides = yaws[0] == 0.0 && (19.0..=28.0).contains(&yaws[1]) && (-28.0..=-19.0).contains(&yaws[2]);
    assert!(are_sides, "what came with a look comes back with it: {yaws:?}");
}

#[test]
fn the_other_side_may_come_first_but_never_before_the_front() {
    let mut door = Door::new();
    door.shows(6, || seen(turned(-28.0)));
    assert_eq!((door.taken(), door.last().hint), (vec![], "Turn a little to the left."));
    door.turns(-28.0, 0.0).turns(0.0, -28.0).turns(-28.0, 28.0);
    assert_eq!(door.taken(), [Angle::Frontal, Angle::Right, Angle::Left]);
}

#[test]
fn a_frame_is_judged_and_the_hint_says_what_to_do() {
    let check = |frame: Seen<f32>, problem: Option<Problem>, hint: &str| {
        let mut door = Door::new();
        door.shows(4, || seen(USUAL)).shows(1, || frame.clone());
        assert_eq!((door.last().problem, door.last().hint), (problem, hint));
    };
    use ostiary_common::wire::UnusableReason as Why;
    check(Seen::Several(2), Some(Problem::SeveralFaces), "One person only, please.");
    check(seen(turned(10.0)), Some(Problem::WrongAngle), "Turn your head slowly to your left.");
    check(seen(turned(44.0)), Some(Problem::WrongAngle), "That is too far: turn back a little.");
    check(seen(turned(28.0)), None, "Hold still.");
    check(seen(Look { face_px: 60.0, ..USUAL }), Some(Problem::Quality(Why::TooSmall)), "Come closer.");
    check(seen(Look { who: 1, ..USUAL }), Some(Problem::AnotherFace), "One person only, please.");
}

#[test]
fn a_head_that_moves_is_not_taken() {
    let mut door = Door::new();
    for step in 0..8_u8 {
        let look = Look { left: 200.0 + 60.0 * f32::from(step % 2), ..USUAL };
        door.shows(1, || seen(look));
    }
    assert_eq!(door.taken(), []);
    assert_eq!((door.last().problem, door.last().held), (Some(Problem::Moving), 0.0));
}

#[test]
fn somebody_else_is_never_taken_and_ends_the_session() {
    let other = Look { who: 1, ..USUAL };
    let mut door = Door::new();
    door.shows(4, || seen(USUAL)).shows(2, || seen(other)).shows(1, || seen(turned(10.0)));
    assert_eq!(door.guide.state(), State::Open, "a net may err twice");
    door.shows(3, || seen(other));
    assert_eq!(door.guide.state(), State::AnotherFace);
    assert!(door.guide.into_shots().is_empty(), "nothing is made of it");
    // Before anything was taken, whoever stays is the one.
    let mut door = Door::new();
    door.shows(2, || seen(USUAL)).shows(10, || seen(other));
    assert_eq!(door.taken(), [Angle::Frontal]);
}

#[test]
fn who_comes_back_must_resemble_more() {
    let alike = |yaw: f32| seen(Look { yaw, ..USUAL });
    let mut door = Door::new();
    // Far from the nearest look remembered: alike enough only for a face that never left.
    let far = super::samples::embedding(0, 0.0).similarity(&super::samples::embedding(0, 50.0));
    let rules = rules();
    assert!(far > rules.same_face && far < rules.same_face_again, "{far}");
    door.shows(4, || seen(USUAL)).shows(12, || Seen::Nobody).shows(1, || alike(50.0));
    assert_eq!(door.last().problem, Some(Problem::AnotherFace));
    let mut stays = Door::new();
    stays.shows(4, || seen(USUAL)).shows(1, || alike(50.0));
    assert_eq!(stays.last().problem, Some(Problem::WrongAngle));
}

#[test]
fn it_ends_when_time_is_over_or_nobody_sends_frames() {
    let mut guide: Guide<f32> = Guide::new(rules(), ms(1_000));
    assert_eq!(guide.tick(ms(15_999)), State::Open);
    assert_eq!(guide.tick(ms(16_001)), State::TimedOut, "no frames");
    let mut door = Door::new();
    door.shows(600, || Seen::Nobody);
    assert_eq!((door.guide.state(), door.guide.ends_at()), (State::TimedOut, ms(60_000)));
    let mut late = Door::new();
    late.shows(4, || seen(USUAL));
    late.guide.tick(ms(90_000));
    assert_eq!(late.guide.into_shots().len(), 1, "what was taken in time may be used");
}

fn clip(looks: &[Look]) -> Result<Vec<f32>, Unpicked> {
    let frames = looks.iter().map(|look| seen(*look)).collect();
    pick(frames, &rules(), 4).map(|picked| picked.shots.iter().map(|shot| shot.keep).collect())
}

#[test]
fn a_recording_is_picked_by_quality_and_spread() {
    let look = |yaw: f32, overall: f32| Look { overall, ..turned(yaw) };
    let turning = [look(0.0, 0.7), look(1.0, 0.9), look(8.0, 0.8), look(15.0, 0.9), look(25.0, 0.8), look(-25.0, 0.6)];
    assert_eq!(clip(&turning), Ok(vec![1.0, 25.0, -25.0, 8.0]));
    assert_eq!(clip(&[look(25.0, 0.9); 5]), Err(Unpicked::NotGoodEnough { hint: "Look straight at the camera." }));
    assert_eq!(clip(&[]), Err(Unpicked::NoFace));
    let small = Look { face_px: 50.0, ..USUAL };
    assert_eq!(clip(&[small]), Err(Unpicked::NotGoodEnough { hint: "Come closer." }));
    let other = Look { who: 1, ..USUAL };
    assert_eq!(clip(&[USUAL, USUAL, other, other]), Err(Unpicked::SeveralFaces));
    let crowd = [Seen::Several(2), Seen::Several(2), seen(USUAL)];
    assert_eq!(pick(crowd.into(), &rules(), 3).unwrap_err(), Unpicked::SeveralFaces);
}

#[test]
fn looks_that_lead_over_from_one_to_another_are_of_two() {
    let between = |degrees: f32, yaw: f32| {
        let Seen::One(mut glance) = seen(turned(yaw)) else { unreachable!("one face is seen") };
        let angle = degrees.to_radians();
        glance.embedding = Some(Embedding::from_raw(vec![angle.cos(), angle.sin(), 0.0, 0.0]).unwrap());
        Seen::One(glance)
    };
    let clip = |to: u8, yaw: f32| {
        let frames =
            (0..=to / 8).map(|step| between(f32::from(step) * 8.0, if step == 0 { 0.0 } else { yaw })).collect();
        pick(frames, &rules(), 4).map(|picked| picked.usable)
    };
    // Each resembles the one before nearly wholly, and the last has nothing of the first.
    assert_eq!(clip(88, 28.0), Err(Unpicked::SeveralFaces));
    // A head that turns may look so unlike its front, and one that does not turn may not.
    assert_eq!((clip(24, 31.0), clip(32, 5.0)), (Ok(4), Err(Unpicked::SeveralFaces)));
}

proptest! {
    /// Whatever comes: each angle once, the front first, of one person only, and nothing after the end.
    #[test]
    fn any_frames_lead_to_looks_of_one_face(
        frames in proptest::collection::vec((0_usize..4, -50.0_f32..50.0, 0_u8..12), 0..60)
    ) {
        let mut guide: Guide<f32> = Guide::new(rules(), ms(0));
        let mut now = ms(0);
        for (kind, yaw, repeats) in frames {
            for _ in 0..repeats {
                now += ms(120);
                guide.take(now, match kind {
                    2 => Seen::Nobody,
                    3 => Seen::Several(2),
                    who => seen(Look { who, ..turned(yaw) }),
                });
            }
        }
        let shots = guide.into_shots();
        prop_assert!(shots.len() <= 3);
        prop_assert!(shots.first().is_none_or(|shot| shot.angle == Angle::Frontal));
        let mut angles: Vec<_> = shots.iter().map(|shot| shot.angle).collect();
        angles.dedup();
        prop_assert_eq!(angles.len(), shots.len());
        let who = |shot: &Shot<f32>| shot.embedding.as_slice()[0] > shot.embedding.as_slice()[1];
        prop_assert!(shots.iter().all(|shot| who(shot) == who(&shots[0])));
    }
}
