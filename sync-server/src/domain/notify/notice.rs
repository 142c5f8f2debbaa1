//! A notice: what people are told of, and what joined it since. The first occurrence is told at once; those that follow
//! within the rule's pause only count, and are told together when it is over; a pause in which nothing came closes the
//! notice, and the next occurrence opens another.

use std::time::Duration;

use ostiary_common::ids::{EventId, PersonId};
use ostiary_common::time::UnixMillis;

use super::{NoticeId, Place, Rule, RuleId, Signal, ThreadId, What};

/// What people are told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Id; rises with the time it was opened.
    pub id: NoticeId,
    /// The rule it is by; `None` of what is told without one.
    pub rule: Option<RuleId>,
    /// The rule's name then.
    pub rule_name: String,
    /// What it gathers by.
    pub key: String,
    /// The kind of thing.
    pub what: What,
    /// Where.
    pub place: Place,
    /// Who it is about.
    pub person: Option<PersonId>,
    /// The conversation it is about.
    pub thread: Option<ThreadId>,
    /// More, in words without names.
    pub words: String,
    /// How often it happened.
    pub count: u64,
    /// How many of these were told outside.
    pub told: u64,
    /// When it first happened.
    pub opened_at: UnixMillis,
    /// When it last happened.
    pub last_at: UnixMillis,
    /// When to look at it again; `None` once it is closed.
    pub next_at: Option<UnixMillis>,
    /// When others are told unless somebody reads it.
    pub escalate_at: Option<UnixMillis>,
    /// The first event gathered.
    pub first_event: Option<EventId>,
}

/// What follows from looking at a notice whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is not time yet.
    Early,
    /// Nothing came: it is closed.
    Closed,
    /// So many more came, which are told now.
    More(u64),
}

impl Notice {
    /// Opens one by a rule. `now` is the server's time, which pauses are counted by: what happened may be long past.
    #[must_use]
    pub fn opened(rule: &Rule, signal: &Signal, now: UnixMillis) -> Self {
        let place = rule.place_of(signal);
        Self {
            rule: Some(rule.id),
            rule_name: rule.name.to_string(),
            key: rule.key(signal),
            place,
            next_at: Some(now.plus(rule.pause)),
            escalate_at: rule.escalation.as_ref().map(|escalation| now.plus(escalation.after)),
            ..Self::direct(signal)
        }
    }

    /// One that concerns an account alone, which is told without a rule. It gathers nothing.
    #[must_use]
    pub fn direct(signal: &Signal) -> Self {
        Self {
            id: NoticeId::generate(),
            rule: None,
            rule_name: String::new(),
            key: String::new(),
            what: signal.what,
            place: signal.place,
            person: signal.person,
            thread: signal.thread,
            words: signal.words.clone(),
            count: 1,
            told: 1,
            opened_at: signal.at,
            last_at: signal.at,
            next_at: None,
            escalate_at: None,
            first_event: signal.event,
        }
    }

    /// Whether what a rule makes of a signal belongs to it.
    #[must_use]
    pub fn takes(&self, rule: RuleId, key: &str) -> bool {
        self.next_at.is_some() && self.rule == Some(rule) && self.key == key
    }

    /// Something more of the same.
    pub fn join(&mut self, signal: &Signal) {
        self.count += 1;
        self.last_at = self.last_at.max(signal.at);
        self.opened_at = self.opened_at.min(signal.at);
        // One who was seen is the one it is about only if all are.
        if self.person != signal.person {
            self.person = None;
        }
    }

    /// Looks at it at `now`; `pause` is the rule's.
    pub fn look(&mut self, now: UnixMillis, pause: Duration) -> Look {
        match self.next_at {
            Some(at) if at <= now => {}
            _ => return Look::Early,
        }
        let more = self.count - self.told;
        if more == 0 {
            self.next_at = None;
            return Look::Closed;
        }
        self.told = self.count;
        self.next_at = Some(now.plus(pause));
        Look::More(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::rule::tests::rule;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const PAUSE: Duration = Duration::from_secs(300);

    #[test]
    fn a_storm_is_one_message_and_one_sequel_for_each_pause() {
        let rule = rule(&[What::Unknown]);
        let signal = |ms: i64| Signal::new(What::Unknown, UnixMillis(NOW.0 + ms), Place::default());
        let mut notice = Notice::opened(&rule, &signal(0), NOW);
        let mut messages = 1;
        for ms in 1..10_000_i64 {
            let at = UnixMillis(NOW.0 + ms * 6);
            assert!(notice.takes(rule.id, &rule.key(&signal(ms * 6))));
            notice.join(&signal(ms * 6));
            messages += u32::from(matches!(notice.look(at, PAUSE), Look::More(_)));
        }
        assert_eq!(messages, 1, "a minute is shorter than the pause");
        assert_eq!(notice.look(NOW.plus(PAUSE), PAUSE), Look::More(9_999));
        assert_eq!(notice.look(NOW.plus(PAUSE), PAUSE), Look::Early);
        assert_eq!(notice.look(NOW.plus(PAUSE * 2), PAUSE), Look::Closed);
        assert_eq!((notice.count, notice.told), (10_000, 10_000));
        assert!(!notice.takes(rule.id, &notice.key.clone()), "a closed one gathers nothing");
    }
}
