//! What an admin should hear when a gallery comes near what its pack can tell apart.

use std::fmt;

use super::{Capacity, TargetFpir};

/// From this share of the capacity on the admin is told.
const NEARLY_FULL: f64 = 0.8;

/// How full a gallery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// There is room yet, but not much.
    NearlyFull,
    /// More people than the pack can tell apart as wished.
    Outgrown,
}

/// A warning in plain words: its [`fmt::Display`] is for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice {
    /// How full the gallery is.
    pub fullness: Fullness,
    /// How many people the gallery holds.
    pub persons: u64,
    /// How many it could hold.
    pub capacity: Capacity,
    target: TargetFpir,
    fnir: f64,
}

impl Advice {
    /// About a capacity found before for this target and this share of known people missed; `None` while there is
    /// room.
    #[must_use]
    pub fn of(capacity: Capacity, target: TargetFpir, fnir: f64, persons: u64) -> Option<Self> {
        let fullness = if persons > capacity.persons {
            Fullness::Outgrown
        } else if persons as f64 > NEARLY_FULL * capacity.persons as f64 {
            Fullness::NearlyFull
        } else {
            return None;
        };
        Some(Self { fullness, persons, capacity, target, fnir })
    }

    fn kind_of_pack(&self) -> &'static str {
        "A pack that would serve has an embedder of 512 values of the ArcFace kind, trained on millions of faces; \
         mind its licence, and calibrate it (docs/model-packs.md). Until then choose a higher FPIR, or let each \
         door know only the people who pass there."
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (strangers, missed) = (percent(self.target.get()), percent(self.fnir));
        write!(f, "This model pack can tell {} apart if {strangers} of strangers may be matched and ", self.capacity)?;
        write!(f, "{missed} of known people missed. The gallery holds {}", self.persons)?;
        match self.fullness {
            Fullness::NearlyFull => write!(f, ": it is nearly full. ")?,
            Fullness::Outgrown if self.capacity.persons == 0 => write!(f, ". ")?,
            Fullness::Outgrown => {
                let times = self.persons as f64 / self.capacity.persons as f64;
                write!(f, ", {times:.1} times as many. ")?;
            }
        }
        f.write_str(self.kind_of_pack())
    }
}

impl fmt::Display for Capacity {
    /// "about 300 people (120 to 700)": two digits, for more are not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.persons == 0 {
            return write!(f, "nobody reliably (0 to {} people)", rounded(self.high));
        }
        write!(f, "about {} people ({} to {})", rounded(self.persons), rounded(self.low), rounded(self.high))
    }
}

fn rounded(count: u64) -> u64 {
    let unit = 10_u64.pow(count.max(1).ilog10().saturating_sub(1));
    (count + unit / 2) / unit * unit
}

fn percent(rate: f64) -> String {
    let text = format!("{:.3}", 100.0 * rate);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words() {
        let capacity = Capacity { persons: 304, low: 117, high: 712 };
        let say = |persons| Advice::of(capacity, TargetFpir::DEFAULT, 0.05, persons).map(|advice| advice.to_string());
        assert_eq!(say(200), None);
        let near = say(280).unwrap();
        assert!(near.contains("about 300 people (120 to 710)") && near.contains("nearly full"), "{near}");
        let outgrown = say(608).unwrap();
        assert!(outgrown.contains("2.0 times as many") && outgrown.contains("512"), "{outgrown}");
        assert!(outgrown.contains("1 % of strangers") && outgrown.contains("5 % of known"), "{outgrown}");
    }

    #[test]
    fn two_digits() {
        let check = |count, expected| assert_eq!(rounded(count), expected, "{count}");
        check(0, 0);
        check(7, 7);
        check(42, 42);
        check(304, 300);
        check(116_500, 120_000);
    }
}
