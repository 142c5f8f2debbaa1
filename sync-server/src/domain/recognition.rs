//! How strict recognition is, and who said so: the device's own settings before its door's, the door's before
//! the installation's. [`desired`] is the rule; everything else here is what it works with.

mod share;

use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{DeviceSettings, LivenessPolicy};

pub use share::{InvalidShare, InvalidSimilarity, Share, Similarity};

/// Share of enrolled people's visits that may go unrecognised, if nobody chose another.
pub const DEFAULT_FNIR: f32 = 0.05;
/// Share of strangers' visits that may be taken for someone, for which figures are shown as long as nobody chose.
pub const DEFAULT_FPIR: f32 = 0.01;

/// What the admin chose for the whole installation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InstallationRules {
    /// Share of strangers' visits that may be taken for someone; without one, the model pack's own threshold and
    /// margin hold.
    pub target_fpir: Option<Share>,
    /// Share of enrolled people's visits that may go unrecognised; the gallery's capacity is judged by it.
    pub target_fnir: Share,
    /// What is done with a visit that does not look live; without one, the device's own configuration holds.
    pub liveness: Option<LivenessPolicy>,
    /// Similarity from which another person is named at enrollment; without one it follows from the decision's
    /// threshold and margin.
    pub lookalike: Option<Similarity>,
}

impl Default for InstallationRules {
    fn default() -> Self {
        let target_fnir = Share::parse(DEFAULT_FNIR).expect("the default lies between 0 and 1");
        Self { target_fpir: None, target_fnir, liveness: None, lookalike: None }
    }
}

impl InstallationRules {
    /// What of it devices are told.
    pub fn layer(&self) -> Layer {
        Layer { target_fpir: self.target_fpir, liveness: self.liveness, ..Layer::default() }
    }
}

/// What one door (or the installation, or a device) says; `None` is not said here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Layer {
    /// Share of strangers' visits that may be taken for someone.
    pub target_fpir: Option<Share>,
    /// Least similarity for a match, whatever the target.
    pub match_threshold: Option<Similarity>,
    /// Least distance to the second person, whatever the target.
    pub match_margin: Option<Similarity>,
    /// What is done with a visit that does not look live.
    pub liveness: Option<LivenessPolicy>,
}

/// Something settable at a version.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Versioned<T> {
    /// What is set.
    pub value: T,
    /// Rises with every change; 0 if never set.
    pub version: u64,
    /// The last change.
    pub changed_at: Option<UnixMillis>,
}

/// A change that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The version it was made against; `None` if that does not matter to who makes it.
    pub expected: Option<u64>,
    /// When.
    pub now: UnixMillis,
}

/// What a change led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The new version.
    pub version: u64,
    /// Devices whose desired configuration has a new version by it.
    pub devices: Vec<DeviceId>,
}

/// What a device is told by its door and by the installation, where its own settings say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Inherited {
    /// The door's.
    pub door: Layer,
    /// The installation's.
    pub installation: Layer,
}

/// What a device is to be told: its own settings, completed by its door's, those by the installation's.
///
/// Threshold and margin are each decided by the first that says anything of them, by a figure or by a target:
/// a door's target is not undone by a threshold of the installation, nor a device's target by one of its door.
/// Where one layer says both, its figure wins over its target. The target is told if anything follows from it.
pub fn desired(own: &DeviceSettings, inherited: &Inherited) -> DeviceSettings {
    let layers = [told(own), plain(&inherited.door), plain(&inherited.installation)];
    let threshold = first(&layers, |layer| layer.match_threshold);
    let margin = first(&layers, |layer| layer.match_margin);
    let derived = threshold.is_none() || margin.is_none();
    DeviceSettings {
        match_threshold: threshold,
        match_margin: margin,
        target_fpir: layers.iter().find_map(|layer| layer.target_fpir).filter(|_| derived),
        liveness: layers.iter().find_map(|layer| layer.liveness),
        ..own.clone()
    }
}

/// The figure of the first layer that says it or has a target it follows from.
fn first(layers: &[DeviceSettings], figure: impl Fn(&DeviceSettings) -> Option<f32>) -> Option<f32> {
    layers.iter().find(|layer| figure(layer).is_some() || layer.target_fpir.is_some()).and_then(figure)
}

/// Of a device's own settings, what concerns recognition.
fn told(own: &DeviceSettings) -> DeviceSettings {
    let DeviceSettings { match_threshold, match_margin, target_fpir, liveness, .. } = *own;
    DeviceSettings { match_threshold, match_margin, target_fpir, liveness, ..DeviceSettings::default() }
}

fn plain(layer: &Layer) -> DeviceSettings {
    DeviceSettings {
        match_threshold: layer.match_threshold.map(Similarity::get),
        match_margin: layer.match_margin.map(Similarity::get),
        target_fpir: layer.target_fpir.map(Share::get),
        liveness: layer.liveness,
        ..DeviceSettings::default()
    }
}

/// A liveness policy's name in store, API and words.
pub const fn liveness_name(policy: LivenessPolicy) -> &'static str {
    match policy {
        LivenessPolicy::Off => "off",
        LivenessPolicy::Report => "report",
        LivenessPolicy::Block => "block",
    }
}

/// Reads a liveness policy's name.
pub fn parse_liveness(text: &str) -> Option<LivenessPolicy> {
    [LivenessPolicy::Off, LivenessPolicy::Report, LivenessPolicy::Block]
        .into_iter()
        .find(|policy| liveness_name(*policy) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Target, threshold, margin; 0 is not said.
    type Said = (f32, f32, f32);

    fn layer((target, threshold, margin): Said) -> Layer {
        Layer {
            target_fpir: Share::parse(target).ok(),
            match_threshold: Some(threshold).filter(|t| *t > 0.0).map(|t| Similarity::parse(t).unwrap()),
            match_margin: Some(margin).filter(|m| *m > 0.0).map(|m| Similarity::parse(m).unwrap()),
            liveness: None,
        }
    }

    fn check(device: Said, door: Said, installation: Said, expected: Said) {
        let own = DeviceSettings { min_face_px: Some(60), ..plain(&layer(device)) };
        let inherited = Inherited { door: layer(door), installation: layer(installation) };
        let expected = DeviceSettings { min_face_px: Some(60), ..plain(&layer(expected)) };
        assert_eq!(desired(&own, &inherited), expected, "{device:?} {door:?} {installation:?}");
    }

    #[test]
    fn the_nearest_word_counts() {
        const NOTHING: Said = (0.0, 0.0, 0.0);
        check(NOTHING, NOTHING, NOTHING, NOTHING);
        check(NOTHING, NOTHING, (0.01, 0.0, 0.0), (0.01, 0.0, 0.0));
        check(NOTHING, (0.001, 0.0, 0.0), (0.01, 0.0, 0.0), (0.001, 0.0, 0.0));
        check((0.1, 0.0, 0.0), (0.001, 0.0, 0.0), (0.01, 0.0, 0.0), (0.1, 0.0, 0.0));
        // A figure of the door over the installation's target, the other figure still following from it.
        check(NOTHING, (0.0, 0.9, 0.0), (0.01, 0.0, 0.0), (0.01, 0.9, 0.0));
        check(NOTHING, (0.0, 0.0, 0.05), (0.01, 0.0, 0.0), (0.01, 0.0, 0.05));
        // Both figures: nothing follows from the target any more.
        check(NOTHING, (0.0, 0.9, 0.05), (0.01, 0.0, 0.0), (0.0, 0.9, 0.05));
        // A device's target undoes the figures of its door.
        check((0.1, 0.0, 0.0), (0.0, 0.9, 0.05), (0.01, 0.0, 0.0), (0.1, 0.0, 0.0));
        // A door's target does not undo the figures of the device.
        check((0.0, 0.8, 0.0), (0.001, 0.0, 0.05), NOTHING, (0.0, 0.8, 0.05));
        check((0.0, 0.8, 0.0), (0.001, 0.0, 0.0), NOTHING, (0.001, 0.8, 0.0));
        // Both in one place: the figure wins, the target gives the rest.
        check(NOTHING, (0.001, 0.9, 0.0), NOTHING, (0.001, 0.9, 0.0));
        check((0.0, 0.8, 0.0), (0.0, 0.9, 0.05), NOTHING, (0.0, 0.8, 0.05));
    }

    #[test]
    fn liveness_is_inherited_by_itself() {
        let policies = [None, Some(LivenessPolicy::Off), Some(LivenessPolicy::Report), Some(LivenessPolicy::Block)];
        for own in policies {
            for door in policies {
                for installation in policies {
                    let settings = DeviceSettings { liveness: own, ..DeviceSettings::default() };
                    let layer = |liveness| Layer { liveness, ..Layer::default() };
                    let inherited = Inherited { door: layer(door), installation: layer(installation) };
                    assert_eq!(desired(&settings, &inherited).liveness, own.or(door).or(installation));
                }
            }
        }
        for policy in policies.into_iter().flatten() {
            assert_eq!(parse_liveness(liveness_name(policy)), Some(policy));
        }
        assert_eq!(parse_liveness("Block"), None);
    }
}
