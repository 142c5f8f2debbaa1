//! What is due by itself: events, health, the gallery's next step, a word about its trust.

use ostiary_common::topics::Channel;
use ostiary_common::wire::{AckedBatch, EventAck, EventBatch, MAX_EVENTS_PER_BATCH, RejectedEvent, ReportKind};
use std::time::Duration;

use super::core::{DeviceCore, Turn};
use super::{Action, Disk, Trust};
use crate::domain::gallery_sync::{SyncInput, SyncOutput};
use crate::domain::outbox::{AckNews, OutboxStep};

/// Bytes of events in one batch, as they stand on disk; leaves room below the wire's cap.
const BATCH_BYTES: u64 = 384 * 1024;
/// Messages that wait for the connection. Event batches and health are only made while there is room; what
/// answers the server is bounded by what the server sends.
const ROOM: usize = 16;
/// When the connection takes nothing, or the disk gives nothing, it is tried again after this.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// Between health reports, if nothing is in force.
const HEALTH_INTERVAL_S: u32 = 30;

impl<D: Disk> DeviceCore<D> {
    /// Does what is due.
    pub(super) fn due(&mut self, turn: &mut Turn<'_>) {
        self.sync_gallery(SyncInput::Tick, turn);
        self.sync_beside(SyncInput::Tick, turn);
        self.send_events(turn);
        self.enroll_due(turn);
        self.say_health(turn);
        self.introduce(turn);
        self.tell_trust(turn);
    }

    /// Takes the server's word on events.
    pub(super) fn acknowledged(&mut self, ack: &EventAck, turn: &mut Turn<'_>) {
        self.outbox.appended(self.disk.last_seq(), turn.now.monotonic);
        let before = self.outbox.waiting();
        match self.outbox.acknowledged(ack) {
            AckNews::Nothing => {}
            AckNews::Delete(upto) => {
                self.delete_upto(upto, turn);
                turn.actions.push(Action::Stored(before - self.outbox.waiting()));
            }
            AckNews::Ahead { is_set_back: false } => return self.new_stream(turn),
            AckNews::Ahead { is_set_back: true } => {
                let text = format!("events of its stream up to {} are acknowledged that it never gave", ack.upto_seq);
                return self.begin_again(&text, turn);
            }
        }
        for RejectedEvent { seq, reason } in &ack.rejected {
            turn.actions.push(Action::Refused(format!("the server does not take event {seq}: {reason}")));
        }
    }

    fn delete_upto(&mut self, upto: u64, turn: &mut Turn<'_>) {
        let deleted = self.disk.delete_upto(upto);
        self.wrote(deleted, turn);
    }

    /// Hands something to the gallery's synchronisation and does what it asks for.
    pub(super) fn sync_gallery(&mut self, input: SyncInput, turn: &mut Turn<'_>) {
        let mut outputs = self.gallery.handle(input, turn.now, &mut turn.dice);
        while !outputs.is_empty() {
            outputs = outputs.into_iter().flat_map(|output| self.obey(output, turn)).collect();
        }
    }

    fn obey(&mut self, output: SyncOutput, turn: &mut Turn<'_>) -> Vec<SyncOutput> {
        match output {
            SyncOutput::Request(request) => self.say(&Channel::GalleryRequest, request, turn),
            SyncOutput::Ack(ack) => {
                turn.actions.push(Action::Proven(self.gallery.proven()));
                if self.is_beside_behind(ack.rev) {
                    self.ack_owed = true;
                } else {
                    self.say_held(ack, turn);
                }
            }
            SyncOutput::Warn(text) => turn.actions.push(Action::Refused(text)),
            SyncOutput::Apply(step) => {
                let applied = self.disk.apply_gallery(&step);
                if !self.wrote(applied, turn) {
                    return self.gallery.handle(SyncInput::NotApplied, turn.now, &mut turn.dice);
                }
                let next = self.gallery.applied(&step, turn.now, &mut turn.dice);
                turn.actions.push(Action::Search(*step));
                return next;
            }
        }
        Vec::new()
    }

    fn send_events(&mut self, turn: &mut Turn<'_>) {
        self.next_events = None;
        self.outbox.appended(self.disk.last_seq(), turn.now.monotonic);
        // A disk that was full may not have let go of what is stored.
        if self.disk.first_seq() <= self.outbox.acked() {
            self.delete_upto(self.outbox.acked(), turn);
        }
        // Events dropped for want of space can no longer be sent: begin at the first that is there.
        self.outbox.dropped(self.disk.first_seq().saturating_sub(1));
        while self.connected {
            let step = self.outbox.next(turn.now.monotonic, turn.dice.jitter());
            let OutboxStep::Send { from, max_events } = step else {
                self.next_events = if let OutboxStep::WaitUntil(at) = step { Some(at) } else { None };
                return;
            };
            if !self.has_room(turn) || !self.send_batch(from, max_events, turn) {
                self.next_events = Some(turn.now.monotonic + TRY_AGAIN);
                return;
            }
        }
    }

    /// Sends one batch; `false` if the disk gives none.
    fn send_batch(&mut self, from: u64, max_events: u64, turn: &mut Turn<'_>) -> bool {
        let most = usize::try_from(max_events).unwrap_or(usize::MAX).min(MAX_EVENTS_PER_BATCH);
        let events = match self.disk.batch(from, most, BATCH_BYTES) {
            Ok(events) => events,
            Err(error) => return self.wrote::<()>(Err(error), turn),
        };
        let Some(name) = AckedBatch::of(&events) else { return false };
        let stream = self.disk.stream();
        let bytes = self.say_sized(&Channel::Events, EventBatch { stream, events }, turn);
        self.outbox.sent(name, bytes, turn.now.monotonic, turn.dice.jitter());
        true
    }

    fn say_health(&mut self, turn: &mut Turn<'_>) {
        if !self.connected || turn.now.monotonic < self.next_health {
            return;
        }
        if !self.has_room(turn) {
            self.next_health = turn.now.monotonic + TRY_AGAIN;
            return;
        }
        let interval_s = self.parts.in_force.health_interval_s.unwrap_or(HEALTH_INTERVAL_S).max(1);
        let interval = Duration::from_secs(u64::from(interval_s));
        self.next_health = turn.now.monotonic + interval;
        turn.actions.push(Action::Health { expiry: interval * 3 });
        if turn.now.monotonic >= self.next_status {
            self.say_online(turn);
        }
    }

    pub(super) fn has_room(&self, turn: &Turn<'_>) -> bool {
        let published = turn.actions.iter().filter(|action| matches!(action, Action::Publish(_))).count();
        turn.now.queued + published < ROOM
    }

    /// Says when nobody may be matched any more, and when the gallery's age is only assumed.
    fn tell_trust(&mut self, turn: &mut Turn<'_>) {
        let trust = self.trust(turn.now);
        if self.trust_told.replace(trust) == Some(trust) {
            return;
        }
        let words = match trust {
            // A device that holds nobody has nobody to keep from being matched.
            _ if self.gallery.holdings().persons() == 0 => return,
            Trust::Proven | Trust::Waiting => return,
            Trust::Stale => "the server has not confirmed the gallery for too long: nobody is matched until it does",
            Trust::Assumed => "without clock and network the age of the gallery cannot be told: matching goes on",
        };
        turn.actions.push(Action::Report(ReportKind::GalleryStale, words.into()));
    }
}
