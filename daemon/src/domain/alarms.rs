//! Alarms by rules: something must be wrong for a while before it is told, and right for a while before it is taken
//! back, so that a cloud is no covered lens and a full minute no full disk. Pure: readings and time come in.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The camera gives no frames.
    CameraLost,
    /// The picture is black, or the same all over: dark, covered, or turned to a wall.
    CameraDark,
    /// Faces have become blurred over days: dirt or dew on the lens, or it was pushed.
    CameraBlurred,
    /// The board is hot, or slows itself down.
    Hot,
    /// The disk is nearly full, or refuses writes.
    Disk,
    /// More is written to the disk than a card endures for years.
    FlashWear,
    /// The clock is not set from the network.
    Clock,
    /// Events wait for the server for long.
    Outbox,
    /// Memory has grown far beyond what the program needs.
    Memory,
    /// The certificate ends soon and was not renewed.
    Certificate,
}

/// How an alarm is raised and taken back.
struct Rule {
    alarm: Alarm,
    name: &'static str,
    words: &'static str,
    raise_after: Duration,
    clear_after: Duration,
}

const fn rule(alarm: Alarm, name: &'static str, raise_s: u64, clear_s: u64, words: &'static str) -> Rule {
    Rule { alarm, name, words, raise_after: Duration::from_secs(raise_s), clear_after: Duration::from_secs(clear_s) }
}

const RULES: [Rule; 10] = [
    rule(
        Alarm::CameraLost,
        "camera_lost",
        10,
        5,
        "the camera gives no frames: check its cable, then `ostiaryd doctor`",
    ),
    rule(
        Alarm::CameraDark,
        "camera_dark",
        120,
        30,
        "the picture is black or plain: is the lens covered, is there light?",
    ),
    rule(
        Alarm::CameraBlurred,
        "camera_blurred",
        0,
        3600,
        "faces are blurred for days: clean the lens, check its focus",
    ),
    rule(Alarm::Hot, "hot", 60, 300, "the board is hot and slows down: give it air or shade"),
    rule(Alarm::Disk, "disk", 30, 60, "the disk is nearly full or refuses writes: free space, or replace the card"),
    rule(
        Alarm::FlashWear,
        "flash_wear",
        0,
        3600,
        "more is written to the disk than a card endures: see `ostiaryd status`",
    ),
    rule(Alarm::Clock, "clock", 900, 30, "the clock is not set from the network: check time synchronisation"),
    rule(
        Alarm::Outbox,
        "outbox",
        300,
        30,
        "events wait for the server for more than an hour: check network and server",
    ),
    rule(Alarm::Memory, "memory", 120, 60, "memory has grown beyond its bound: the program starts again"),
    rule(Alarm::Certificate, "certificate", 0, 60, "the certificate ends within 7 days and was not renewed"),
];

impl Alarm {
    /// Every alarm.
    pub fn all() -> impl Iterator<Item = Self> {
        RULES.iter().map(|rule| rule.alarm)
    }

    fn rule(self) -> &'static Rule {
        RULES.iter().find(|rule| rule.alarm == self).expect("every alarm has a rule")
    }

    /// Its name in figures: `ostiary_alarm_<name>`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// What it means and what to do.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.rule().words
    }
}

/// How the board is at a moment. What is not known raises nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Readings {
    /// Frames that came since the last reading; `None` if none are expected.
    pub frames: Option<u64>,
    /// Mean brightness of the picture (0 to 255) and how much it differs from place to place.
    pub light: Option<(f32, f32)>,
    /// Faces are as sharp as they used to be.
    pub is_blurred: bool,
    /// The processor, °C.
    pub celsius: Option<f64>,
    /// The board slows itself down, or did since the last reading.
    pub is_throttled: bool,
    /// Free space for the state directory, bytes.
    pub disk_free: Option<u64>,
    /// The disk refuses writes.
    pub disk_refuses: bool,
    /// Bytes this program writes a day, as it goes.
    pub written_a_day: Option<u64>,
    /// Whether the clock is set from the network or the server.
    pub clock_synced: bool,
    /// How long the oldest event waits.
    pub outbox_age: Duration,
    /// Memory in use, and what is allowed, bytes.
    pub memory: Option<(u64, u64)>,
    /// Days the certificate lasts.
    pub certificate_days: Option<f64>,
}

/// Below this brightness a picture is black: video black is 16.
const DARK_BELOW: f32 = 20.0;
/// A picture whose blocks differ by less than this shows nothing.
const PLAIN_BELOW: f32 = 2.0;
/// From here on boards slow themselves down.
const HOT_FROM: f64 = 80.0;
/// Less free space than this is too little for an outbox and an update.
const DISK_LEAST: u64 = 64 << 20;
/// A card of 16 GB endures this for ten years, ten times over.
const WRITTEN_MOST: u64 = 500 << 20;

impl Readings {
    fn is_bad(&self, alarm: Alarm) -> bool {
        match alarm {
            Alarm::CameraLost => self.frames == Some(0),
            Alarm::CameraDark => self.light.is_some_and(|(mean, spread)| mean < DARK_BELOW || spread < PLAIN_BELOW),
            Alarm::CameraBlurred => self.is_blurred,
            Alarm::Hot => self.is_throttled || self.celsius.is_some_and(|celsius| celsius >= HOT_FROM),
            Alarm::Disk => self.disk_refuses || self.disk_free.is_some_and(|free| free < DISK_LEAST),
            Alarm::FlashWear => self.written_a_day.is_some_and(|bytes| bytes > WRITTEN_MOST),
            Alarm::Clock => !self.clock_synced,
            Alarm::Outbox => self.outbox_age >= Duration::from_secs(3600),
            Alarm::Memory => self.memory.is_some_and(|(used, most)| used > most),
            Alarm::Certificate => self.certificate_days.is_some_and(|days| days < 7.0),
        }
    }
}

/// An alarm that was raised or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub alarm: Alarm,
    /// Raised, or taken back.
    pub is_raised: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    raised: bool,
    /// Since when the readings say otherwise than `raised`.
    otherwise_since: Option<Duration>,
}

/// The alarms of a board.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    standing: BTreeMap<Alarm, Standing>,
}

impl Alarms {
    /// Takes readings at `now`, since the program's start; returns what changed.
    pub fn read(&mut self, readings: &Readings, now: Duration) -> Vec<Change> {
        RULES.iter().filter_map(|rule| self.judge(rule, readings.is_bad(rule.alarm), now)).collect()
    }

    fn judge(&mut self, rule: &Rule, is_bad: bool, now: Duration) -> Option<Change> {
        let standing = self.standing.entry(rule.alarm).or_default();
        if is_bad == standing.raised {
            standing.otherwise_since = None;
            return None;
        }
        let since = *standing.otherwise_since.get_or_insert(now);
        let patience = if is_bad { rule.raise_after } else { rule.clear_after };
        if now.saturating_sub(since) < patience {
            return None;
        }
        *standing = Standing { raised: is_bad, otherwise_since: None };
        Some(Change { alarm: rule.alarm, is_raised: is_bad })
    }

    /// Those raised now.
    pub fn raised(&self) -> impl Iterator<Item = Alarm> {
        self.standing.iter().filter(|(_, standing)| standing.raised).map(|(alarm, _)| *alarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Readings {
        Readings { frames: Some(75), light: Some((90.0, 30.0)), clock_synced: true, ..Readings::default() }
    }

    #[test]
    fn each_alarm_has_a_reading_that_raises_it_alone() {
        let check = |bad: Readings, expected: Alarm| {
            let mut alarms = Alarms::default();
            assert_eq!(alarms.read(&well(), Duration::ZERO), []);
            alarms.read(&bad, Duration::from_secs(10));
            alarms.read(&bad, Duration::from_secs(10_000));
            assert_eq!(alarms.raised().collect::<Vec<_>>(), [expected], "{bad:?}");
            alarms.read(&well(), Duration::from_secs(10_001));
            assert_eq!(alarms.raised().count(), 1, "not taken back at once: {expected:?}");
            let changes = alarms.read(&well(), Duration::from_secs(20_000));
            assert_eq!(changes, [Change { alarm: expected, is_raised: false }]);
        };
        check(Readings { frames: Some(0), ..well() }, Alarm::CameraLost);
        check(Readings { light: Some((17.0, 9.0)), ..well() }, Alarm::CameraDark);
        check(Readings { light: Some((120.0, 0.5)), ..well() }, Alarm::CameraDark);
        check(Readings { is_blurred: true, ..well() }, Alarm::CameraBlurred);
        check(Readings { celsius: Some(85.0), ..well() }, Alarm::Hot);
        check(Readings { is_throttled: true, ..well() }, Alarm::Hot);
        check(Readings { disk_free: Some(1 << 20), ..well() }, Alarm::Disk);
        check(Readings { disk_refuses: true, ..well() }, Alarm::Disk);
        check(Readings { written_a_day: Some(1 << 30), ..well() }, Alarm::FlashWear);
        check(Readings { clock_synced: false, ..well() }, Alarm::Clock);
        check(Readings { outbox_age: Duration::from_secs(7200), ..well() }, Alarm::Outbox);
        check(Readings { memory: Some((2, 1)), ..well() }, Alarm::Memory);
        check(Readings { certificate_days: Some(2.0), ..well() }, Alarm::Certificate);
    }

    #[test]
    fn what_is_bad_for_a_moment_is_not_told() {
        let mut alarms = Alarms::default();
        let dark = Readings { light: Some((17.0, 9.0)), ..well() };
        for second in (0..600).step_by(10) {
            // Dark for a minute and a half, then light for ten seconds, again and again.
            let now = Duration::from_secs(second);
            let reading = if second % 100 < 90 { dark } else { well() };
            assert_eq!(alarms.read(&reading, now), [], "{second}");
        }
    }

    #[test]
    fn a_source_that_is_at_its_end_raises_nothing() {
        let mut alarms = Alarms::default();
        let ended = Readings { frames: None, light: None, ..well() };
        assert!((0..100).all(|n| alarms.read(&ended, Duration::from_secs(n * 100)).is_empty()));
    }
}
