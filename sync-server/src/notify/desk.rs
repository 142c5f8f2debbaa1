//! One step of the herald: takes signals, and gathers what is to be written. Pure.

use std::collections::{BTreeSet, HashMap};

use ostiary_common::ids::EventId;
use ostiary_common::time::UnixMillis;

use super::Rulebook;
use crate::domain::access::Scope;
use crate::domain::notify::{DeliveryId, How, Look, Member, Notice, NoticeId, Place, Rule, RuleId, Signal, WebhookId};
use crate::domain::notify::{What, Whom};
use crate::ports::notify::{Delivery, DeliveryState, HeraldState, Reason, Recipient, Step};

/// Gathers what follows from signals.
pub struct Desk<'a> {
    book: &'a Rulebook,
    members: &'a [Member],
    now: UnixMillis,
    notices: Vec<Held>,
    /// Which notice gathers what, by rule and key.
    gathering: HashMap<(RuleId, String), usize>,
    step: Step,
}

/// A notice in hand.
struct Held {
    notice: Notice,
    is_new: bool,
    is_changed: bool,
}

impl<'a> Desk<'a> {
    /// Goes on from what is open.
    pub fn new(book: &'a Rulebook, members: &'a [Member], state: HeraldState, now: UnixMillis) -> Self {
        let step = Step { generation: state.generation, events: state.events, audit: state.audit, ..Step::default() };
        let held = |notice| Held { notice, is_new: false, is_changed: false };
        let notices: Vec<Held> = state.open.into_iter().map(held).collect();
        let gathering = notices.iter().enumerate().filter(|(_, held)| held.notice.next_at.is_some());
        let gathering =
            gathering.filter_map(|(place, held)| Some(((held.notice.rule?, held.notice.key.clone()), place)));
        let gathering = gathering.collect();
        Self { book, members, now, notices, gathering, step }
    }

    /// Something happened.
    pub fn take(&mut self, signal: &Signal) {
        self.tell_whom_it_concerns(signal);
        for (rule, _) in self.book.rules.iter().filter(|(rule, _)| rule.matches(signal)) {
            self.take_by(rule, signal);
        }
    }

    /// Looks at what is open: tells what came more, closes what is over, tells others of what nobody read.
    pub fn look(&mut self) {
        for place in 0..self.notices.len() {
            let Some(rule) = self.rule_of(place) else {
                self.close(place);
                continue;
            };
            self.look_at(place, rule);
        }
    }

    /// What is to be written, once events and the audit log are followed up to here.
    pub fn finish(mut self, events: i64, audit: i64) -> Step {
        for held in self.notices {
            match (held.is_new, held.is_changed) {
                (true, _) => self.step.opened.push(held.notice),
                (false, true) => self.step.changed.push(held.notice),
                (false, false) => {}
            }
        }
        Step { events, audit, ..self.step }
    }

    fn take_by(&mut self, rule: &'a Rule, signal: &Signal) {
        let key = (rule.id, rule.key(signal));
        if let Some(place) = self.gathering.get(&key).copied() {
            let held = &mut self.notices[place];
            held.notice.join(signal);
            held.is_changed = true;
            let id = held.notice.id;
            self.gather(id, signal.event, signal.at);
            return;
        }
        let notice = Notice::opened(rule, signal, self.now);
        if self.tell(&notice, &rule.whom, &rule.how, Reason::First) {
            self.gather(notice.id, signal.event, signal.at);
            self.gathering.insert(key, self.notices.len());
            self.notices.push(Held { notice, is_new: true, is_changed: false });
        }
    }

    /// What concerns an account is told to it, rules or not.
    fn tell_whom_it_concerns(&mut self, signal: &Signal) {
        let concerned = signal.account.filter(|_| signal.what == What::NewPlace);
        let Some(member) = self.members.iter().find(|member| Some(member.account) == concerned) else { return };
        let notice = Notice::direct(signal);
        self.step.readers.push((notice.id, member.account));
        if member.has_email {
            self.send(notice.id, Recipient::Account(member.account), Reason::First);
        }
        if member.has_push {
            self.send(notice.id, Recipient::Push(member.account), Reason::First);
        }
        self.notices.push(Held { notice, is_new: true, is_changed: false });
    }

    fn look_at(&mut self, place: usize, rule: &'a Rule) {
        let now = self.now;
        let held = &mut self.notices[place];
        match held.notice.look(now, rule.pause) {
            Look::Early => {}
            Look::Closed => held.is_changed = true,
            Look::More(_) => {
                held.is_changed = true;
                let notice = held.notice.clone();
                self.tell(&notice, &rule.whom, &rule.how, Reason::More);
            }
        }
        let notice = &self.notices[place].notice;
        if let Some(escalation) = rule.escalation.as_ref().filter(|_| notice.escalate_at.is_some_and(|at| at <= now)) {
            let notice = notice.clone();
            self.tell(&notice, &escalation.whom, &escalation.how, Reason::Escalation);
            self.escalated(place);
        }
    }

    fn escalated(&mut self, place: usize) {
        let held = &mut self.notices[place];
        held.notice.escalate_at = None;
        held.is_changed = true;
        self.step.escalated.insert(held.notice.id);
    }

    /// Its rule is gone, or no longer in force.
    fn close(&mut self, place: usize) {
        if self.notices[place].is_new {
            return;
        }
        self.notices[place].notice.next_at = None;
        self.escalated(place);
    }

    fn rule_of(&self, place: usize) -> Option<&'a Rule> {
        let id = self.notices[place].notice.rule?;
        self.book.rules.iter().map(|(rule, _)| rule).find(|rule| rule.id == id)
    }

    /// Tells everybody who is named and may know; whether there is anybody.
    fn tell(&mut self, notice: &Notice, whom: &Whom, how: &How, reason: Reason) -> bool {
        let members: Vec<&Member> = whom.among(self.members, notice.what, &notice.place).collect();
        let webhooks: Vec<WebhookId> = self.reached(&how.webhooks, &notice.place);
        for member in &members {
            self.step.readers.push((notice.id, member.account));
            if how.email && member.has_email {
                self.send(notice.id, Recipient::Account(member.account), reason);
            }
            if how.push && member.has_push {
                self.send(notice.id, Recipient::Push(member.account), reason);
            }
        }
        for webhook in &webhooks {
            self.send(notice.id, Recipient::Webhook(*webhook), reason);
        }
        !members.is_empty() || !webhooks.is_empty()
    }

    /// Of these webhooks, those in use whose place it is.
    fn reached(&self, named: &BTreeSet<WebhookId>, place: &Place) -> Vec<WebhookId> {
        let fits = |scope: Scope| place.is_in(scope);
        let known = self.book.webhooks.iter().filter(|(id, scope)| named.contains(id) && fits(*scope));
        known.map(|(id, _)| *id).collect()
    }

    fn send(&mut self, notice: NoticeId, to: Recipient, reason: Reason) {
        self.step.deliveries.push(Delivery::new(Some(notice), to, reason, self.now));
    }

    fn gather(&mut self, notice: NoticeId, event: Option<EventId>, at: UnixMillis) {
        self.step.gathered.extend(event.map(|event| (notice, event, at)));
    }
}

impl Delivery {
    /// Something to be sent at once.
    #[must_use]
    pub fn new(notice: Option<NoticeId>, to: Recipient, reason: Reason, now: UnixMillis) -> Self {
        Self {
            id: DeliveryId::generate(),
            notice,
            to,
            reason,
            state: DeliveryState::Waiting,
            attempts: 0,
            next_at: now,
            created_at: now,
            done_at: None,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ostiary_common::ids::{DoorId, SiteId, UserId};

    use super::*;
    use crate::domain::access::{Access, Role};
    use crate::notify::form::RuleForm;

    const NOW: UnixMillis = UnixMillis(1_795_424_400_000);

    fn book(more: serde_json::Value) -> Rulebook {
        let mut value = serde_json::json!({
            "name": "Unknown", "what": ["unknown"], "whom": {"roles": ["operator"]}, "how": {"email": true},
        });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let form: RuleForm = serde_json::from_value(value).unwrap();
        Rulebook { rules: vec![(form.rule(RuleId::generate()).unwrap(), NOW)], webhooks: Vec::new() }
    }

    fn member(role: Role) -> Member {
        Member { account: UserId::generate(), access: Access::everywhere(role), has_email: true, has_push: true }
    }

    fn unknown(door: DoorId) -> Signal {
        let place = Place::at(SiteId(uuid::Uuid::nil()), door, None);
        Signal { event: Some(EventId::generate()), ..Signal::new(What::Unknown, NOW, place) }
    }

    fn state(step: &Step) -> HeraldState {
        let open = step.opened.iter().chain(&step.changed).cloned().collect();
        HeraldState { open, ..HeraldState::default() }
    }

    #[test]
    fn a_storm_at_two_doors_is_a_message_for_each_and_loses_nothing() {
        let (book, members) = (book(serde_json::json!({})), [member(Role::Operator), member(Role::Auditor)]);
        let doors = [DoorId::generate(), DoorId::generate()];
        let mut desk = Desk::new(&book, &members, HeraldState::default(), NOW);
        (0..10_000).for_each(|n| desk.take(&unknown(doors[n % 2])));
        desk.look();
        let step = desk.finish(10_000, 0);
        assert_eq!((step.opened.len(), step.deliveries.len(), step.readers.len()), (2, 2, 2));
        assert_eq!(step.gathered.len(), 10_000);
        assert_eq!(step.opened.iter().map(|notice| notice.count).sum::<u64>(), 10_000);

        let later = NOW.plus(Duration::from_secs(300));
        let mut desk = Desk::new(&book, &members, state(&step), later);
        desk.look();
        let sequel = desk.finish(10_000, 0);
        let reasons: Vec<Reason> = sequel.deliveries.iter().map(|delivery| delivery.reason).collect();
        assert_eq!(reasons, [Reason::More, Reason::More]);
        let mut desk = Desk::new(&book, &members, state(&sequel), later.plus(Duration::from_secs(300)));
        desk.look();
        let end = desk.finish(10_000, 0);
        assert!(end.deliveries.is_empty() && end.changed.iter().all(|notice| notice.next_at.is_none()));
    }

    #[test]
    fn what_nobody_reads_is_told_to_others() {
        let escalation = serde_json::json!({"escalation": {"after_s": 60, "whom": {"roles": ["owner"]}}});
        let (book, members) = (book(escalation), [member(Role::Operator), member(Role::Owner)]);
        let mut desk = Desk::new(&book, &members, HeraldState::default(), NOW);
        desk.take(&unknown(DoorId::generate()));
        let step = desk.finish(1, 0);
        let mut desk = Desk::new(&book, &members, state(&step), NOW.plus(Duration::from_secs(60)));
        desk.look();
        let escalated = desk.finish(1, 0);
        assert_eq!(escalated.readers, [(step.opened[0].id, members[1].account)]);
        assert!(escalated.escalated.contains(&step.opened[0].id));
    }

    #[test]
    fn whom_it_concerns_is_told_without_a_rule() {
        let members = [member(Role::Viewer)];
        let book = Rulebook::default();
        let mut desk = Desk::new(&book, &members, HeraldState::default(), NOW);
        let signal = Signal::new(What::NewPlace, NOW, Place::default());
        desk.take(&Signal { account: Some(members[0].account), ..signal.clone() });
        desk.take(&Signal { account: Some(UserId::generate()), ..signal });
        let step = desk.finish(0, 1);
        assert_eq!((step.opened.len(), step.deliveries.len()), (1, 2), "by mail and in the browser");
        assert_eq!(step.opened[0].rule, None);
    }
}
