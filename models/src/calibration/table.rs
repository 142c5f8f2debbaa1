//! `[calibration]` of a pack's manifest: the numbers a calibration is made of, and what can be wrong with them.

use serde::{Deserialize, Serialize};

/// The levels at which `mated` gives values.
pub const MATED_LEVELS: [f64; 11] = [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0];
/// The levels at which `non_mated` gives values; the tail begins further up.
pub const NON_MATED_LEVELS: [f64; 5] = [0.0, 0.1, 0.25, 0.5, 0.75];

/// How strangers and known people score with this pack, measured on fused visits against the best of a person's
/// templates. Similarities are cosines. Written by `cargo xtask models calibrate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationTable {
    /// On what it was measured, for people.
    pub measured_on: String,
    /// People that took part.
    pub people: u32,
    /// Visits that took part.
    pub visits: u32,
    /// Pairs of different people that were compared, each counted once whatever its number of photos.
    pub pairs: u32,
    /// Templates a person had, at most.
    pub templates: u32,
    /// The least distance to the second person that goes with the thresholds.
    pub margin: f64,
    /// Strangers' similarities at [`NON_MATED_LEVELS`].
    pub non_mated: [f64; 5],
    /// Where the fitted tail of strangers begins.
    pub tail_from: f64,
    /// The share of strangers' similarities beyond.
    pub tail_rate: f64,
    /// Scale of the generalised Pareto tail.
    pub tail_scale: f64,
    /// Shape of the generalised Pareto tail.
    pub tail_shape: f64,
    /// Known people's similarities to themselves at [`MATED_LEVELS`].
    pub mated: [f64; 11],
    /// The fits of resampled people, for intervals: rate, scale and shape of the tail, then `mated`.
    #[serde(default)]
    pub resampled: Vec<[f64; 14]>,
}

impl CalibrationTable {
    /// The keys of the table as TOML, without its heading; each resampled fit on a line.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let list = |values: &[f64]| {
            format!("[{}]", values.iter().map(f64::to_string).map(decimal).collect::<Vec<_>>().join(", "))
        };
        let one = |value: f64| decimal(value.to_string());
        let mut text = format!("measured_on = {}\n", toml::Value::from(self.measured_on.as_str()));
        let counts =
            [("people", self.people), ("visits", self.visits), ("pairs", self.pairs), ("templates", self.templates)];
        text.extend(counts.map(|(key, count)| format!("{key} = {count}\n")));
        text += &format!("margin = {}\nnon_mated = {}\n", one(self.margin), list(&self.non_mated));
        text += &format!("tail_from = {}\ntail_rate = {}\n", one(self.tail_from), one(self.tail_rate));
        text += &format!("tail_scale = {}\ntail_shape = {}\n", one(self.tail_scale), one(self.tail_shape));
        text += &format!("mated = {}\nresampled = [\n", list(&self.mated));
        text.extend(self.resampled.iter().map(|row| format!("    {},\n", list(row))));
        text + "]\n"
    }

    /// Every wrong value: key, value, and what is allowed.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String, &'static str)> {
        let mut faults = Vec::new();
        let mut check = |fits: bool, key: &str, value: String, allowed: &'static str| {
            if !fits {
                faults.push((format!("calibration.{key}"), value, allowed));
            }
        };
        let rising = |values: &[f64]| {
            values.windows(2).all(|ends| ends[0] <= ends[1]) && values.iter().all(|v| (-1.0..=1.0).contains(v))
        };
        check(rising(&self.non_mated), "non_mated", format!("{:?}", self.non_mated), "cosines in rising order");
        check(rising(&self.mated), "mated", format!("{:?}", self.mated), "cosines in rising order");
        check((0.0..0.5).contains(&self.margin), "margin", self.margin.to_string(), "at least 0 and below 0.5");
        let from = self.tail_from;
        let fits = from >= self.non_mated[4] && from < 1.0;
        check(fits, "tail_from", from.to_string(), "above all of `non_mated` and below 1");
        let own = [self.tail_rate, self.tail_scale, self.tail_shape];
        check(is_tail(own), "tail_rate, tail_scale, tail_shape", format!("{own:?}"), TAIL_ALLOWED);
        for (row, values) in self.resampled.iter().enumerate() {
            let [rate, scale, shape, mated @ ..] = values;
            let fits = is_tail([*rate, *scale, *shape]) && rising(mated);
            check(fits, &format!("resampled[{row}]"), format!("{values:?}"), "a tail and rising cosines");
        }
        faults
    }
}

/// A whole number is an integer to TOML, and refused where a float is wanted.
fn decimal(mut digits: String) -> String {
    if !digits.contains('.') {
        digits.push_str(".0");
    }
    digits
}

const TAIL_ALLOWED: &str = "a rate above 0 and at most 0.2, a scale above 0 and at most 1, a shape between -1 and 0.5";

fn is_tail([rate, scale, shape]: [f64; 3]) -> bool {
    rate > 0.0 && rate <= 0.2 && scale > 0.0 && scale <= 1.0 && (-1.0..=0.5).contains(&shape)
}
