//! Whether a new face of a person is to be kept: judged by the templates there are. Pure.

use ostiary_common::ids::TemplateId;
use ostiary_common::wire::Angle;
use ostiary_models::embed::Embedding;

/// A template of the person, of the same pack.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its id.
    pub id: TemplateId,
    /// The side it shows.
    pub angle: Angle,
    /// Overall quality of its photo, 0 to 1.
    pub quality: f32,
    /// The face.
    pub embedding: Embedding,
    /// Of its photo.
    pub source_sha256: [u8; 32],
}

/// A face that may become a template.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The side it shows.
    pub angle: Angle,
    /// Overall quality, 0 to 1.
    pub quality: f32,
    /// The face.
    pub embedding: &'a Embedding,
    /// Of the photo.
    pub source_sha256: [u8; 32],
    /// Similarity of the most alike person who is somebody else; `None` if nobody is near.
    pub nearest_other: Option<f32>,
}

/// What is demanded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// From this similarity (cosine) on a face tells nothing that a template does not tell already.
    pub near: f32,
    /// Below this similarity to every template it is not the person's face.
    pub same_person: f32,
    /// Templates kept of each side.
    pub per_angle: usize,
    /// An admin says that it is the person nevertheless, and is to be kept.
    pub insist: bool,
}

/// What becomes of a face.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// Its very photo made a template already.
    Known(TemplateId),
    /// A template tells the same.
    Near {
        /// Which.
        of: TemplateId,
        /// How alike, cosine.
        similarity: f32,
    },
    /// It is not the face of the rest.
    AnotherFace {
        /// To the most alike template, cosine.
        similarity: f32,
        /// What it should have been.
        limit: f32,
    },
    /// There are as many templates of that side as are kept, all better.
    Enough {
        /// Which side.
        angle: Angle,
        /// How many are kept.
        kept: usize,
    },
    /// It is kept, and these go.
    Keep {
        /// Templates it takes the place of.
        instead_of: Vec<TemplateId>,
        /// Whether it is kept only because an admin insists.
        insisted: bool,
    },
}

/// Judges a face by the templates of its person.
pub fn judge(face: &Candidate<'_>, held: &[Held], rules: &Rules) -> Judgement {
    if let Some(same) = held.iter().find(|held| held.source_sha256 == face.source_sha256) {
        return Judgement::Known(same.id);
    }
    let similarity = |held: &Held| held.embedding.similarity(face.embedding);
    let nearest = held.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let mut insisted = false;
    if let Some(nearest) = nearest {
        let found = similarity(nearest);
        // The same look is one of the same side: what a face shows of another side is worth having, however alike.
        if found >= rules.near && nearest.angle == face.angle {
            return Judgement::Near { of: nearest.id, similarity: found };
        }
        // One who is somebody else, and more alike than the person: then that is who the photo shows.
        let limit = face.nearest_other.filter(|other| *other > found).unwrap_or(0.0).max(rules.same_person);
        if found < limit {
            if !rules.insist {
                return Judgement::AnotherFace { similarity: found, limit };
            }
            insisted = true;
        }
    }
    let mut same_side: Vec<&Held> = held.iter().filter(|held| held.angle == face.angle).collect();
    if same_side.len() < rules.per_angle {
        return Judgement::Keep { instead_of: Vec::new(), insisted };
    }
    same_side.sort_by(|a, b| a.quality.total_cmp(&b.quality));
    let surplus = same_side.len() + 1 - rules.per_angle;
    let going = &same_side[..surplus];
    if going.iter().all(|held| held.quality < face.quality) {
        return Judgement::Keep { instead_of: going.iter().map(|held| held.id).collect(), insisted };
    }
    if rules.insist {
        return Judgement::Keep { instead_of: Vec::new(), insisted: true };
    }
    Judgement::Enough { angle: face.angle, kept: rules.per_angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { near: 0.99, same_person: 0.9, per_angle: 2, insist: false };

    fn at(degrees: f32) -> Embedding {
        Embedding::from_raw(vec![degrees.to_radians().cos(), degrees.to_radians().sin()]).unwrap()
    }

    fn held(degrees: f32, angle: Angle, quality: f32) -> Held {
        let source_sha256 = [degrees as u8; 32];
        Held { id: TemplateId::generate(), angle, quality, embedding: at(degrees), source_sha256 }
    }

    fn judged(degrees: f32, quality: f32, other: Option<f32>, held: &[Held], rules: Rules) -> Judgement {
        let embedding = at(degrees);
        let source_sha256 = [degrees as u8; 32];
        let nearest_other = other;
        judge(
            &Candidate { angle: Angle::Frontal, quality, embedding: &embedding, source_sha256, nearest_other },
            held,
            &rules,
        )
    }

    #[test]
    fn what_is_known_is_not_kept_twice() {
        let there = [held(0.0, Angle::Frontal, 0.5), held(20.0, Angle::Left, 0.5)];
        assert_eq!(judged(0.0, 0.9, None, &there, RULES), Judgement::Known(there[0].id));
        let near = judged(2.0, 0.9, None, &there, RULES);
        assert!(matches!(near, Judgement::Near { of, similarity } if of == there[0].id && similarity > 0.999));
        assert_eq!(judged(2.0, 0.9, None, &[], RULES), Judgement::Keep { instead_of: vec![], insisted: false });
    }

    #[test]
    fn another_face_is_kept_only_if_an_admin_insists() {
        let there = [held(0.0, Angle::Frontal, 0.5)];
        let insist = Rules { insist: true, ..RULES };
        assert!(matches!(judged(60.0, 0.9, None, &there, RULES), Judgement::AnotherFace { limit: 0.9, .. }));
        let kept = Judgement::Keep { instead_of: vec![], insisted: true };
        assert_eq!(judged(60.0, 0.9, None, &there, insist), kept);
        // Like the person, but more like somebody else.
        assert!(matches!(judged(20.0, 0.9, Some(0.98), &there, RULES), Judgement::AnotherFace { limit: 0.98, .. }));
        let fine = Judgement::Keep { instead_of: vec![], insisted: false };
        assert_eq!(judged(20.0, 0.9, Some(0.91), &there, RULES), fine);
    }

    #[test]
    fn the_best_of_each_side_are_kept() {
        let there = [held(10.0, Angle::Frontal, 0.6), held(20.0, Angle::Frontal, 0.8), held(15.0, Angle::Left, 0.1)];
        let better = Judgement::Keep { instead_of: vec![there[0].id], insisted: false };
        assert_eq!(judged(0.0, 0.7, None, &there, RULES), better);
        assert_eq!(judged(0.0, 0.5, None, &there, RULES), Judgement::Enough { angle: Angle::Frontal, kept: 2 });
        let insist = Rules { insist: true, ..RULES };
        assert_eq!(judged(0.0, 0.5, None, &there, insist), Judgement::Keep { instead_of: vec![], insisted: true });
    }
}
