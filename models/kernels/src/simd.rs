//! One vector of f32 lanes, whatever the processor calls it. The kernels are written once over [`Simd`] and
//! compiled for each instruction set; start at [`dispatch!`], which makes and chooses those versions.
//!
//! Everything generic here is `inline(always)`: a vector instruction may only stand in a function compiled for its
//! set, and the functions [`dispatch!`] makes are the only ones that are.

#![expect(unsafe_code, reason = "vector instructions are only there on some processors")]

use half::f16;

use crate::Isa;

#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use plain::Plain;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512, Sse2};

/// A vector of f32.
///
/// # Safety
/// Every function: only where the processor has the instruction set. `load` and `store`: `LANES` values are there,
/// at any alignment.
pub(crate) trait Simd: Copy {
    /// Values in a vector.
    const LANES: usize;
    /// Half as wide where narrower tensors ask for it; channels come in eights.
    type Half: Simd;

    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Values of half precision (`LANES` of them are there, at any alignment), widened. Here one by one; a set that
    /// does it in one instruction says so in [`has_halves`].
    #[inline(always)]
    unsafe fn load_halves(from: *const f16) -> Self {
        let mut values = [0.0; 16];
        for (lane, value) in values.iter_mut().enumerate().take(Self::LANES) {
            // SAFETY: the caller promises `LANES` values.
            *value = unsafe { from.add(lane).read_unaligned() }.to_f32();
        }
        // SAFETY: no set has more than sixteen lanes.
        unsafe { Self::load(values.as_ptr()) }
    }
    unsafe fn splat(value: f32) -> Self;
    /// `self * by + to`, rounded once where the processor can.
    unsafe fn mul_add(self, by: Self, to: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;

    /// Asks for the cache line at an address, which need not be valid, to be brought near. Nothing by default.
    #[inline(always)]
    fn prefetch(_: *const f32) {}
}

/// Whether half-precision values are widened for nothing on their way into a register.
pub(crate) const fn has_halves(isa: Isa) -> bool {
    matches!(isa, Isa::Avx2 | Isa::Avx512)
}

/// How a number is kept in memory.
pub(crate) trait Stored: Copy {
    /// # Safety
    /// As of [`Simd::load`].
    unsafe fn load<V: Simd>(from: *const Self) -> V;
}

impl Stored for f32 {
    #[inline(always)]
    unsafe fn load<V: Simd>(from: *const Self) -> V {
        // SAFETY: as the caller promises.
        unsafe { V::load(from) }
    }
}

impl Stored for f16 {
    #[inline(always)]
    unsafe fn load<V: Simd>(from: *const Self) -> V {
        // SAFETY: as the caller promises.
        unsafe { V::load_halves(from) }
    }
}

/// Makes `fn NAME(isa, job)`: the kernel compiled for every instruction set of this architecture, with the number of
/// pixels it takes at a time for each, and the choice between them.
///
/// The kernel is `unsafe fn KERNEL<V: Simd, const PIXELS: usize>(job: &JOB)`.
macro_rules! dispatch {
    ($name:ident, $kernel:ident, $job:ty, avx512: $p512:literal, avx2: $p2:literal, others: $p:literal) => {
        /// # Safety
        /// What the kernel asks of its job; and `isa` must be available.
        unsafe fn $name(isa: $crate::Isa, job: &$job) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
            unsafe fn avx512(job: &$job) {
                // SAFETY: the features are those of this function; the job is as the caller promises.
                unsafe { $kernel::<$crate::simd::Avx512, $p512>(job) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            unsafe fn avx2(job: &$job) {
                // SAFETY: as above.
                unsafe { $kernel::<$crate::simd::Avx2, $p2>(job) }
            }
            match isa {
                // SAFETY: the caller promises that `isa` is available, and what the kernel asks of the job.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx512 => unsafe { avx512(job) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx2 => unsafe { avx2(job) },
                // SAFETY: every x86-64 has SSE2.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Sse2 => unsafe { $kernel::<$crate::simd::Sse2, $p>(job) },
                // SAFETY: every aarch64 has NEON.
                #[cfg(target_arch = "aarch64")]
                $crate::Isa::Neon => unsafe { $kernel::<$crate::simd::Neon, $p512>(job) },
                // SAFETY: plain Rust needs nothing of the processor.
                _ => unsafe { $kernel::<$crate::simd::Plain, $p>(job) },
            }
        }
    };
}
pub(crate) use dispatch;
