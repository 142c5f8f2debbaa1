//! Stories in which everything goes wrong: none may break a promise, and a broken rule must be noticed.

use ostiary_e2e::sim::broken::Broken;
use ostiary_e2e::sim::run::{SimArgs, run};
use ostiary_e2e::sim::violation::Rule;

/// Seeds that found something once; each was a fault of the product, told in `docs/faults.md`. A change of what the
/// simulation draws makes other stories of them; what they found has tests of its own where it was mended.
const FOUND_SOMETHING: [u64; 7] = [127, 174, 297, 389, 470, 2801, 9029];

/// Rules broken on purpose, what each leads to, and the first seed at which that is seen.
const NOTICED: [(Broken, Rule, u64); 5] = [
    (Broken::AckBeforeCommit, Rule::Lost, 1),
    (Broken::DeleteOnPuback, Rule::Lost, 1),
    (Broken::NoDedupe, Rule::Doubled, 1),
    (Broken::NoDigest, Rule::NotConverged, 7),
    (Broken::NoTombstone, Rule::HeldWrongly, 13),
];
/// Stories after that seed in which a broken rule must be noticed, should what the simulation draws have changed.
const AFTER: u64 = 100;

fn args(seed: u64, seeds: u64, broken: Option<Broken>) -> SimArgs {
    SimArgs { seeds, seed, steps: 250, broken, verbose: false }
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_doubled_or_held_wrongly() {
    let report = run(&args(1, 300, None), 1).unwrap();
    assert_eq!(report.violations.first().map(|caught| (caught.seed, caught.what.as_str())), None);
    assert!(report.events > 1_000, "{report:?}");
    assert!(report.seeds_with_all_faults * 2 > report.seeds, "{report:?}");
}

#[test]
fn what_went_wrong_once_goes_well() {
    for seed in FOUND_SOMETHING {
        let report = run(&args(seed, 1, None), 1).unwrap();
        assert_eq!(report.violations.first().map(|caught| caught.what.as_str()), None, "seed {seed}");
    }
}

#[test]
fn a_story_is_told_the_same_again() {
    let told = || serde_json::to_string(&run(&args(7, 3, None), 1).unwrap()).unwrap();
    assert_eq!(told(), told());
}

#[test]
fn broken_rules_are_noticed() {
    for (broken, expected, seed) in NOTICED {
        let is_noticed = |seeds| run(&args(seed, seeds, Some(broken)), 5).unwrap().rules().contains(&expected);
        assert!(is_noticed(1) || is_noticed(AFTER), "{broken:?} is not noticed from seed {seed} on");
    }
}
