//! Whether what a device holds is the truth. Pure.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::wire::Revision;

/// How a device's gallery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds exactly what it should.
    InSync,
    /// It holds an older revision.
    Behind,
    /// It says it holds this revision, or a newer one than there is, and the contents differ.
    Differs,
}

/// Compares what a device holds with the truth now.
pub(super) fn judge(held: (Revision, GalleryDigest), truth: (Revision, GalleryDigest)) -> Verdict {
    match held.0.cmp(&truth.0) {
        std::cmp::Ordering::Less => Verdict::Behind,
        std::cmp::Ordering::Equal if held.1 == truth.1 => Verdict::InSync,
        _ => Verdict::Differs,
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::TemplateId;

    use super::*;

    #[test]
    fn verdicts() {
        let (a, b) = (GalleryDigest::default(), GalleryDigest::of([(TemplateId::generate(), 1)]));
        let check = |held: u64, held_digest, truth: u64, expected| {
            assert_eq!(judge((Revision(held), held_digest), (Revision(truth), a)), expected, "{held} of {truth}");
        };
        check(4, a, 4, Verdict::InSync);
        check(4, b, 4, Verdict::Differs);
        check(3, b, 4, Verdict::Behind);
        check(5, a, 4, Verdict::Differs);
        check(0, a, 0, Verdict::InSync);
    }
}
