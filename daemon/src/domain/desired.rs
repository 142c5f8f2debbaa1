//! Settings the server wants: looked at once, taken whole or refused with the reason, never going back.

use ostiary_common::wire::{ConfigDesired, ConfigReported, DeviceSettings};

/// What came of a message with settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// Older than what was looked at before; nothing is said about it.
    Older,
    /// The same as before: say again what is in force.
    Same,
    /// To be kept and used from now on.
    Accepted,
    /// Not allowed, with the reason.
    Refused(String),
}

/// Looks at `desired` when version `known` was looked at last.
pub fn take(desired: &ConfigDesired, known: Option<u64>) -> Taken {
    match known {
        Some(known) if desired.version < known => Taken::Older,
        Some(known) if desired.version == known => Taken::Same,
        _ => match refusal(&desired.settings) {
            Some(reason) => Taken::Refused(reason),
            None => Taken::Accepted,
        },
    }
}

/// The report about what was taken.
pub fn report(version: u64, error: Option<String>, in_force: DeviceSettings) -> ConfigReported {
    ConfigReported { version, error, settings: in_force }
}

fn refusal(settings: &DeviceSettings) -> Option<String> {
    let share = |key: &str, value: Option<f32>| {
        value.filter(|v| !(0.0..=1.0).contains(v)).map(|v| format!("{key} = {v}: allowed is 0 to 1"))
    };
    let within = |key: &str, value: Option<u32>, least: u32, most: u32| {
        value.filter(|v| !(least..=most).contains(v)).map(|v| format!("{key} = {v}: allowed is {least} to {most}"))
    };
    share("match_threshold", settings.match_threshold)
        .or_else(|| share("match_margin", settings.match_margin))
        .or_else(|| {
            settings
                .target_fpir
                .filter(|v| !(*v > 0.0 && *v < 1.0))
                .map(|v| format!("target_fpir = {v}: allowed is above 0 and below 1"))
        })
        .or_else(|| within("min_face_px", settings.min_face_px, 16, 1000))
        .or_else(|| within("health_interval_s", settings.health_interval_s, 1, 86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_values() {
        let check = |version, known, settings: DeviceSettings, expected: &str| {
            let taken = format!("{:?}", take(&ConfigDesired { version, settings, pack: None }, known));
            assert!(taken.starts_with(expected) || taken.contains(expected), "{taken} is not {expected}");
        };
        let none = DeviceSettings::default;
        check(1, None, none(), "Accepted");
        check(1, Some(2), none(), "Older");
        check(2, Some(2), none(), "Same");
        check(3, Some(2), none(), "Accepted");
        check(3, Some(2), DeviceSettings { match_threshold: Some(1.5), ..none() }, "match_threshold = 1.5");
        check(3, Some(2), DeviceSettings { match_margin: Some(f32::NAN), ..none() }, "match_margin");
        check(3, Some(2), DeviceSettings { target_fpir: Some(0.0), ..none() }, "target_fpir = 0: allowed");
        check(3, Some(2), DeviceSettings { min_face_px: Some(1), ..none() }, "allowed is 16 to 1000");
        check(3, Some(2), DeviceSettings { health_interval_s: Some(0), ..none() }, "health_interval_s");
    }
}
