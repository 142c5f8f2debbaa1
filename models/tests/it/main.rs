//! The crate as its users see it, on real nets and pictures.

mod default_pack;
mod labelled_faces;
mod optional_packs;
mod pack_check;
mod support;
