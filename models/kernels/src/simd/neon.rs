//! aarch64: four lanes in thirty-two registers.

#![expect(unsafe_code, reason = "a vector is loaded from and stored to pointers")]

use std::arch::aarch64::*;

use super::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Neon(float32x4_t);

impl Simd for Neon {
    const LANES: usize = 4;
    type Half = Self;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: every aarch64 has NEON; the caller promises four values.
        Self(unsafe { vld1q_f32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: every aarch64 has NEON; the caller promises room for four values.
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: every aarch64 has NEON.
        Self(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, to: Self) -> Self {
        // SAFETY: every aarch64 has NEON.
        Self(unsafe { vfmaq_f32(to.0, self.0, by.0) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: every aarch64 has NEON.
        Self(unsafe { vaddq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: every aarch64 has NEON.
        Self(unsafe { vmulq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: every aarch64 has NEON.
        Self(unsafe { vmaxq_f32(self.0, other.0) })
    }
}
