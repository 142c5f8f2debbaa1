//! Have we seen this face? Among everyone enrolled, and among past visits of nobody known. Exact: every face is compared.

use std::sync::Arc;

use ostiary_common::ids::{EventId, PersonId};
use ostiary_models::embed::Embedding;
use uuid::Uuid;

use super::held::{HeldFaces, Visit};
use crate::domain::access::{Circle, Reach};
use crate::enroll::{Enrollment, Lookalike};
use crate::ports::StoreError;

/// What is looked for, and among whom.
pub struct Question {
    /// The faces; the nearest counts.
    pub faces: Vec<Embedding>,
    /// The person whose faces these are: not to be found.
    pub person: Option<PersonId>,
    /// The event whose face this is: not to be found.
    pub event: Option<EventId>,
    /// Least similarity, cosine.
    pub threshold: f32,
    /// At most so many persons, and so many visits.
    pub limit: usize,
    /// The persons who may be named; `None` to look among none.
    pub circle: Option<Circle>,
    /// Where visits may be named from; `None` to look among none.
    pub reach: Option<Reach>,
}

/// What was found, the most alike first.
#[derive(Debug, Default)]
pub struct Found {
    /// Persons.
    pub persons: Vec<Lookalike>,
    /// Past visits of nobody known, with their similarities.
    pub visits: Vec<(Visit, f32)>,
}

/// Looks for a face.
///
/// # Errors
/// [`StoreError`].
pub async fn search(enrollment: &Enrollment, held: &HeldFaces, question: Question) -> Result<Found, StoreError> {
    let mut found = Found::default();
    if let Some(circle) = &question.circle {
        // Nobody has the id of nobody, so that nobody is left out.
        let except = question.person.unwrap_or(PersonId(Uuid::nil()));
        let (faces, limit) = (&question.faces, question.limit);
        found.persons = enrollment.others(except, faces, question.threshold, circle, limit).await?;
    }
    if question.reach.is_some() {
        let visits = held.snapshot().await?.visits;
        let look = move || nearest_visits(&visits, &question);
        found.visits = tokio::task::spawn_blocking(look).await.expect("a search is arithmetic and does not panic");
    }
    Ok(found)
}

fn nearest_visits(visits: &Arc<Vec<Visit>>, question: &Question) -> Vec<(Visit, f32)> {
    let Some(reach) = &question.reach else { return Vec::new() };
    let alike = |visit: &Visit| {
        let similarities = question.faces.iter().map(|face| face.similarity(&visit.embedding));
        similarities.fold(f32::NEG_INFINITY, f32::max)
    };
    let within =
        visits.iter().filter(|visit| reach.covers(visit.site, visit.door) && Some(visit.event) != question.event);
    let mut near: Vec<(&Visit, f32)> = within.map(|visit| (visit, alike(visit))).collect();
    near.retain(|(_, similarity)| *similarity >= question.threshold);
    near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cursor.cmp(&b.0.cursor)));
    near.truncate(question.limit);
    near.into_iter().map(|(visit, similarity)| (visit.clone(), similarity)).collect()
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::{DoorId, SiteId, UnknownId};
    use ostiary_common::time::UnixMillis;

    use super::*;
    use crate::domain::access::Scope;

    fn visit(cursor: i64, door: DoorId, face: [f32; 2]) -> Visit {
        Visit {
            cursor,
            event: EventId::generate(),
            site: SiteId(Uuid::nil()),
            door,
            at: UnixMillis(cursor),
            visitor: UnknownId::generate(),
            pinned: false,
            embedding: Arc::new(Embedding::from_raw(face.to_vec()).unwrap()),
        }
    }

    #[test]
    fn the_nearest_within_reach_come_first() {
        let (here, there) = (DoorId::generate(), DoorId::generate());
        let visits = Arc::new(vec![
            visit(1, here, [0.9, 0.1]),
            visit(2, there, [1.0, 0.0]),
            visit(3, here, [1.0, 0.0]),
            visit(4, here, [0.0, 1.0]),
        ]);
        let check = |reach: Reach, event: Option<EventId>, limit: usize, expected: &[i64]| {
            let faces = vec![Embedding::from_raw(vec![1.0, 0.0]).unwrap()];
            let question =
                Question { faces, person: None, event, threshold: 0.8, limit, circle: None, reach: Some(reach) };
            let found = nearest_visits(&visits, &question);
            assert_eq!(found.iter().map(|(visit, _)| visit.cursor).collect::<Vec<_>>(), expected);
        };
        check(Reach::Everything, None, 9, &[2, 3, 1]);
        check(Reach::Everything, None, 2, &[2, 3]);
        check(Reach::of([Scope::Door(here)]), None, 9, &[3, 1]);
        check(Reach::NOTHING, None, 9, &[]);
        check(Reach::Everything, Some(visits[1].event), 9, &[3, 1]);
    }
}
