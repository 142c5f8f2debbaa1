//! The three widths of x86-64.

#![expect(unsafe_code, reason = "a vector is loaded from and stored to pointers")]

use std::arch::x86_64::*;

use half::f16;

use super::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Sse2(__m128);

#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// One width: the intrinsics by their names, and how to multiply and add.
macro_rules! width {
    ($name:ident, $lanes:literal, $half:ty, $load:ident, $store:ident, $splat:ident, $add:ident, $mul:ident, $max:ident,
     |$a:ident, $b:ident, $c:ident| $mul_add:expr $(, halves: |$from:ident| $widen:expr)?) => {
        // SAFETY (each block): the trait's caller promises the instruction set, and the memory of load and store,
        // which are the unaligned ones.
        impl Simd for $name {
            const LANES: usize = $lanes;
            type Half = $half;

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: as above.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as above.
                unsafe { $store(to, self.0) }
            }

            $(#[inline(always)]
            unsafe fn load_halves($from: *const f16) -> Self {
                // SAFETY: as above.
                Self(unsafe { $widen })
            })?

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: as above.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn mul_add(self, by: Self, to: Self) -> Self {
                let ($a, $b, $c) = (self.0, by.0, to.0);
                // SAFETY: as above.
                Self(unsafe { $mul_add })
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $max(self.0, other.0) })
            }

            #[inline(always)]
            fn prefetch(at: *const f32) {
                // SAFETY: every x86-64 has it, and it never faults.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
            }
        }
    };
}

width!(Sse2, 4, Self, _mm_loadu_ps, _mm_storeu_ps, _mm_set1_ps, _mm_add_ps, _mm_mul_ps, _mm_max_ps, |a, b, c| {
    _mm_add_ps(_mm_mul_ps(a, b), c)
});
width!(
    Avx2,
    8,
    Self,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_add_ps,
    _mm256_mul_ps,
    _mm256_max_ps,
    |a, b, c| _mm256_fmadd_ps(a, b, c),
    halves: |from| _mm256_cvtph_ps(_mm_loadu_si128(from.cast()))
);
width!(
    Avx512,
    16,
    Avx2,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_max_ps,
    |a, b, c| _mm512_fmadd_ps(a, b, c),
    halves: |from| _mm512_cvtph_ps(_mm256_loadu_si256(from.cast()))
);
