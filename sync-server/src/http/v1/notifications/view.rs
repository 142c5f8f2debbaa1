//! A notification as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ports::notify::Told;

/// What somebody was told of: something that happened once or, gathered, more often.
#[derive(Serialize, ToSchema)]
pub struct NotificationView {
    /// Id; rises with the time it first happened.
    pub(super) id: Uuid,
    /// The kind of thing, as in rules; beside these `mention`.
    what: String,
    /// The kind in words.
    title: String,
    /// The rule it is by; absent of what is told because it concerns the account itself.
    rule: Option<Uuid>,
    /// The rule's name then.
    rule_name: Option<String>,
    /// The site, if all of it happened at one.
    site: Option<Uuid>,
    /// The door, if all of it happened at one.
    door: Option<Uuid>,
    /// The device, if it is about one.
    device: Option<Uuid>,
    /// The person, if all of it is about one.
    person: Option<Uuid>,
    /// The conversation it is about.
    thread: Option<Uuid>,
    /// More, in words.
    words: String,
    /// How often it happened.
    count: u64,
    /// When it first happened.
    opened_at: String,
    /// When it last happened.
    last_at: String,
    /// Whether more of it is still gathered.
    is_open: bool,
    /// The first event of it; all are at `/api/v1/notifications/{id}/events`.
    first_event: Option<Uuid>,
    /// Whether it is new, or more came since it was read.
    unread: bool,
    /// When it was last read.
    read_at: Option<String>,
}

impl From<&Told> for NotificationView {
    fn from(told: &Told) -> Self {
        let notice = &told.notice;
        Self {
            id: notice.id.0,
            what: notice.what.as_str().into(),
            title: notice.what.in_words().into(),
            rule: notice.rule.map(|rule| rule.0),
            rule_name: notice.rule.map(|_| notice.rule_name.clone()),
            site: notice.place.site.map(|site| site.0),
            door: notice.place.door.map(|door| door.0),
            device: notice.place.device.map(|device| device.0),
            person: notice.person.map(|person| person.0),
            thread: notice.thread.map(|thread| thread.0),
            words: notice.words.clone(),
            count: notice.count,
            opened_at: notice.opened_at.to_rfc3339(),
            last_at: notice.last_at.to_rfc3339(),
            is_open: notice.next_at.is_some(),
            first_event: notice.first_event.map(|event| event.0),
            unread: told.unread,
            read_at: told.read_at.map(|at| at.to_rfc3339()),
        }
    }
}
