//! Every figure against its definition, on scores with many ties.

use super::*;
use proptest::prelude::*;

fn trials() -> impl Strategy<Value = Vec<Trial>> {
    let score = prop_oneof![9 => (0_u8..20).prop_map(|s| Some(f64::from(s) / 20.0)), 1 => Just(None)];
    let trial = (score, any::<bool>(), 0_usize..6, 0_usize..6);
    let one =
        trial.prop_map(|(score, mated, a, b)| Trial { score, mated, subjects: if mated { [a, a] } else { [a, b] } });
    proptest::collection::vec(one, 2..80)
        .prop_filter("both kinds", |all| all.iter().any(|t| t.mated) && all.iter().any(|t| !t.mated))
}

/// The share of `kind` for which `holds`.
fn share(trials: &[Trial], mated: bool, holds: impl Fn(f64) -> bool) -> f64 {
    let of_kind: Vec<f64> = trials.iter().filter(|t| t.mated == mated).map(score).collect();
    of_kind.iter().filter(|s| holds(**s)).count() as f64 / of_kind.len() as f64
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

proptest! {
    #[test]
    fn rates_are_as_defined(list in trials(), threshold in -0.1_f64..1.1) {
        let curve = Trials::new(list.clone()).curve();
        prop_assert!(near(curve.false_match(threshold).unwrap(), share(&list, false, |s| s >= threshold)));
        prop_assert!(near(curve.false_non_match(threshold).unwrap(), share(&list, true, |s| s < threshold)));
        for point in curve.points() {
            prop_assert!(near(point.false_match, share(&list, false, |s| s >= point.threshold)));
            prop_assert!(near(point.false_non_match, share(&list, true, |s| s < point.threshold)));
        }
    }

    #[test]
    fn auc_is_the_share_of_pairs_won(list in trials()) {
        let mut won = 0.0;
        let mut pairs = 0.0;
        for m in list.iter().filter(|t| t.mated) {
            for n in list.iter().filter(|t| !t.mated) {
                let (m, n) = (score(m), score(n));
                won += if m > n { 1.0 } else if m == n { 0.5 } else { 0.0 };
                pairs += 1.0;
            }
        }
        prop_assert!(near(Trials::new(list).curve().auc().unwrap(), won / pairs));
    }

    #[test]
    fn fnmr_at_fmr_is_the_best_allowed(list in trials(), most in 0.0_f64..1.0) {
        // Any threshold will do, also between scores.
        let thresholds = (0..=44).map(|step| f64::from(step) / 40.0);
        let allowed = thresholds.filter(|t| share(&list, false, |s| s >= *t) <= most + 1e-12);
        let best = allowed.map(|t| share(&list, true, |s| s < t)).fold(1.0, f64::min);
        prop_assert!(near(Trials::new(list).curve().false_non_match_at(most).unwrap(), best));
    }

    #[test]
    fn the_equal_error_rate_lies_between_its_neighbours(list in trials()) {
        let curve = Trials::new(list).curve();
        let eer = curve.eer().unwrap();
        // No threshold has both errors below it, and one close by has both near it.
        for point in curve.points() {
            prop_assert!(point.false_match.max(point.false_non_match) >= eer - 1e-9);
        }
        let before = curve.points().iter().rfind(|p| p.false_non_match < p.false_match);
        let after = curve.points().iter().find(|p| p.false_non_match >= p.false_match).unwrap();
        let least = after.false_match.min(before.map_or(1.0, |p| p.false_non_match));
        let most = after.false_non_match.max(before.map_or(0.0, |p| p.false_match));
        prop_assert!(least - 1e-9 <= eer && eer <= most + 1e-9, "{least} {eer} {most}");
    }

    #[test]
    fn intervals_hold_their_figures(list in trials()) {
        for estimate in Trials::new(list).estimate(|curve| [curve.auc(), curve.eer()]).into_iter().flatten() {
            prop_assert!(estimate.low <= estimate.value && estimate.value <= estimate.high);
        }
    }
}

#[test]
fn pairs_of_few_people_are_few_witnesses() {
    // 400 mated trials that all fail or all succeed by person: as unsure as the number of people.
    let list = |people: usize| {
        let trial = |i: usize| Trial {
            score: Some(if i % people < people / 4 { 0.0 } else { 1.0 }),
            mated: true,
            subjects: [i % people; 2],
        };
        Trials::new((0..400).map(trial)).estimate(|curve| [curve.false_non_match(0.5)])[0].unwrap()
    };
    let (few, many) = (list(8), list(200));
    assert!(near(few.value, 0.25) && near(many.value, 0.25));
    assert!(few.high - few.low > 3.0 * (many.high - many.low), "{few:?} {many:?}");
}

#[test]
fn one_kind_alone_has_no_curve() {
    let curve = Trials::new([Trial { score: Some(0.5), mated: true, subjects: [0, 0] }]).curve();
    assert_eq!((curve.auc(), curve.eer(), curve.false_match(0.1)), (None, None, None));
    assert_eq!(curve.false_non_match(0.6), Some(1.0));
}
