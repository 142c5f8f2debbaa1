//! Who comes when: pure, and the same for the same seed.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::stir::Stir;

/// What kind of scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// A day at the door: mostly nobody, visits of 2 to 6 seconds, some of two people.
    Day,
    /// Nobody comes and nothing moves.
    Still,
    /// Visits of so many people at once, one after the other.
    Together(usize),
}

/// How a visit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One person comes and goes.
    Alone,
    /// One person looks away for a while.
    TurnsAway,
    /// Several stand beside each other.
    SideBySide,
    /// Two walk past each other, the farther one hidden for a moment.
    Crossing,
}

impl Kind {
    /// As the truth names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::TurnsAway => "turns_away",
            Self::SideBySide => "side_by_side",
            Self::Crossing => "crossing",
        }
    }
}

/// Someone in a visit: which person of the cast, in which photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Whether the gallery has the person.
    pub mated: bool,
    /// The person's place in the cast's list.
    pub person: usize,
    /// The photo's place in the person's list.
    pub shot: usize,
}

/// One visit, of one or several people.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// When, in seconds of the scene.
    pub begins: f32,
    /// How long, in seconds.
    pub seconds: f32,
    /// How it goes.
    pub kind: Kind,
    /// Who is there.
    pub roles: Vec<Role>,
    /// Makes one visit move differently from the next.
    pub salt: u64,
}

/// Everything that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How long the scene is.
    pub seconds: f32,
    /// Visits, in order; they do not overlap.
    pub slots: Vec<Slot>,
    /// What moves when nobody is there.
    pub stirs: Vec<Stir>,
}

/// The kinds of visits of a day, in turn.
const DAY: [(Kind, usize); 8] = [
    (Kind::Alone, 1),
    (Kind::SideBySide, 2),
    (Kind::Alone, 1),
    (Kind::TurnsAway, 1),
    (Kind::Crossing, 2),
    (Kind::Alone, 1),
    (Kind::Alone, 1),
    (Kind::SideBySide, 2),
];

impl Plan {
    /// A plan for a cast with so many photos a person: of the mated, of the others.
    #[must_use]
    pub fn new(story: Story, minutes: f32, seed: u64, counts: &[Vec<usize>; 2]) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut decks = [Deck::new(&counts[0], true), Deck::new(&counts[1], false)];
        let mut plan = Self { seconds: minutes * 60.0, slots: Vec::new(), stirs: Vec::new() };
        let mut begins = 2.0;
        for number in 0.. {
            let Some(next) = next(story, number, &mut chance) else { break };
            if begins + next.seconds + 1.5 > plan.seconds {
                break;
            }
            let roles = roles(next.people, &mut decks, &mut chance);
            let slot =
                Slot { begins, seconds: next.seconds, kind: next.kind, roles, salt: seed ^ ((number as u64) << 8) };
            begins += slot.seconds;
            if story == Story::Day {
                plan.stirs.push(Stir::within(begins, next.gap, &mut chance));
            }
            begins += next.gap;
            plan.slots.push(slot);
        }
        plan
    }

    /// The visits under way at a time, each with a place in its `roles`; the nearest is last.
    pub(super) fn at(&self, time: f32) -> impl Iterator<Item = (&Slot, usize)> {
        let now = move |slot: &&Slot| (slot.begins..slot.begins + slot.seconds).contains(&time);
        self.slots.iter().filter(now).flat_map(|slot| (0..slot.roles.len()).map(move |place| (slot, place)))
    }
}

struct Next {
    kind: Kind,
    people: usize,
    seconds: f32,
    gap: f32,
}

fn next(story: Story, number: usize, chance: &mut StdRng) -> Option<Next> {
    match story {
        Story::Still => None,
        Story::Together(1) => Some(Next { kind: Kind::Alone, people: 1, seconds: 4.0, gap: 3.0 }),
        Story::Together(people) => Some(Next { kind: Kind::SideBySide, people, seconds: 4.0, gap: 3.0 }),
        Story::Day => {
            let (kind, people) = DAY[number % DAY.len()];
            // Two people crossing need time to be seen before and after.
            let shortest = if kind == Kind::Crossing { 4.0 } else { 2.0 };
            Some(Next {
                kind,
                people,
                seconds: chance.random_range(shortest..6.0),
                gap: chance.random_range(9.0..33.0),
            })
        }
    }
}

/// Share of strangers among those who come.
const STRANGERS: f64 = 0.42;

/// Who comes together.
fn roles(people: usize, decks: &mut [Deck; 2], chance: &mut StdRng) -> Vec<Role> {
    let mut found: Vec<Role> = Vec::new();
    for _ in 0..people {
        let side = usize::from(chance.random_bool(STRANGERS));
        // A small cast may have nobody left on one side.
        let role = decks[side].draw(&found, chance).or_else(|| decks[1 - side].draw(&found, chance));
        found.extend(role);
    }
    found
}

/// People in a shuffled order, who come again only after everybody came.
struct Deck {
    mated: bool,
    shots: Vec<usize>,
    shown: Vec<usize>,
    waiting: Vec<usize>,
}

impl Deck {
    fn new(shots: &[usize], mated: bool) -> Self {
        Self { mated, shots: shots.to_vec(), shown: vec![0; shots.len()], waiting: Vec::new() }
    }

    /// Someone who is not there yet, in the next photo.
    fn draw(&mut self, there: &[Role], chance: &mut StdRng) -> Option<Role> {
        let free = |person: &usize| !there.iter().any(|role| (role.mated, role.person) == (self.mated, *person));
        if !self.waiting.iter().any(free) {
            self.waiting = (0..self.shots.len()).collect();
            self.waiting.shuffle(chance);
        }
        let place = self.waiting.iter().position(free)?;
        let person = self.waiting.remove(place);
        let shot = self.shown[person] % self.shots[person];
        self.shown[person] += 1;
        Some(Role { mated: self.mated, person, shot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(story: Story, minutes: f32, seed: u64) -> Plan {
        Plan::new(story, minutes, seed, &[vec![2; 12], vec![1; 9]])
    }

    #[test]
    fn a_day_is_mostly_empty_and_nobody_is_there_twice_at_once() {
        for seed in 1..20 {
            let day = plan(Story::Day, 5.0, seed);
            assert_eq!(day, plan(Story::Day, 5.0, seed));
            let busy: f32 = day.slots.iter().map(|slot| slot.seconds).sum();
            assert!((0.08..0.3).contains(&(busy / day.seconds)), "{busy} s of {}", day.seconds);
            for pair in day.slots.windows(2) {
                assert!(pair[0].begins + pair[0].seconds + 5.0 < pair[1].begins);
            }
            for slot in &day.slots {
                assert!((2.0..6.0).contains(&slot.seconds) && slot.begins + slot.seconds < day.seconds);
                let [first, others @ ..] = &slot.roles[..] else { panic!("a visit of nobody") };
                assert!(others.iter().all(|role| (role.mated, role.person) != (first.mated, first.person)));
            }
            let mated = day.slots.iter().flat_map(|slot| &slot.roles).filter(|role| role.mated).count();
            let all: usize = day.slots.iter().map(|slot| slot.roles.len()).sum();
            assert!(mated >= 2 && all - mated >= 2, "{mated} of {all} are mated");
        }
    }

    #[test]
    fn stories_for_one_purpose() {
        assert!(plan(Story::Still, 1.0, 1).slots.is_empty());
        let four = plan(Story::Together(4), 1.0, 1);
        assert!(four.slots.len() >= 7 && four.slots.iter().all(|slot| slot.roles.len() == 4));
    }
}
