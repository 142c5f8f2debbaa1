//! A forecast in words for an admin who knows doors, not statistics.

use ostiary_common::ids::PackId;
use ostiary_models::calibration::OperatingPoint;

use super::forecast::{Basis, Forecast, Room};

/// What is said of a pack that was never calibrated.
pub const NOT_CALIBRATED: &str = "This model pack is not calibrated: no threshold can be derived from a target, and \
    nobody can say how many people it tells apart. Use a pack with a `[calibration]`, or calibrate this one on \
    labelled photos as docs/model-packs.md says; until then only threshold and margin can be set.";

/// The whole forecast.
pub(super) fn explain(pack: &PackId, forecast: &Forecast) -> String {
    let decision = decision(pack, forecast);
    let (Some(expected), Some(room)) = (&forecast.expected, &forecast.room) else {
        return format!("{decision} {NOT_CALIBRATED}");
    };
    let mut text = format!("{decision} {} {}", errors(expected, forecast.question.persons), serves(room));
    if expected.extrapolated {
        text.push_str(
            " These figures lie beyond what was measured for this pack: take them as the continuation of a trend, \
             not as a promise.",
        );
    }
    text
}

fn decision(pack: &PackId, forecast: &Forecast) -> String {
    let (threshold, margin) = (forecast.rule.threshold, forecast.rule.margin);
    let why = match forecast.basis {
        Basis::Target => "as follows from the target",
        Basis::Figures => "as was set by hand",
        Basis::Pack => "the pack's own rule, since no target is in force",
    };
    format!(
        "With {pack}, a match needs a similarity of {threshold:.3} and {margin:.3} more than to the next person ({why})."
    )
}

fn errors(expected: &OperatingPoint, persons: u64) -> String {
    format!(
        "With {} to be expected are: {} of strangers' visits taken for someone ({} to {}), and {} of enrolled people's \
         visits not recognised.",
        people(persons),
        percent(expected.fpir),
        percent(expected.fpir_low),
        percent(expected.fpir_high),
        percent(expected.fnir),
    )
}

fn serves(room: &Room) -> String {
    format!(
        "At {} of strangers taken for someone and {} of enrolled people not recognised, this pack can tell apart {}.",
        percent(room.target_fpir.into()),
        percent(room.target_fnir.into()),
        room.capacity
    )
}

fn people(persons: u64) -> String {
    match persons {
        0 => "nobody enrolled yet,".into(),
        1 => "1 person enrolled,".into(),
        more => format!("{more} people enrolled,"),
    }
}

/// A share as people say it: two digits that count.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        p if p <= 0.0 => "0 %".into(),
        p if p < 0.000_1 => "under 0.0001 %".into(),
        p if p >= 10.0 => format!("{p:.0} %"),
        p => {
            let digits = (1.0 - p.log10().floor()).clamp(0.0, 6.0) as usize;
            let text = format!("{p:.digits$}");
            format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_as_people_say_them() {
        let check = |share: f64, expected: &str| assert_eq!(percent(share), expected, "{share}");
        check(0.0, "0 %");
        check(1e-9, "under 0.0001 %");
        check(0.000_123_4, "0.012 %");
        check(f64::from(0.01_f32), "1 %");
        check(0.0123, "1.2 %");
        check(0.099, "9.9 %");
        check(0.456, "46 %");
        check(1.0, "100 %");
    }
}
