//! What messages say, in text and in HTML. Pure.

use askama::Template;
use jiff::Timestamp;
use ostiary_common::time::UnixMillis;

use crate::domain::notify::{Notice, schedule};
use crate::ports::notify::Reason;

/// A message's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// In plain text.
    pub text: String,
    /// In HTML.
    pub html: String,
}

/// What is known beside the notice.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The installation's name.
    pub installation: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Where it happened, in names.
    pub place: String,
    /// Who was seen, if names may be told.
    pub person: Option<String>,
    /// Whether a picture comes with it.
    pub has_picture: bool,
    /// The page that shows it.
    pub page: String,
    /// Where no more of it is asked for.
    pub unsubscribe: String,
    /// Whether it is the last that may go within the hour.
    pub is_last: bool,
}

#[derive(Template)]
#[template(path = "mail/notice.txt")]
struct Text<'a> {
    lines: &'a [String],
    facts: &'a Facts,
    rule: &'a str,
}

#[derive(Template)]
#[template(path = "mail/notice.html")]
struct Html<'a> {
    title: &'a str,
    lines: &'a [String],
    facts: &'a Facts,
    rule: &'a str,
}

/// Writes a message.
#[must_use]
pub fn write(notice: &Notice, reason: Reason, facts: &Facts) -> Written {
    let (title, lines) = (title(notice, reason, facts), lines(notice, reason, facts));
    let rule = notice.rule_name.as_str();
    let text = Text { lines: &lines, facts, rule }.render().expect("writing to a text does not fail");
    let html = Html { title: &title, lines: &lines, facts, rule }.render().expect("writing to a text does not fail");
    Written { subject: format!("[{}] {title}", facts.installation), text, html }
}

/// What happened, and where, in a line.
fn title(notice: &Notice, reason: Reason, facts: &Facts) -> String {
    let kind = match (reason, &facts.person) {
        (Reason::Escalation, _) => format!("Nobody has read: {}", notice.what.in_words()),
        (_, Some(name)) if notice.what.is_about_persons() => format!("{}: {name}", notice.what.in_words()),
        _ => notice.what.in_words().to_owned(),
    };
    let times = if notice.count > 1 { format!(" ({} times)", notice.count) } else { String::new() };
    let place = if facts.place.is_empty() { String::new() } else { format!(" at {}", facts.place) };
    // A line break would begin another header.
    format!("{kind}{place}{times}").replace(['\r', '\n'], " ")
}

fn lines(notice: &Notice, reason: Reason, facts: &Facts) -> Vec<String> {
    let at = |at| local(at, &facts.time_zone);
    let mut lines = vec![title(notice, reason, facts)];
    lines.push(if notice.count > 1 {
        format!("{} times, first at {}, last at {}.", notice.count, at(notice.opened_at), at(notice.last_at))
    } else {
        format!("At {}.", at(notice.opened_at))
    });
    lines.extend(Some(notice.words.clone()).filter(|words| !words.is_empty()));
    if facts.is_last {
        lines.push("This is the last message within the hour; what comes is in the notification centre.".into());
    }
    lines
}

/// A time as people there read it.
#[must_use]
pub fn local(at: UnixMillis, zone: &str) -> String {
    let Ok(stamp) = Timestamp::from_millisecond(at.0) else { return at.to_rfc3339() };
    stamp.to_zoned(schedule::zone(zone)).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::{Place, Signal, What};

    fn notice() -> Notice {
        let at = UnixMillis(1_795_424_400_000);
        let mut notice = Notice::direct(&Signal::new(What::Unknown, at, Place::default()));
        notice.rule_name = "Nights <b>".into();
        notice
    }

    fn facts() -> Facts {
        Facts {
            installation: "Head office".into(),
            time_zone: "Europe/Vienna".into(),
            place: "Front <door>".into(),
            page: "https://doors.example/notifications/1".into(),
            unsubscribe: "https://doors.example/api/v1/unsubscribe?a=1&b=2".into(),
            ..Facts::default()
        }
    }

    #[test]
    fn says_what_where_and_when_and_lets_no_markup_in() {
        let written = write(&notice(), Reason::First, &facts());
        assert_eq!(written.subject, "[Head office] Unknown visitor at Front <door>");
        assert!(written.text.contains("At 2026-11-23 10:00:00 CET."), "{}", written.text);
        assert!(written.text.contains("unsubscribe?a=1&b=2"));
        assert!(written.html.contains("Front &#60;door&#62;") && !written.html.contains("<door>"), "{}", written.html);
        assert!(!written.html.contains("<b>") && !written.html.contains("<script"));
    }

    #[test]
    fn a_sequel_counts_and_a_name_is_told_only_if_it_is_given() {
        let mut many = notice();
        (many.count, many.last_at) = (10_000, UnixMillis(many.last_at.0 + 60_000));
        let written = write(&many, Reason::More, &facts());
        assert!(written.subject.ends_with("(10000 times)"));
        assert!(written.text.contains("last at 2026-11-23 10:01:00 CET"));
        let seen = Notice { what: What::Seen, ..notice() };
        assert!(!write(&seen, Reason::First, &facts()).text.contains("Ada"));
        let named = Facts { person: Some("Ada\r\nBcc: x".into()), ..facts() };
        let written = write(&seen, Reason::First, &named);
        assert!(written.subject.contains("Person seen: Ada") && !written.subject.contains('\n'));
    }
}
