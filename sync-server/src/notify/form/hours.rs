//! Hours of the week, and the time zone they are counted by.

use garde::Validate;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidForm, invalid};
use crate::domain::notify::{Schedule, Window};

/// Hours of some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct WindowForm {
    /// Days it begins on: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`.
    #[garde(length(min = 1, max = 7))]
    #[schema(example = json!(["mon", "fri"]))]
    pub days: Vec<String>,
    /// It begins at, `HH:MM`.
    #[garde(length(max = 5))]
    #[schema(example = "22:00")]
    pub from: String,
    /// It ends before, `HH:MM`; at or before `from`, that is on the next day.
    #[garde(length(max = 5))]
    #[schema(example = "06:00")]
    pub until: String,
}

/// Two digits, and no sign in place of one.
fn is_two(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn clock(field: &'static str, text: &str) -> Result<Time, InvalidForm> {
    let wrong = || invalid(field, format!("must be a time as in `22:00`, not {text:?}"));
    let (hour, minute) = text.split_once(':').filter(|(h, m)| is_two(h) && is_two(m)).ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<i8>().map_err(|_| wrong());
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| wrong())
}

pub(super) fn clock_text(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn day(text: &str) -> Result<Weekday, InvalidForm> {
    let found = DAYS.into_iter().find(|(name, _)| *name == text).map(|(_, day)| day);
    found.ok_or_else(|| invalid("days", format!("must be mon, tue, wed, thu, fri, sat or sun, not {text:?}")))
}

pub(super) fn schedule(field: &'static str, windows: &[WindowForm]) -> Result<Schedule, InvalidForm> {
    let window = |form: &WindowForm| {
        let days = form.days.iter().map(|text| day(text)).collect::<Result<Vec<_>, _>>()?;
        Ok(Window { days, from: clock(field, &form.from)?, until: clock(field, &form.until)? })
    };
    windows.iter().map(window).collect::<Result<_, _>>().map(Schedule)
}

pub(super) fn windows(schedule: &Schedule) -> Vec<WindowForm> {
    let name = |day: &Weekday| DAYS.iter().find(|(_, known)| known == day).map_or("mon", |(name, _)| name).to_owned();
    let form = |window: &Window| WindowForm {
        days: window.days.iter().map(name).collect(),
        from: clock_text(window.from),
        until: clock_text(window.until),
    };
    schedule.0.iter().map(form).collect()
}

pub(super) fn zone(name: &str) -> Result<String, InvalidForm> {
    let unknown = |_| invalid("time_zone", "must be the IANA name of a time zone, as `Europe/Vienna`");
    TimeZone::get(name).map(|_| name.to_owned()).map_err(unknown)
}

/// The zone of who says none.
pub(super) fn utc() -> String {
    "UTC".into()
}
