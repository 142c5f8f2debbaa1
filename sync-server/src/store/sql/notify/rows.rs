//! Rows of notices and messages.

use ostiary_common::ids::{DeviceId, DoorId, EventId, PersonId, SiteId, UserId};
use ostiary_common::time::UnixMillis;
use uuid::Uuid;

use crate::domain::access::Scope;
use crate::domain::notify::{DeliveryId, Notice, NoticeId, Place, RuleId, ThreadId, WebhookId, What};
use crate::ports::StoreError;
use crate::ports::notify::{Delivery, DeliveryState, Reason, Recipient};
use crate::store::sql::columns;
use crate::store::sql::error::corrupt;
use crate::store::sql::values::Flag;

/// The columns of [`NoticeRow`]; the table is `n`.
pub(super) const NOTICE: &str = "n.id, n.rule, n.rule_name, n.group_key, n.what, n.site, n.door, n.device, n.person,
    n.thread, n.words, n.count, n.told, n.opened_at, n.last_at, n.next_at, n.escalate_at, n.first_event";
/// The columns of [`DeliveryRow`]; the table is `d`.
pub(super) const DELIVERY: &str = "d.id, d.notice, d.account, d.webhook, d.reason, d.state, d.attempts, d.next_at,
    d.created_at, d.done_at, d.error, d.push";

#[derive(sqlx::FromRow)]
pub(super) struct NoticeRow {
    id: Vec<u8>,
    rule: Option<Vec<u8>>,
    rule_name: String,
    group_key: String,
    what: String,
    site: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
    device: Option<Vec<u8>>,
    person: Option<Vec<u8>>,
    thread: Option<Vec<u8>>,
    words: String,
    count: i64,
    told: i64,
    opened_at: i64,
    last_at: i64,
    next_at: Option<i64>,
    escalate_at: Option<i64>,
    first_event: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
    id: Vec<u8>,
    notice: Option<Vec<u8>>,
    account: Option<Vec<u8>>,
    webhook: Option<Vec<u8>>,
    reason: String,
    state: String,
    attempts: i64,
    next_at: i64,
    created_at: i64,
    done_at: Option<i64>,
    error: Option<String>,
    push: Flag,
}

/// Reads an id column that may be empty.
pub(super) fn id<T>(make: fn(Uuid) -> T, bytes: Option<&Vec<u8>>) -> Result<Option<T>, StoreError> {
    bytes.map(|bytes| columns::id(make, bytes)).transpose()
}

/// A scope as its two columns.
pub(super) fn scope_columns(scope: Scope) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    match scope {
        Scope::Everything => (None, None),
        Scope::Site(site) => (Some(site.as_bytes().to_vec()), None),
        Scope::Door(door) => (None, Some(door.as_bytes().to_vec())),
    }
}

/// A scope from its two columns.
pub(super) fn scope(site: Option<&Vec<u8>>, door: Option<&Vec<u8>>) -> Result<Scope, StoreError> {
    Ok(match (id(SiteId, site)?, id(DoorId, door)?) {
        (_, Some(door)) => Scope::Door(door),
        (Some(site), None) => Scope::Site(site),
        (None, None) => Scope::Everything,
    })
}

impl TryFrom<NoticeRow> for Notice {
    type Error = StoreError;
    fn try_from(row: NoticeRow) -> Result<Self, StoreError> {
        let place = Place {
            site: id(SiteId, row.site.as_ref())?,
            door: id(DoorId, row.door.as_ref())?,
            device: id(DeviceId, row.device.as_ref())?,
        };
        Ok(Self {
            id: columns::id(NoticeId, &row.id)?,
            rule: id(RuleId, row.rule.as_ref())?,
            rule_name: row.rule_name,
            key: row.group_key,
            what: What::parse(&row.what).ok_or_else(|| corrupt("notice", &row.what))?,
            place,
            person: id(PersonId, row.person.as_ref())?,
            thread: id(ThreadId, row.thread.as_ref())?,
            words: row.words,
            count: columns::unsigned("notice count", row.count)?,
            told: columns::unsigned("notice count", row.told)?,
            opened_at: UnixMillis(row.opened_at),
            last_at: UnixMillis(row.last_at),
            next_at: columns::time(row.next_at),
            escalate_at: columns::time(row.escalate_at),
            first_event: id(EventId, row.first_event.as_ref())?,
        })
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;
    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let to = match (id(UserId, row.account.as_ref())?, id(WebhookId, row.webhook.as_ref())?) {
            (Some(account), _) if row.push.0 => Recipient::Push(account),
            (Some(account), _) => Recipient::Account(account),
            (None, Some(webhook)) => Recipient::Webhook(webhook),
            (None, None) => return Err(corrupt("delivery", "it goes nowhere")),
        };
        Ok(Self {
            id: columns::id(DeliveryId, &row.id)?,
            notice: id(NoticeId, row.notice.as_ref())?,
            to,
            reason: Reason::parse(&row.reason).ok_or_else(|| corrupt("delivery reason", &row.reason))?,
            state: DeliveryState::parse(&row.state).ok_or_else(|| corrupt("delivery state", &row.state))?,
            attempts: columns::unsigned("attempts", row.attempts)?,
            next_at: UnixMillis(row.next_at),
            created_at: UnixMillis(row.created_at),
            done_at: columns::time(row.done_at),
            error: row.error,
        })
    }
}
