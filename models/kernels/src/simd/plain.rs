//! Four lanes of plain Rust: for processors without a set of their own here, and to compare the others with.

#![expect(unsafe_code, reason = "a vector is loaded from and stored to pointers")]

use super::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; 4]);

impl Plain {
    #[inline(always)]
    fn each(self, other: Self, work: impl Fn(f32, f32) -> f32) -> Self {
        let (a, b) = (self.0, other.0);
        Self([work(a[0], b[0]), work(a[1], b[1]), work(a[2], b[2]), work(a[3], b[3])])
    }
}

impl Simd for Plain {
    const LANES: usize = 4;
    type Half = Self;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises four values.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises room for four values.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    // Not `f32::mul_add`: where the processor cannot do it in one, that is a call into the C library.
    #[inline(always)]
    unsafe fn mul_add(self, by: Self, to: Self) -> Self {
        self.each(by, |a, b| a * b).each(to, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.each(other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.each(other, |a, b| if a > b { a } else { b })
    }
}
