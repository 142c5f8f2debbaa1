//! Stories in which everything goes wrong: none may break a promise, and a broken rule must be noticed.

use ostiary_e2e::sim::broken::Broken;
use ostiary_e2e::sim::run::{SimArgs, run};
use ostiary_e2e::sim::violation::Rule;

/// Seeds that found something once; each was a fault of the product, told in `docs/faults.md`.
const FOUND_SOMETHING: [u64; 2] = [127, 297];

fn args(seed: u64, seeds: u64, broken: Option<Broken>) -> SimArgs {
    SimArgs { seeds, seed, steps: 250, broken, verbose: false }
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_doubled_or_held_wrongly() {
    let report = run(&args(1, 300, None), 1).unwrap();
    assert_eq!(report.violations.first().map(|caught| (caught.seed, caught.what.as_str())), None);
    assert!(report.events > 1_000, "{report:?}");
    assert!(report.seeds_with_all_faults * 5 > report.seeds, "{report:?}");
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
    for (broken, expected) in [
        (Broken::AckBeforeCommit, Rule::Lost),
        (Broken::DeleteOnPuback, Rule::Lost),
        (Broken::NoDedupe, Rule::Doubled),
        (Broken::NoDigest, Rule::NotConverged),
        (Broken::NoTombstone, Rule::HeldWrongly),
    ] {
        let report = run(&args(1, 100, Some(broken)), 5).unwrap();
        assert!(report.rules().contains(&expected), "{broken:?}: {report:?}");
    }
}
