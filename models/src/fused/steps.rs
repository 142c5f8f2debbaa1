//! The large operations a fused net is made of; each is computed row by row or as a whole from tensors with a border.

mod block;
mod conv;
mod head;
mod shortcut;
mod stem;
mod tail;

pub(super) use block::{Block, Separable};
pub(super) use conv::{ConvStep, Lateral};
pub(super) use head::Head;
pub(super) use shortcut::{Shrunk, Side};
pub(super) use stem::{Planes, Stem, StemPool};
pub(super) use tail::Tail;

/// The least value a layer gives out.
const fn floor(relu: bool) -> f32 {
    if relu { 0.0 } else { f32::NEG_INFINITY }
}
