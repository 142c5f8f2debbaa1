//! What the store keeps of who is told of what: rules, notices, messages under way.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, SiteId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::DeviceReport;

use super::StoreError;
use crate::domain::access::{Reach, Scope};
use crate::domain::audit::AuditNote;
use crate::domain::event::EventKind;
use crate::domain::notify::{DeliveryId, Notice, NoticeId, Of, RuleId, Way, WebhookId, What};
use crate::domain::recognition::{Change, Versioned};
use crate::domain::replica::Term;

/// A rule as kept: its form is JSON, which [`crate::notify`] reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// Id.
    pub id: RuleId,
    /// What it says.
    pub form: String,
    /// Where it holds.
    pub place: Scope,
    /// Rises with every change.
    pub version: u64,
    /// Made at.
    pub created_at: UnixMillis,
    /// Changed at.
    pub changed_at: UnixMillis,
}

/// A place messages are sent to by HTTP.
#[derive(Clone)]
pub struct Webhook {
    /// Id.
    pub id: WebhookId,
    /// What people call it.
    pub name: String,
    /// Where to; may hold a secret of the receiver's.
    pub url: String,
    /// Signs what is sent, 32 bytes.
    pub secret: Vec<u8>,
    /// What of it is told there: what happens within.
    pub place: Scope,
    /// Whether it is in use.
    pub enabled: bool,
    /// Rises with every change.
    pub version: u64,
    /// Made at.
    pub created_at: UnixMillis,
    /// Changed at.
    pub changed_at: UnixMillis,
}

/// Rules, webhooks, and what people wish.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// All rules, the oldest first.
    async fn rules(&self) -> Result<Vec<StoredRule>, StoreError>;
    /// One.
    async fn rule(&self, id: RuleId) -> Result<Option<StoredRule>, StoreError>;
    /// Adds a rule with its line in the audit log; [`StoreError::NoSuch`] if its place is not there.
    async fn add_rule(&self, rule: &StoredRule, note: &AuditNote) -> Result<(), StoreError>;
    /// Sets what a rule says, and returns its new version; `None` if there is none, [`StoreError::Outdated`].
    async fn put_rule(
        &self,
        id: RuleId,
        form: &str,
        place: Scope,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError>;
    /// Removes a rule; what was told by it stays. `false` if there is none.
    async fn remove_rule(&self, id: RuleId, note: &AuditNote) -> Result<bool, StoreError>;
    /// All webhooks, the oldest first.
    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError>;
    /// One.
    async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    /// Adds one.
    async fn add_webhook(&self, webhook: &Webhook, note: &AuditNote) -> Result<(), StoreError>;
    /// Sets everything of one but its times, and returns its new version; errors as above.
    async fn put_webhook(&self, webhook: &Webhook, change: Change, note: &AuditNote)
    -> Result<Option<u64>, StoreError>;
    /// Removes one, and what waits for it. `false` if there is none.
    async fn remove_webhook(&self, id: WebhookId, note: &AuditNote) -> Result<bool, StoreError>;
    /// What somebody wishes, JSON; `None` if they never said.
    async fn wishes(&self, account: UserId) -> Result<Option<Versioned<String>>, StoreError>;
    /// Keeps it, and returns the new version; [`StoreError::Outdated`].
    async fn put_wishes(&self, account: UserId, form: &str, change: Change) -> Result<u64, StoreError>;
}

/// An event as far as rules care.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Its place in the store.
    pub cursor: i64,
    /// The event.
    pub event: EventId,
    /// Of which device.
    pub device: DeviceId,
    /// Where.
    pub site: SiteId,
    /// Where.
    pub door: DoorId,
    /// When.
    pub at: UnixMillis,
    /// What of.
    pub kind: EventKind,
    /// Who was matched.
    pub person: Option<PersonId>,
    /// What a device said of itself.
    pub report: Option<DeviceReport>,
}

/// What is followed: where it was left, what is open, what holds.
#[derive(Clone, Debug, Default)]
pub struct HeraldState {
    /// Rises with every step: of two that began with the same, one is taken.
    pub generation: i64,
    /// Events up to this cursor are followed.
    pub events: i64,
    /// Lines of the audit log up to this number are.
    pub audit: i64,
    /// Notices that gather or may be escalated.
    pub open: Vec<Notice>,
    /// Conditions that hold, since when.
    pub conditions: HashMap<String, UnixMillis>,
}

/// Why something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It happened.
    First,
    /// It happened more often.
    More,
    /// Nobody read it.
    Escalation,
    /// Somebody wants to see whether it arrives.
    Test,
}

/// Where something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// To an account, by e-mail.
    Account(UserId),
    /// To an account's browsers.
    Push(UserId),
    /// To a webhook.
    Webhook(WebhookId),
}

/// What became of something sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits, perhaps for another try.
    Waiting,
    /// It was taken.
    Sent,
    /// It was given up.
    Failed,
    /// It was not sent: not wanted, or too many.
    Held,
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Id; the receiver is told it, to know it again.
    pub id: DeliveryId,
    /// What it tells of; none of a test.
    pub notice: Option<NoticeId>,
    /// Where to.
    pub to: Recipient,
    /// Why.
    pub reason: Reason,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u64,
    /// When it is tried next.
    pub next_at: UnixMillis,
    /// Since when.
    pub created_at: UnixMillis,
    /// When it was sent, given up or held.
    pub done_at: Option<UnixMillis>,
    /// Why it failed or was held.
    pub error: Option<String>,
}

/// What follows from a step of the herald, committed as one.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The generation it began with.
    pub generation: i64,
    /// Events are followed up to here.
    pub events: i64,
    /// The audit log is.
    pub audit: i64,
    /// New notices.
    pub opened: Vec<Notice>,
    /// Notices that changed.
    pub changed: Vec<Notice>,
    /// Those of them that were escalated.
    pub escalated: BTreeSet<NoticeId>,
    /// Events gathered.
    pub gathered: Vec<(NoticeId, EventId, UnixMillis)>,
    /// Who is told.
    pub readers: Vec<(NoticeId, UserId)>,
    /// What is to be sent.
    pub deliveries: Vec<Delivery>,
    /// Conditions that hold from now on.
    pub raised: Vec<(String, UnixMillis)>,
    /// Conditions that no longer do.
    pub cleared: Vec<String>,
}

/// What the herald reads and writes.
#[async_trait]
pub trait HeraldStore: Send + Sync {
    /// Where it was left. The first time ever, everything so far counts as followed.
    async fn herald_state(&self) -> Result<HeraldState, StoreError>;
    /// Events after a cursor, in order.
    async fn sightings(&self, after: i64, limit: u32) -> Result<Vec<Sighting>, StoreError>;
    /// Which groups these persons are in.
    async fn groups_of(&self, persons: &[PersonId]) -> Result<HashMap<PersonId, Vec<GroupId>>, StoreError>;
    /// Whether a person, or anybody of a group, was matched within a scope from `from` until before `until`.
    async fn was_seen(&self, of: Of, place: Scope, from: UnixMillis, until: UnixMillis) -> Result<bool, StoreError>;
    /// Commits a step; `false`, and nothing is changed, if another one was taken meanwhile.
    async fn take_step(&self, step: &Step) -> Result<bool, StoreError>;
    /// Tells an account of something without a rule, in one transaction with its messages.
    async fn tell_directly(&self, notice: &Notice, account: UserId, deliveries: &[Delivery]) -> Result<(), StoreError>;
}

/// Messages on their way out.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Takes what is due, up to `limit`; nobody else is given it before `until`, unless another term has begun by then:
    /// what was taken under an earlier one is due at once. Each counts as tried. Nothing if the term is over.
    async fn take_due(
        &self,
        term: Term,
        now: UnixMillis,
        until: UnixMillis,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// The notice of a message.
    async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, StoreError>;
    /// Says what became of what was taken under a term, or `None` of what nobody has; one that waits is tried again at
    /// `next_at`. Whoever took it under another term has the last word, unless it was sent.
    async fn conclude(&self, term: Option<Term>, delivery: &Delivery) -> Result<(), StoreError>;
    /// How many an account was sent since, that way.
    async fn sent_since(&self, account: UserId, way: Way, since: UnixMillis) -> Result<u64, StoreError>;
    /// When the next one is due.
    async fn next_due(&self) -> Result<Option<UnixMillis>, StoreError>;
    /// Adds something to be sent.
    async fn add_delivery(&self, delivery: &Delivery) -> Result<(), StoreError>;
}

/// A notice as somebody sees it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The notice.
    pub notice: Notice,
    /// When they read it.
    pub read_at: Option<UnixMillis>,
    /// Whether they have not read it, or more came since.
    pub unread: bool,
}

/// What kinds of things somebody may know of, and where.
pub type Sight = Vec<(Vec<What>, Reach)>;

/// Which messages a list wants.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryFilter {
    /// This one alone.
    pub id: Option<DeliveryId>,
    /// Of this notice.
    pub notice: Option<NoticeId>,
    /// To this webhook.
    pub webhook: Option<WebhookId>,
    /// In this state.
    pub state: Option<DeliveryState>,
}

/// The notification centre.
#[async_trait]
pub trait CentreStore: Send + Sync {
    /// What somebody was told of, the newest first, before `before`.
    async fn told(
        &self,
        account: UserId,
        sight: &Sight,
        unread_only: bool,
        before: Option<NoticeId>,
        limit: u32,
    ) -> Result<Vec<Told>, StoreError>;
    /// One thing they were told of.
    async fn told_one(&self, account: UserId, sight: &Sight, id: NoticeId) -> Result<Option<Told>, StoreError>;
    /// How many they have not read.
    async fn count_unread(&self, account: UserId, sight: &Sight) -> Result<u64, StoreError>;
    /// The events of a notice by id, after `after`.
    async fn notice_events(
        &self,
        id: NoticeId,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, UnixMillis)>, StoreError>;
    /// They have read one, or everything up to now; nobody else is told in their stead. Returns how many were unread.
    async fn mark_read(&self, account: UserId, id: Option<NoticeId>, now: UnixMillis) -> Result<u64, StoreError>;
    /// Messages of notices at places within a reach, the newest first, before `before`.
    async fn deliveries(
        &self,
        reach: &Reach,
        filter: DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// Removes notices that last happened before a moment, up to `at_most`, with what belongs to them.
    async fn prune_notices(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError>;
}

macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+) => {
        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in store and API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads a name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}

words!(Reason: First = "first", More = "more", Escalation = "escalation", Test = "test");
words!(DeliveryState: Waiting = "waiting", Sent = "sent", Failed = "failed", Held = "held");
