//! Which code computes the nets.

use std::fmt;

use ostiary_kernels::Isa;
use serde::{Deserialize, Serialize};

/// What to compute the nets with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernels {
    /// Our own kernels for what the processor has, where a net is of an architecture they know; else tract's.
    #[default]
    Auto,
    /// tract's own operations.
    Stock,
    /// Our own kernels for one instruction set: for tests and benches.
    Only(Isa),
}

/// What a configuration may say of [`Kernels`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelsSetting {
    /// Our own where they know the net, else tract's.
    #[default]
    Auto,
    /// tract's.
    Stock,
}

impl From<KernelsSetting> for Kernels {
    fn from(setting: KernelsSetting) -> Self {
        match setting {
            KernelsSetting::Auto => Self::Auto,
            KernelsSetting::Stock => Self::Stock,
        }
    }
}

impl Kernels {
    /// Reads `auto`, `stock`, or the name of an instruction set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "stock" => Some(Self::Stock),
            isa => Isa::parse(isa).map(Self::Only),
        }
    }

    /// The instruction set to use our own kernels with. Plain Rust is no faster than tract, so it must be asked for.
    pub(crate) fn isa(self) -> Option<Isa> {
        match self {
            Self::Auto => Some(Isa::best()).filter(|isa| *isa != Isa::Scalar),
            Self::Stock => None,
            Self::Only(isa) => Some(isa.or_scalar()),
        }
    }
}

/// What a net is computed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetKernels {
    /// Our own kernels.
    Fused(Isa),
    /// tract's own operations, and why.
    Stock(String),
}

impl fmt::Display for NetKernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fused(isa) => write!(f, "fused kernels, {}", isa.as_str()),
            Self::Stock(reason) => write!(f, "stock tract: {reason}"),
        }
    }
}

/// What the nets of an engine are computed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineKernels {
    /// The detector.
    pub detector: NetKernels,
    /// The embedder.
    pub embedder: NetKernels,
}

impl fmt::Display for EngineKernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "detector: {}; embedder: {}", self.detector, self.embedder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        assert_eq!(Kernels::parse("auto"), Some(Kernels::Auto));
        assert_eq!(Kernels::parse("stock"), Some(Kernels::Stock));
        assert_eq!(Kernels::parse("avx2"), Some(Kernels::Only(Isa::Avx2)));
        assert_eq!(Kernels::parse("fast"), None);
        assert_eq!(Kernels::Stock.isa(), None);
        assert_eq!(NetKernels::Fused(Isa::Neon).to_string(), "fused kernels, neon");
    }
}
