//! Follows what happened, and writes what is to be told of it.
//!
//! Events and the audit log only grow, and the store remembers how far they were followed, in the transaction of what
//! followed: nothing is told twice or left out, wherever the program ends. Of several servers the leader follows; should
//! two take themselves for it, of two steps begun at the same place one is taken, and the other is made again from there.
//! A pass is made soon after a commit and every few seconds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::conditions::{self, Changes};
use super::desk::Desk;
use super::{Bells, NotifyStore, Rulebook, signals};
use crate::domain::account::{Kind, State};
use crate::domain::notify::{Member, Of, Place, Signal, What};
use crate::health::Monitor;
use crate::health::jobs::Jobs;
use crate::ports::notify::{HeraldState, Sighting};
use crate::ports::{Clock, StoreError};
use crate::replicas::Leader;

/// Events and lines followed by one step.
const PAGE: u32 = 2_000;
/// How often it looks, whatever happens.
const EVERY: Duration = Duration::from_secs(5);
/// After a commit it waits so long, so that what comes together is told together.
const GATHER: Duration = Duration::from_millis(250);

/// Follows what happened.
pub struct Herald {
    /// What it reads and writes.
    pub store: Arc<dyn NotifyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How the server is.
    pub health: Arc<Monitor>,
    /// Says when there are new events.
    pub newest: watch::Receiver<i64>,
    /// Told when something is to be sent.
    pub bells: Bells,
    /// Told how it goes.
    pub jobs: Arc<Jobs>,
    /// Whether this server follows.
    pub leader: Leader,
}

impl Herald {
    /// Follows until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut terms = self.leader.terms();
        while !shutdown.is_cancelled() {
            let looks = tokio::select! {
                _ = tick.tick() => true,
                _ = terms.changed() => true,
                changed = self.newest.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    tokio::time::sleep(GATHER).await;
                    false
                }
                () = shutdown.cancelled() => break,
            };
            let passed = if self.leader.leads() {
                // What is not committed is followed again after the next start.
                let Some(followed) = shutdown.run_until_cancelled(self.follow(looks)).await else { break };
                followed
            } else {
                Ok(())
            };
            if let Err(error) = &passed {
                tracing::error!(%error, "what is to be told could not be written: {error}");
            }
            self.jobs.ran("telling people", EVERY, passed.map_err(|error| error.to_string()));
        }
        shutdown.cancelled().await;
    }

    /// Follows everything there is by now.
    ///
    /// # Errors
    /// [`StoreError`]; the next pass goes on from the last step taken.
    pub async fn pass(&self) -> Result<(), StoreError> {
        self.follow(true).await
    }

    /// The same; conditions, which cost as much as there are devices, are looked at only if it `looks`.
    async fn follow(&self, looks: bool) -> Result<(), StoreError> {
        loop {
            let book = Rulebook::load(&*self.store).await?;
            let state = self.store.herald_state().await?;
            let events = self.store.sightings(state.events, PAGE).await?;
            let goes_on = events.len() == PAGE as usize;
            if self.step(&book, state, events, looks).await? && !goes_on {
                return Ok(());
            }
        }
    }

    /// One step; `false` if another was taken meanwhile.
    async fn step(
        &self,
        book: &Rulebook,
        state: HeraldState,
        events: Vec<Sighting>,
        looks: bool,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let lines = self.store.audit_walk(u64::try_from(state.audit).unwrap_or(0), PAGE).await?;
        let events_upto = events.last().map_or(state.events, |event| event.cursor);
        let audit_upto = lines.last().map_or(state.audit, |line| i64::try_from(line.point.seq).unwrap_or(i64::MAX));
        let mut changes = match looks {
            true => self.conditions(book, &state, now).await?,
            false => Changes::default(),
        };
        let mut found: Vec<Signal> = lines.iter().filter_map(signals::of_line).collect();
        found.extend(self.of_events(book, events).await?);
        found.append(&mut changes.signals);
        let moved = (events_upto, audit_upto) != (state.events, state.audit);
        if !moved && changes.is_empty() && found.is_empty() && !has_come(&state, now) {
            return Ok(true);
        }
        let members = if found.is_empty() && state.open.is_empty() { Vec::new() } else { self.members().await? };
        let mut desk = Desk::new(book, &members, state, now);
        found.iter().for_each(|signal| desk.take(signal));
        desk.look();
        let mut step = desk.finish(events_upto, audit_upto);
        (step.raised, step.cleared) = (changes.raised, changes.cleared);
        let taken = self.store.take_step(&step).await?;
        if taken && !step.readers.is_empty() {
            self.bells.ring();
            metrics::counter!("ostiary_server_notices_total").increment(step.opened.len() as u64);
        }
        Ok(taken)
    }

    async fn of_events(&self, book: &Rulebook, events: Vec<Sighting>) -> Result<Vec<Signal>, StoreError> {
        let wants_groups = book.rules.iter().any(|(rule, _)| matches!(rule.of, Some(Of::Group(_))));
        let persons: BTreeSet<PersonId> = events.iter().filter_map(|event| event.person).collect();
        let mut groups = Default::default();
        if wants_groups && !persons.is_empty() {
            groups = self.store.groups_of(&persons.into_iter().collect::<Vec<_>>()).await?;
        }
        let signal = |event: &Sighting| {
            let of = event.person.and_then(|person| groups.get(&person).cloned()).unwrap_or_default();
            signals::of_event(event, of)
        };
        Ok(events.iter().filter_map(signal).collect())
    }

    async fn conditions(&self, book: &Rulebook, state: &HeraldState, now: UnixMillis) -> Result<Changes, StoreError> {
        let mut changes = Changes::default();
        conditions::devices(&mut changes, &state.conditions, &self.store.devices().await?, now);
        conditions::parts(&mut changes, &state.conditions, &self.health.last(), now);
        for (rule, changed_at) in &book.rules {
            let Some((midnight, deadline)) = conditions::due(rule, now) else { continue };
            let key = format!("absent:{}", rule.id);
            if state.conditions.get(&key).is_some_and(|looked| *looked >= deadline) {
                continue;
            }
            changes.raised.push((key, deadline));
            let Some(of) = rule.of.filter(|_| *changed_at <= deadline) else { continue };
            if !self.store.was_seen(of, rule.place, midnight, deadline).await? {
                changes.signals.push(self.missed(rule.place, of, deadline).await?);
            }
        }
        Ok(changes)
    }

    async fn missed(&self, scope: crate::domain::access::Scope, of: Of, at: UnixMillis) -> Result<Signal, StoreError> {
        use crate::domain::access::Scope;
        let place = match scope {
            Scope::Everything => Place::default(),
            Scope::Site(site) => Place { site: Some(site), ..Place::default() },
            Scope::Door(door) => {
                let site = self.store.door(door).await?.map(|door| door.site);
                Place { site, door: Some(door), device: None }
            }
        };
        let signal = Signal::new(What::Absent, at, place);
        Ok(match of {
            Of::Person(person) => Signal { person: Some(person), ..signal },
            Of::Group(group) => Signal { groups: vec![group], ..signal },
        })
    }

    /// Everybody who may be told of anything.
    async fn members(&self) -> Result<Vec<Member>, StoreError> {
        members(&*self.store).await
    }
}

/// Whether it is time to look at one of the notices.
fn has_come(state: &HeraldState, now: UnixMillis) -> bool {
    let come = |at: Option<UnixMillis>| at.is_some_and(|at| at <= now);
    state.open.iter().any(|notice| come(notice.next_at) || come(notice.escalate_at))
}

/// Everybody with an account in use.
///
/// # Errors
/// [`StoreError`].
pub async fn members(store: &dyn NotifyStore) -> Result<Vec<Member>, StoreError> {
    const AT_ONCE: u32 = 500;
    let pushed = store.accounts_with_push().await?;
    let (mut members, mut after) = (Vec::new(), None);
    loop {
        let page = store.accounts(Kind::Person, after, AT_ONCE).await?;
        let Some(last) = page.last().map(|account| account.id) else { return Ok(members) };
        after = Some(last);
        let active = page.into_iter().filter(|account| account.state == State::Active);
        members.extend(active.map(|account| Member {
            account: account.id,
            has_email: account.email.is_some(),
            has_push: pushed.contains(&account.id),
            access: account.access,
        }));
    }
}
