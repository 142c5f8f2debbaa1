//! Memory that is used again. Without it every run would ask the system for megabytes and give them back, which can
//! take longer than the net itself.
//!
//! A pool belongs to a thread. It holds as many tensors of a shape as were in use at one time, which a net's graph
//! bounds, and one piece of scratch memory for each depth of use.

use std::cell::RefCell;
use std::collections::HashMap;

use tract_onnx::prelude::*;

thread_local! {
    static TENSORS: RefCell<HashMap<[usize; 3], Vec<Tensor>>> = RefCell::default();
    static SCRATCH: RefCell<Vec<Vec<f32>>> = RefCell::default();
}

/// A tensor whose border is zero; what is inside it may be of an earlier run.
pub(super) fn bordered(shape: [usize; 3]) -> TractResult<Tensor> {
    match TENSORS.with_borrow_mut(|tensors| tensors.get_mut(&shape).and_then(Vec::pop)) {
        Some(tensor) => Ok(tensor),
        None => Tensor::zero::<f32>(&shape),
    }
}

/// Takes back what [`bordered`] gave, once nobody else holds it.
pub(super) fn take_back(value: TValue) {
    if let ([height, width, channels], true) = (value.shape(), value.is_exclusive()) {
        let shape = [*height, *width, *channels];
        let tensor = value.into_tensor();
        TENSORS.with_borrow_mut(|tensors| tensors.entry(shape).or_default().push(tensor));
    }
}

/// Lends `length` values of anything.
pub(super) fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut scratch = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    let result = work(&mut scratch[..length]);
    SCRATCH.with_borrow_mut(|all| all.push(scratch));
    result
}
