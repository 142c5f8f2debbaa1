//! Looking closely at the faces of one frame, side by side as far as there are finders.

use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::frame::RgbView;

use crate::domain::track::TrackId;
use crate::domain::visit::{Visit, VisitRules};
use crate::ports::{CloseLook, FaceFinder, FinderError};

/// A face that was looked at: what was seen, and what it was embedded to.
pub struct Seen {
    /// Whose it is.
    pub track: TrackId,
    /// What was seen.
    pub look: CloseLook,
    /// What it was embedded to, if it was worth it.
    pub embedding: Option<Embedding>,
}

/// A face to be looked at, and the visit that says what is worth doing.
pub type Job<'a> = (TrackId, DetectedFace, &'a mut Visit);

/// What came of a look.
pub type Looked = Result<Seen, FinderError>;

/// Shares the jobs out among the finders; the first works on this thread.
pub fn side_by_side<F: FaceFinder>(
    finders: &mut [F],
    view: RgbView<'_>,
    jobs: &mut [Job<'_>],
    rules: &VisitRules,
) -> Vec<Looked> {
    let share = jobs.len().div_ceil(finders.len().max(1)).max(1);
    std::thread::scope(|scope| {
        let mut parts = finders.iter_mut().zip(jobs.chunks_mut(share));
        let own = parts.next();
        let helpers: Vec<_> =
            parts.map(|(finder, jobs)| scope.spawn(move || look_at_each(finder, view, jobs, rules))).collect();
        let mut results = own.map(|(finder, jobs)| look_at_each(finder, view, jobs, rules)).unwrap_or_default();
        results.extend(helpers.into_iter().flat_map(|helper| helper.join().unwrap_or_default()));
        results
    })
}

fn look_at_each<F: FaceFinder>(
    finder: &mut F,
    view: RgbView<'_>,
    jobs: &mut [Job<'_>],
    rules: &VisitRules,
) -> Vec<Looked> {
    jobs.iter_mut().map(|(track, face, visit)| look_at(finder, view, *track, face, visit, rules)).collect()
}

fn look_at<F: FaceFinder>(
    finder: &mut F,
    view: RgbView<'_>,
    track: TrackId,
    face: &DetectedFace,
    visit: &mut Visit,
    rules: &VisitRules,
) -> Looked {
    let look = finder.look(view, face)?;
    let embedding = if visit.looked(&look.quality, rules) { Some(finder.embed(&look)?) } else { None };
    Ok(Seen { track, look, embedding })
}
