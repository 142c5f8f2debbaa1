//! Enrollments at this door: what the server asks for, and what comes of it.

use ostiary_common::topics::Channel;
use ostiary_common::wire::{EnrollAck, EnrollCancel, EnrollProgress, EnrollStart};

use super::core::{DeviceCore, Turn};
use super::{Action, Disk, Outgoing};
use crate::domain::enrolling::{EnrollStep, GuideWord};

impl<D: Disk> DeviceCore<D> {
    pub(super) fn enroll_start(&mut self, start: EnrollStart, turn: &mut Turn<'_>) {
        let time = [turn.now.believed(), self.server_time.at_least(turn.now.monotonic)].into_iter().flatten().max();
        let step = self.enrolling.start(start, turn.now.monotonic, time);
        self.enroll_step(step, turn);
    }

    pub(super) fn enroll_cancel(&mut self, cancel: &EnrollCancel, turn: &mut Turn<'_>) {
        let step = self.enrolling.cancel(cancel);
        self.enroll_step(step, turn);
    }

    pub(super) fn enroll_ack(&mut self, ack: &EnrollAck, turn: &mut Turn<'_>) {
        let step = self.enrolling.acknowledged(ack.id);
        self.enroll_step(step, turn);
    }

    pub(super) fn guided(&mut self, word: GuideWord, turn: &mut Turn<'_>) {
        let step = self.enrolling.guided(word);
        self.enroll_step(step, turn);
    }

    /// Hands over what waits, and ends what takes too long.
    pub(super) fn enroll_due(&mut self, turn: &mut Turn<'_>) {
        while let Some(step) = self.enrolling.due(turn.now.monotonic, turn.now.wall) {
            self.enroll_step(Some(step), turn);
        }
    }

    fn enroll_step(&mut self, step: Option<EnrollStep>, turn: &mut Turn<'_>) {
        match step {
            None => {}
            Some(EnrollStep::Guide(start)) => turn.actions.push(Action::Guide(start)),
            Some(EnrollStep::Stop(id)) => turn.actions.push(Action::StopGuiding(id)),
            Some(EnrollStep::Tell(progress)) => self.tell_progress(progress, turn),
            Some(EnrollStep::Keep(result)) => {
                // A disk that refuses costs what a power cut would: until then it is handed over from memory.
                let kept = self.disk.keep_enrollment(Some(&result));
                self.wrote(kept, turn);
                self.enrolling.kept(result, turn.now.monotonic);
            }
            Some(EnrollStep::HandOver(result)) => self.say(&Channel::EnrollResult, result, turn),
            Some(EnrollStep::Forget) => {
                let kept = self.disk.keep_enrollment(None);
                self.wrote(kept, turn);
            }
        }
    }

    /// Nobody waits for one of these: the next one says more.
    fn tell_progress(&mut self, progress: EnrollProgress, turn: &mut Turn<'_>) {
        if !self.has_room(turn) {
            return;
        }
        self.say(&Channel::EnrollProgress, progress, turn);
        if let Some(Action::Publish(Outgoing { reliable, .. })) = turn.actions.last_mut() {
            *reliable = false;
        }
    }
}
