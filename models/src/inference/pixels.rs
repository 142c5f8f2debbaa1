//! From 8-bit colours to a net's input.

use ostiary_kernels::Isa;
use ostiary_kernels::pixels::{Channel, planes};
use tract_onnx::prelude::Tensor;

use crate::frame::RgbImage;
use crate::pack::ColorOrder;

/// What becomes of a colour value on its way into a net: `value * scale + shift`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels {
    color: ColorOrder,
    scale: [f32; 3],
    shift: [f32; 3],
}

impl Pixels {
    /// `(value - mean) / std`, the planes in the net's order.
    pub(crate) fn new(color: ColorOrder, mean: [f32; 3], std: [f32; 3]) -> Self {
        let scale = std.map(|value| 1.0 / value);
        Self { color, scale, shift: std::array::from_fn(|c| -mean[c] * scale[c]) }
    }

    /// The picture as [1, 3, height, width].
    pub(crate) fn tensor(&self, picture: &RgbImage) -> Tensor {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut tensor = Tensor::zero::<f32>(&[1, 3, height, width]).expect("a picture's planes fit into memory");
        let mut values = tensor.try_as_plain_ram_mut().expect("a new tensor is plain");
        let values = values.as_slice_mut::<f32>().expect("it was made of f32");
        let mut all = values.chunks_exact_mut(width * height).zip(self.scale).zip(self.shift);
        let mut channels = std::array::from_fn(|_| {
            let ((plane, scale), shift) = all.next().expect("three planes of width x height values");
            Channel { plane, scale, shift }
        });
        if self.color == ColorOrder::Bgr {
            channels.reverse();
        }
        planes(Isa::best(), picture.as_raw(), channels);
        tensor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_come_in_the_nets_order() {
        let picture = RgbImage::from_raw(2, 1, vec![10, 20, 30, 40, 50, 60]).unwrap();
        let planes = |color| {
            let tensor = Pixels::new(color, [10.0, 20.0, 30.0], [2.0; 3]).tensor(&picture);
            assert_eq!(tensor.shape(), [1, 3, 1, 2]);
            tensor.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
        };
        assert_eq!(planes(ColorOrder::Rgb), [0.0, 15.0, 0.0, 15.0, 0.0, 15.0]);
        assert_eq!(planes(ColorOrder::Bgr), [10.0, 25.0, 0.0, 15.0, -10.0, 5.0]);
    }
}
