//! From 8-bit colours to a net's input.

use tract_onnx::prelude::Tensor;

use crate::frame::RgbImage;
use crate::pack::ColorOrder;

/// What becomes of a colour value on its way into a net: `value * scale + shift`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels {
    /// Which byte of a pixel each plane takes.
    channels: [usize; 3],
    scale: [f32; 3],
    shift: [f32; 3],
}

impl Pixels {
    /// `(value - mean) / std`, the planes in the net's order.
    pub(crate) fn new(color: ColorOrder, mean: [f32; 3], std: [f32; 3]) -> Self {
        let channels = match color {
            ColorOrder::Rgb => [0, 1, 2],
            ColorOrder::Bgr => [2, 1, 0],
        };
        let scale = std.map(|value| 1.0 / value);
        Self { channels, scale, shift: std::array::from_fn(|c| -mean[c] * scale[c]) }
    }

    /// The picture as [1, 3, height, width].
    pub(crate) fn tensor(&self, picture: &RgbImage) -> Tensor {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let pixels = picture.as_raw().as_chunks::<3>().0;
        let mut planes = Vec::with_capacity(3 * width * height);
        for ((channel, scale), shift) in self.channels.into_iter().zip(self.scale).zip(self.shift) {
            planes.extend(pixels.iter().map(|pixel| f32::from(pixel[channel]) * scale + shift));
        }
        Tensor::from_shape(&[1, 3, height, width], &planes).expect("three planes of width x height values")
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
