//! Nets of the architectures the default pack has, run by our own kernels inside tract.
//!
//! A net comes as tract reads it, is matched from its outputs back ([`patterns`]), and becomes another tract model of
//! a few large operations ([`op`], [`steps`]), whose inner loops are in the crate `ostiary-kernels`. What does not
//! match stays as it is; [`Mismatch`] says why.
//!
//! Between the operations a tensor holds its channels together, rounded up to eights, and has a border of zeros one
//! pixel wide, so that no loop has a special case at an edge ([`map`]).

mod graph;
mod map;
mod op;
mod patterns;
mod pool;
mod steps;
mod weights;

#[cfg(test)]
mod tests;

pub(crate) use patterns::fuse;
pub(crate) use weights::Weights;

/// Why a net is not run by our kernels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {reason}")]
pub(crate) struct Mismatch {
    /// The node of the graph, by its name.
    node: String,
    reason: &'static str,
}
