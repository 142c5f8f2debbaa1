//! Matches of persons who were mistaken for somebody before: is it that one again?
//!
//! The rule is the one of a search with that face in it: a visit nearer to a face that is known not to be the person's
//! than to the person is in doubt. It is said with the event, for people and for what follows events; doors decide by
//! themselves, and go on naming the person.

#[cfg(test)]
mod measured;

use ostiary_models::embed::Embedding;

use super::held::HeldFaces;
use crate::ports::judgements::{DoubtfulMatch, JudgementStore};
use crate::ports::{Store, StoreError};

/// Matches of one step.
const AT_ONCE: u32 = 200;

/// Looks at all new matches.
///
/// # Errors
/// [`StoreError`]; what was not looked at is looked at the next time.
pub async fn doubt_matches(store: &dyn Store, held: &HeldFaces) -> Result<(), StoreError> {
    while let Some((upto, matches)) = JudgementStore::doubtful_matches(store, AT_ONCE).await? {
        let doubts: Vec<(i64, f32)> = matches.iter().filter_map(|one| Some((one.cursor, doubt(one, held)?))).collect();
        if !doubts.is_empty() {
            metrics::counter!("ostiary_server_matches_doubted_total").increment(doubts.len() as u64);
        }
        store.mark_doubts(upto, &doubts).await?;
        if matches.len() < AT_ONCE as usize {
            break;
        }
    }
    Ok(())
}

fn doubt(found: &DoubtfulMatch, held: &HeldFaces) -> Option<f32> {
    let read = |(pack, bytes): &(ostiary_common::ids::PackId, Vec<u8>)| held.read(pack, bytes);
    let face = read(&found.face)?;
    nearer(&face, found.similarity, found.not_them.iter().filter_map(read))
}

/// How near a face is to the nearest that is not the person's, if that is nearer than it is to the person.
fn nearer(face: &Embedding, to_person: f32, not_them: impl Iterator<Item = Embedding>) -> Option<f32> {
    let nearest = not_them.map(|other| face.similarity(&other)).reduce(f32::max)?;
    (nearest > to_person).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_nearer_to_another_is_in_doubt() {
        let face = |x: f32, y: f32| Embedding::from_raw(vec![x, y]).unwrap();
        let check = |face_seen: &Embedding, to_person, not_them: &[Embedding], expected| {
            assert_eq!(nearer(face_seen, to_person, not_them.iter().cloned()).is_some(), expected);
        };
        let (seen, alike, other) = (face(1.0, 0.0), face(1.0, 0.05), face(0.0, 1.0));
        check(&seen, 0.95, std::slice::from_ref(&alike), true);
        check(&seen, 0.9999, std::slice::from_ref(&alike), false);
        check(&seen, 0.95, std::slice::from_ref(&other), false);
        check(&seen, 0.5, &[], false);
    }
}
