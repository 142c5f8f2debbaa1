//! The crate as its users see it, on real nets and pictures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod clips_of_photos;
mod default_pack;
mod labelled_faces;
mod liveness;
mod optional_packs;
mod pack_check;
mod support;
