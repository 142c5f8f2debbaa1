//! One capture, as it is held in memory.

use std::time::Duration;

use ostiary_common::ids::{CaptureId, PersonId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Angle;
use ostiary_models::face_crop::FaceCrop;
use ostiary_models::guided::{Guide, Shot};
use ostiary_models::quality::FaceQuality;

use super::CaptureError;

/// Where a look came from.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Of the frame, so that the same one makes one template.
    pub sha256: [u8; 32],
    /// The face with a margin, where it was good enough to be taken.
    pub crop: Option<FaceCrop>,
}

/// How looks are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By guiding somebody before a camera.
    Guided,
    /// From a clip.
    Clip,
}

/// A capture under way.
pub struct Held {
    /// Its id.
    pub id: CaptureId,
    /// Who is captured.
    pub person: PersonId,
    /// Who asked for it.
    pub account: UserId,
    /// How.
    pub kind: Kind,
    /// When it began.
    pub began_at: UnixMillis,
    /// Until when frames are taken.
    pub ends_at: Option<UnixMillis>,
    /// When it is forgotten, by the monotonic clock.
    pub(super) forget_at: Duration,
    /// One frame at a time.
    pub(super) work: tokio::sync::Mutex<Work>,
}

/// What is being done.
pub(super) enum Work {
    /// Frames are looked at.
    Guided(Box<Guide<Taken>>),
    /// Looks wait for approval.
    Picked(Vec<Shot<Taken>>),
    /// Nothing any more.
    Over,
}

/// How a capture stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its id.
    pub id: CaptureId,
    /// Who is captured.
    pub person: PersonId,
    /// How.
    pub kind: Kind,
    /// `open`, `complete`, `another-face`, `spoof-suspected`, `timed-out`, or `proposed`.
    pub state: &'static str,
    /// The angle asked for next.
    pub wanted: Option<Angle>,
    /// What to tell the person.
    pub hint: &'static str,
    /// When it began.
    pub began_at: UnixMillis,
    /// Until when frames are taken.
    pub ends_at: Option<UnixMillis>,
    /// What was taken.
    pub shots: Vec<(Angle, FaceQuality)>,
}

impl Held {
    /// How it stands at `now`; `None` while a frame is looked at.
    pub(super) fn standing(&self, now: Duration) -> Option<Standing> {
        let mut work = self.work.try_lock().ok()?;
        if let Work::Guided(guide) = &mut *work {
            guide.tick(now);
        }
        Some(self.standing_of(&work))
    }

    pub(super) fn standing_of(&self, work: &Work) -> Standing {
        let (state, wanted, hint) = match work {
            Work::Guided(guide) => {
                let advice = guide.advice_now();
                (advice.state.as_str(), advice.wanted, advice.hint)
            }
            Work::Picked(_) => ("proposed", None, "Look through what was found, and finish."),
            Work::Over => ("finished", None, ""),
        };
        let shots = shots(work).iter().map(|shot| (shot.angle, shot.quality)).collect();
        let Self { id, person, kind, began_at, ends_at, .. } = *self;
        Standing { id, person, kind, state, wanted, hint, began_at, ends_at, shots }
    }

    /// The looks that templates may be made of.
    pub(super) fn usable<'w>(&self, work: &'w mut Work, now: Duration) -> Result<&'w [Shot<Taken>], CaptureError> {
        match &mut *work {
            Work::Over => return Err(CaptureError::Over("it is finished")),
            Work::Guided(guide) => {
                let state = guide.tick(now);
                if !state.is_usable() {
                    return Err(CaptureError::Over(state.as_str()));
                }
            }
            Work::Picked(_) => {}
        }
        let shots = shots(work);
        if shots.is_empty() { Err(CaptureError::Over("nothing was taken")) } else { Ok(shots) }
    }

    /// A look as a small JPEG, for whoever is to approve it; once a frame that is being looked at is done with, and whoever
    /// else looks. `None` if there is none of this number.
    pub async fn picture(&self, number: usize) -> Option<Vec<u8>> {
        let chip = shots(&*self.work.lock().await).get(number)?.chip.clone();
        let (side, mut jpeg) = (chip.picture().width(), Vec::new());
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, PICTURE_QUALITY);
        encoder.encode(chip.picture().as_raw(), side, side, image::ExtendedColorType::Rgb8).ok()?;
        Some(jpeg)
    }
}

/// Of JPEG, 1 to 100.
const PICTURE_QUALITY: u8 = 88;

fn shots(work: &Work) -> &[Shot<Taken>] {
    match work {
        Work::Guided(guide) => guide.shots(),
        Work::Picked(shots) => shots,
        Work::Over => &[],
    }
}
