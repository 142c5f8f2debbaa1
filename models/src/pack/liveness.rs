//! `[liveness]` of a manifest: where liveness is drawn, and a net of the pack's own if it has one.

use std::time::Duration;

use serde::Deserialize;

use super::manifest::{ColorOrder, ModelFile};
use crate::liveness::LivenessRules;

/// The section; everything in it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivenessSpec {
    /// A score below is suspected, 0 to 1.
    #[serde(default)]
    pub threshold: Option<f32>,
    /// Looks before anything is said.
    #[serde(default)]
    pub min_looks: Option<u32>,
    /// Milliseconds between the first and the last look before anything is said.
    #[serde(default)]
    pub min_span_ms: Option<u64>,
    /// A net that tells living faces from copies by a single look.
    #[serde(default)]
    pub net: Option<LivenessNetSpec>,
}

/// How the net's output is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LivenessOutput {
    /// Probabilities of the classes.
    #[default]
    Probabilities,
    /// Logits of the classes: softmax makes probabilities of them.
    Logits,
}

/// A net whose input is `(value - mean) / std` of 8-bit colours, [1, 3, `input_side`, `input_side`], of a square
/// around the face; its first output has one value a class.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivenessNetSpec {
    /// The file.
    pub model: ModelFile,
    /// The side of the input, in pixels.
    pub input_side: u32,
    /// The side of the square around the face, in longer sides of its box.
    #[serde(default = "crop")]
    pub crop: f32,
    /// Which class, counted from 0, is the living face.
    pub live_class: usize,
    /// How the output is read.
    #[serde(default)]
    pub output: LivenessOutput,
    /// Order of colours.
    #[serde(default)]
    pub color: ColorOrder,
    /// Taken away from each colour, in the net's order.
    #[serde(default)]
    pub mean: [f32; 3],
    /// What each colour is divided by.
    #[serde(default = "ones")]
    pub std: [f32; 3],
}

impl LivenessSpec {
    /// The pack's own rules, else the usual ones.
    #[must_use]
    pub fn rules(&self) -> LivenessRules {
        let usual = LivenessRules::default();
        LivenessRules {
            threshold: self.threshold.unwrap_or(usual.threshold),
            min_looks: self.min_looks.unwrap_or(usual.min_looks),
            min_span: self.min_span_ms.map_or(usual.min_span, Duration::from_millis),
        }
    }
}

impl LivenessOutput {
    /// The probability of a class; `None` if there is no such class or a value is not finite.
    #[must_use]
    pub fn probability(self, values: &[f32], class: usize) -> Option<f32> {
        let value = *values.get(class)?;
        let found = match self {
            Self::Probabilities => value,
            Self::Logits => 1.0 / values.iter().map(|other| (other - value).exp()).sum::<f32>(),
        };
        found.is_finite().then_some(found.clamp(0.0, 1.0))
    }
}

const fn crop() -> f32 {
    2.7
}

const fn ones() -> [f32; 3] {
    [1.0; 3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_become_probabilities() {
        let check = |output: LivenessOutput, values: &[f32], class, expected: Option<f32>| {
            let found = output.probability(values, class);
            let near = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-5,
                (found, expected) => found == expected,
            };
            assert!(near, "{output:?} {values:?}: {found:?}");
        };
        check(LivenessOutput::Probabilities, &[0.1, 0.9], 1, Some(0.9));
        check(LivenessOutput::Probabilities, &[1.2], 0, Some(1.0));
        check(LivenessOutput::Logits, &[0.0, 0.0], 1, Some(0.5));
        check(LivenessOutput::Logits, &[900.0, -900.0, 0.0], 0, Some(1.0));
        check(LivenessOutput::Logits, &[900.0, -900.0, 0.0], 1, Some(0.0));
        check(LivenessOutput::Logits, &[0.0, 0.0], 2, None);
        check(LivenessOutput::Probabilities, &[f32::NAN], 0, None);
    }

    #[test]
    fn what_is_left_out_is_as_usual() {
        let spec: LivenessSpec = toml::from_str("threshold = 0.3\nmin_span_ms = 900").unwrap();
        let usual = LivenessRules::default();
        let wanted = LivenessRules { threshold: 0.3, min_span: Duration::from_millis(900), ..usual };
        assert_eq!(spec.rules(), wanted);
        assert_eq!(LivenessSpec::default().rules(), usual);
    }
}
