use super::*;
use crate::metrics::Random;
use proptest::prelude::*;

/// Scores of `people` people with five visits each: strangers' fall off exponentially above 0.8.
pub(crate) fn visits(people: usize, seed: u64) -> Visits {
    let mut random = Random::new(seed);
    let mut visits = Visits::default();
    for visitor in 0..people {
        for _ in 0..5 {
            let similarities: Vec<(usize, f32)> = (0..people)
                .map(|person| {
                    let stranger = 0.75 - 0.02 * random.unit().max(1e-9).ln();
                    let own = 1.0 - 0.08 * random.unit();
                    (person, if person == visitor { own } else { stranger } as f32)
                })
                .collect();
            visits.add(visitor, similarities);
        }
    }
    visits
}

fn calibration() -> Calibration {
    let table = fit(&visits(24, 3), "made up", 120, 3).unwrap();
    assert_eq!(table.faults(), []);
    Calibration::new(&table)
}

#[test]
fn keeps_its_promise_on_other_people() {
    let calibration = calibration();
    let (target, people) = (TargetFpir::new(0.05).unwrap(), 60);
    let point = calibration.operating_point(target, people);
    assert!(point.fpir <= 0.0501 && point.fpir_low <= 0.05 && point.fpir_high >= 0.05, "{point:?}");
    let rule = (f64::from(point.rule.threshold), f64::from(point.rule.margin));
    let mut matched = 0;
    let mut seen = 0;
    let others = visits(people + 1, 99);
    for (visitor, similarities) in others.by_visit() {
        let strangers = similarities.iter().filter(|(person, _)| *person != visitor);
        let mut scores: Vec<f64> = strangers.map(|(_, score)| *score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        matched += usize::from(scores[0] >= rule.0 && scores[0] - scores[1] >= rule.1);
        seen += 1;
    }
    let fpir = f64::from(matched as u32) / f64::from(seen);
    assert!(fpir < 0.1, "{fpir} for {point:?}");
}

#[test]
fn capacity_lies_within_its_interval_and_answers_to_wishes() {
    let calibration = calibration();
    let persons = |fpir: f64, fnir: f64| {
        let capacity = calibration.capacity(TargetFpir::new(fpir).unwrap(), fnir);
        assert!(capacity.low <= capacity.persons && capacity.persons <= capacity.high, "{capacity:?}");
        capacity.persons
    };
    let usual = persons(0.01, 0.2);
    assert!(usual > 0 && persons(0.05, 0.2) >= usual && persons(0.01, 0.4) >= usual && persons(0.01, 0.1) <= usual);
    assert_eq!(persons(0.01, 0.0), 0);
}

#[test]
fn advice_comes_with_the_crowd() {
    let calibration = calibration();
    let room = calibration.capacity(TargetFpir::DEFAULT, 0.2).persons as usize;
    let advice = |persons: usize| calibration.advice(TargetFpir::DEFAULT, 0.2, persons).map(|advice| advice.fullness);
    assert_eq!(advice(room / 2), None);
    assert_eq!(advice(room), Some(Fullness::NearlyFull));
    assert_eq!(advice(room + 1), Some(Fullness::Outgrown));
}

#[test]
fn far_thresholds_are_called_extrapolated() {
    let calibration = calibration();
    let extrapolated =
        |fpir: f64, people| calibration.operating_point(TargetFpir::new(fpir).unwrap(), people).extrapolated;
    assert!(!extrapolated(0.3, 5));
    assert!(extrapolated(0.001, 1000));
}

#[test]
fn halves_keep_their_promise_to_each_other() {
    let tried = held_out(&visits(40, 5), TargetFpir::new(0.1).unwrap(), None).unwrap();
    let fpir = tried.fpir.unwrap();
    assert!(tried.persons == 20 && fpir.low <= 0.1 && fpir.value < 0.2, "{tried:?}");
}

#[test]
fn written_and_read_again() {
    let table = fit(&visits(24, 3), "made \"up\"", 120, 3).unwrap();
    assert_eq!(toml::from_str::<CalibrationTable>(&table.to_toml()).unwrap(), table);
}

#[test]
fn too_few_people_are_refused() {
    assert_eq!(fit(&visits(5, 1), "", 25, 3), Err(FitError::TooFewPeople { found: 5, needed: 6 }));
    let strangers = visits(12, 1).among(|person| person != 3);
    assert!(fit(&strangers, "", 55, 3).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn thresholds_rise_with_the_gallery_and_fall_with_the_target(
        target in 0.0005_f64..0.2, people in 1_usize..5000, more in 1_usize..50
    ) {
        let calibration = calibration();
        let threshold = |target: f64, people: usize| {
            calibration.operating_point(TargetFpir::new(target).unwrap(), people).rule.threshold
        };
        prop_assert!(threshold(target, people * more) >= threshold(target, people));
        prop_assert!(threshold(target * 2.0, people) <= threshold(target, people));
    }
}
