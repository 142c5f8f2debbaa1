//! Which vector instructions there are.

/// A set of vector instructions the kernels are written for, from the plainest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust: runs everywhere, and is what the others are compared with.
    Scalar,
    /// x86-64 as every such processor has it.
    Sse2,
    /// AVX2, FMA and F16C, which came together.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// aarch64 as every such processor has it.
    Neon,
}

impl Isa {
    /// Every set there is a kernel for.
    pub const ALL: [Self; 5] = [Self::Scalar, Self::Sse2, Self::Avx2, Self::Avx512, Self::Neon];

    /// The widest set this machine has.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.is_available()).unwrap_or(Self::Scalar)
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            _ => false,
        }
    }

    /// Itself where this machine has it, else plain Rust: what every kernel's constructor makes of its choice, so
    /// that nothing is ever run that is not there.
    #[must_use]
    pub fn or_scalar(self) -> Self {
        if self.is_available() { self } else { Self::Scalar }
    }

    /// As it is written in configurations, logs and benches.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Sse2 => "sse2",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// Reads what [`Isa::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_available_and_names_read_back() {
        assert!(Isa::best().is_available());
        assert!(Isa::Scalar.is_available());
        assert!(!(Isa::Neon.is_available() && Isa::Sse2.is_available()));
        for isa in Isa::ALL {
            assert_eq!(Isa::parse(isa.as_str()), Some(isa));
        }
        assert_eq!(Isa::parse("mmx"), None);
    }
}
