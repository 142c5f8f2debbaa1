//! The slot between the conversation with the server and whoever watches: what is to be guided, and how it goes.
//!
//! Nothing waits here: of how it goes only the newest word counts, and there is one session at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ostiary_common::ids::EnrollmentId;
use ostiary_common::wire::{EnrollProgress, EnrollResult, EnrollStart};

use crate::domain::enrolling::GuideWord;

/// What is asked for, and what was said.
#[derive(Debug, Default)]
pub struct Guiding(Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    wanted: Option<EnrollStart>,
    progress: Option<EnrollProgress>,
    result: Option<EnrollResult>,
}

impl Guiding {
    /// This session is wanted, in place of any other.
    pub fn begin(&self, start: EnrollStart) {
        *self.lock() = Slot { wanted: Some(start), ..Slot::default() };
    }

    /// This session is wanted no more.
    pub fn stop(&self, id: EnrollmentId) {
        let mut slot = self.lock();
        if slot.wanted.as_ref().is_some_and(|wanted| wanted.id == id) {
            *slot = Slot::default();
        }
    }

    /// The session that is wanted.
    pub fn wanted(&self) -> Option<EnrollStart> {
        self.lock().wanted.clone()
    }

    /// Which session is wanted.
    pub fn wanted_id(&self) -> Option<EnrollmentId> {
        self.lock().wanted.as_ref().map(|wanted| wanted.id)
    }

    /// How it goes; nothing if it is wanted no more.
    pub fn say(&self, progress: EnrollProgress) {
        let mut slot = self.lock();
        if slot.wanted.as_ref().is_some_and(|wanted| wanted.id == progress.id) {
            slot.progress = Some(progress);
        }
    }

    /// How it ended; nothing if it is wanted no more.
    pub fn end(&self, result: EnrollResult) {
        let mut slot = self.lock();
        if slot.wanted.take_if(|wanted| wanted.id == result.id).is_some() {
            slot.result = Some(result);
        }
    }

    /// What was said since the last time, the end last.
    pub fn heard(&self) -> Vec<GuideWord> {
        let mut slot = self.lock();
        let progress = slot.progress.take().map(GuideWord::Progress);
        progress.into_iter().chain(slot.result.take().map(GuideWord::Result)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // The fields are set one by one and each is valid by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::time::UnixMillis;
    use ostiary_common::wire::EnrollState;

    use super::*;
    use crate::domain::enrolling::ended;

    #[test]
    fn the_newest_word_counts_and_nothing_is_heard_of_what_is_wanted_no_more() {
        let guiding = Guiding::default();
        let id = EnrollmentId::generate();
        let start = EnrollStart { id, not_after: UnixMillis(0), time_limit_s: 9, angles: Vec::new() };
        let progress = |held: f32| EnrollProgress {
            id,
            state: EnrollState::Running,
            wanted: None,
            taken: Vec::new(),
            problem: None,
            hint: String::new(),
            held,
            quality: None,
        };
        let result = ended(id, EnrollState::Complete, UnixMillis(1), "");
        guiding.say(progress(0.1));
        assert_eq!(guiding.heard(), [], "nothing was asked for");
        guiding.begin(start.clone());
        guiding.say(progress(0.2));
        guiding.say(progress(0.3));
        guiding.end(result.clone());
        assert_eq!(guiding.heard(), [GuideWord::Progress(progress(0.3)), GuideWord::Result(result.clone())]);
        assert_eq!((guiding.wanted_id(), guiding.heard()), (None, vec![]));
        guiding.begin(start);
        guiding.stop(id);
        guiding.end(result);
        assert_eq!(guiding.heard(), []);
    }
}
