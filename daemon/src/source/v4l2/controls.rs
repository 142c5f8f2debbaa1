//! The camera's controls: those a mode sets for faces, then those named in the configuration, which win.
//!
//! Cameras differ in what they have. A mode sets what is there and says nothing of the rest; what the configuration
//! names and the camera lacks or refuses is told.

use std::collections::BTreeMap;

use v4l::Device;
use v4l::control::{Control, Description, Flags, Type, Value};

use crate::config::{CameraSection, ExposureMode};

/// A control and what to set it to, by the name `v4l2-ctl` shows.
type Setting = (&'static str, i64);

/// Automatic exposure that keeps to the frame rate, for somebody who walks must not smear; light from behind is made up
/// for; colours follow the light; focus stays where it finds faces. Menu values are those of the kernel's header.
const FACE: [Setting; 8] = [
    // 3: by aperture, the automatic of most cameras; 0 is that of the rest, tried where 3 is refused.
    ("auto_exposure", 3),
    ("exposure_auto", 3),
    ("exposure_dynamic_framerate", 0),
    ("exposure_auto_priority", 0),
    ("backlight_compensation", 1),
    ("white_balance_automatic", 1),
    ("gain_automatic", 1),
    ("focus_automatic_continuous", 1),
];
const POWER_LINE: &str = "power_line_frequency";

/// Sets the controls; what could not be set though it was asked for by name, in words.
pub fn apply(device: &Device, camera: &CameraSection) -> Vec<String> {
    let known: BTreeMap<String, Description> = match device.query_controls() {
        Ok(all) => all.into_iter().map(|control| (normalised(&control.name), control)).collect(),
        Err(error) => return vec![format!("the camera's controls cannot be listed: {error}")],
    };
    if camera.exposure == ExposureMode::Face {
        for (name, value) in FACE {
            let set = known.get(name).is_some_and(|control| set(device, control, value).is_ok());
            if !set && name.contains("exposure") && value == 3 {
                let _ = known.get(name).map(|control| set_quietly(device, control, 0));
            }
        }
    }
    let hertz = match camera.power_line_hz {
        50 => Some(1),
        60 => Some(2),
        _ => None,
    };
    if let (Some(value), Some(control)) = (hertz, known.get(POWER_LINE)) {
        set_quietly(device, control, value);
    }
    let named = camera.controls.iter();
    named.filter_map(|(name, value)| by_name(device, &known, name, *value).err()).collect()
}

fn by_name(device: &Device, known: &BTreeMap<String, Description>, name: &str, value: i64) -> Result<(), String> {
    let Some(control) = known.get(&normalised(name)) else {
        let all: Vec<&str> = known.keys().map(String::as_str).collect();
        return Err(format!("camera.controls.{name}: this camera has no such control; it has {}", all.join(", ")));
    };
    if !(control.minimum..=control.maximum).contains(&value) {
        let (least, most) = (control.minimum, control.maximum);
        return Err(format!("camera.controls.{name} = {value}: this camera allows {least} to {most}"));
    }
    set(device, control, value).map_err(|error| format!("camera.controls.{name} = {value}: {error}"))
}

fn set_quietly(device: &Device, control: &Description, value: i64) {
    if let Err(error) = set(device, control, value) {
        tracing::debug!(%error, "{} is not set to {value}: {error}", control.name);
    }
}

fn set(device: &Device, control: &Description, value: i64) -> std::io::Result<()> {
    if control.flags.intersects(Flags::READ_ONLY | Flags::DISABLED | Flags::GRABBED) {
        return Err(std::io::Error::other("the control cannot be set now"));
    }
    let value = match control.typ {
        Type::Boolean => Value::Boolean(value != 0),
        _ => Value::Integer(value.clamp(control.minimum, control.maximum)),
    };
    device.set_control(Control { id: control.id, value })
}

/// The name as `v4l2-ctl` shows it: `White Balance, Automatic` is `white_balance_automatic`.
pub fn normalised(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            plain.push(c.to_ascii_lowercase());
        } else if !plain.ends_with('_') && !plain.is_empty() {
            plain.push('_');
        }
    }
    plain.trim_end_matches('_').to_owned()
}

/// The controls of a camera in words: name, range, value now.
pub fn describe(device: &Device) -> Vec<String> {
    let controls = device.query_controls().unwrap_or_default();
    let settable = controls.into_iter().filter(|control| {
        !matches!(control.typ, Type::CtrlClass | Type::Button) && !control.flags.contains(Flags::DISABLED)
    });
    let line = |control: Description| {
        let now = device.control(control.id).map(|control| format!(", now {:?}", control.value)).unwrap_or_default();
        format!("{} = {} to {}{now}", normalised(&control.name), control.minimum, control.maximum)
    };
    settable.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_v4l2_ctl_shows() {
        let check = |name, expected| assert_eq!(normalised(name), expected);
        check("White Balance, Automatic", "white_balance_automatic");
        check("Exposure (Absolute)", "exposure_absolute");
        check("Gain", "gain");
        check("gain", "gain");
        assert!(FACE.iter().all(|(name, _)| normalised(name) == *name));
    }
}
