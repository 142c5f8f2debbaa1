//! The fused nets against the stock graph, on every path this machine has; and what does not match.

use std::path::PathBuf;

use ostiary_kernels::Isa;
use proptest::prelude::*;
use tract_onnx::prelude::*;

use super::{Weights, fuse};

/// Largest difference allowed, of values that reach 250 in boxes and 0.3 in embeddings.
const TOLERANCE: f32 = 1e-3;

fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

fn pack_file(name: &str) -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packs/ostiary-default").join(name)
}

fn read(name: &str) -> InferenceModel {
    tract_onnx::onnx().model_for_path(pack_file(name)).unwrap()
}

fn sized(model: &InferenceModel, width: usize, height: usize) -> InferenceModel {
    model.clone().with_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), [1, 3, height, width])).unwrap()
}

/// A picture of soft shapes and noise, 0..255.
fn picture(width: usize, height: usize, seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut values = Vec::with_capacity(3 * width * height);
    for at in 0..3 * width * height {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let soft = ((at % width) as f32 / 19.0).sin() * ((at / width) as f32 / 23.0).cos();
        values.push((127.0 + 90.0 * soft + (state % 64) as f32 - 32.0).clamp(0.0, 255.0));
    }
    Tensor::from_shape(&[1, 3, height, width], &values).unwrap()
}

fn outputs(model: TypedModel, picture: &Tensor) -> Vec<Vec<f32>> {
    let outputs = model.into_runnable().unwrap().run(tvec!(picture.clone().into_tvalue())).unwrap();
    outputs.iter().map(|output| output.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()).collect()
}

fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.iter().map(Vec::len).collect::<Vec<_>>(), b.iter().map(Vec::len).collect::<Vec<_>>());
    a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// Weights of the same net are shared by its sizes, so they are made once.
fn check(model: &InferenceModel, weights: &[Weights], width: usize, height: usize, seed: u32) {
    let model = sized(model, width, height);
    let typed = model.clone().into_typed().unwrap();
    let picture = picture(width, height, seed);
    let stock = outputs(model.into_optimized().unwrap(), &picture);
    for weights in weights {
        let fused = outputs(fuse(&typed, weights).unwrap(), &picture);
        let difference = largest_difference(&fused, &stock);
        assert!(difference <= TOLERANCE, "{:?} at {width}x{height}: {difference}", weights.isa());
        println!("{:?} at {width}x{height}: within {difference:.1e}", weights.isa());
    }
}

fn weights_of_all() -> Vec<Weights> {
    available().map(Weights::new).collect()
}

#[test]
fn the_detector_is_the_same_at_every_size() {
    let (model, weights) = (read("detector.onnx"), weights_of_all());
    let sizes = [(32, 32), (64, 32), (32, 96), (96, 64), (128, 128), (192, 192), (256, 192), (160, 224), (512, 288)];
    for (seed, (width, height)) in sizes.into_iter().enumerate() {
        check(&model, &weights, width, height, seed as u32 + 1);
    }
}

#[test]
fn the_embedder_is_the_same() {
    let (model, weights) = (read("embedder.onnx"), weights_of_all());
    check(&model, &weights, 150, 150, 7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn the_detector_is_the_same_at_any_size(across in 1..11usize, down in 1..9usize, seed in 1..u32::MAX) {
        check(&read("detector.onnx"), &weights_of_all(), 32 * across, 32 * down, seed);
    }
}

/// Changes one operation of a net, and gives what the fusion says of it.
fn refusal(net: &str, side: (usize, usize), change: impl Fn(&mut TypedModel)) -> String {
    let mut typed = sized(&read(net), side.0, side.1).into_typed().unwrap();
    assert!(fuse(&typed, &Weights::new(Isa::best())).is_ok());
    change(&mut typed);
    fuse(&typed, &Weights::new(Isa::best())).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_changed_net_is_refused_by_the_name_of_its_node() {
    use tract_onnx::tract_core::ops::binary::TypedBinOp;
    use tract_onnx::tract_core::ops::cnn::Conv;
    use tract_onnx::tract_core::ops::math::Min;
    let node = |model: &TypedModel, name: &str| model.nodes().iter().position(|node| node.name == name).unwrap();
    let capped = refusal("detector.onnx", (64, 64), |model| {
        let at = node(model, "relu_97.low");
        model.node_mut(at).op = Box::new(TypedBinOp(Box::new(Min), None));
    });
    assert!(capped.contains("conv_101"), "{capped}");
    let dilated = refusal("embedder.onnx", (150, 150), |model| {
        let at = node(model, "conv_61");
        model.node_mut(at).op_as_mut::<Conv>().unwrap().pool_spec.dilations = Some(tvec!(2, 2));
    });
    assert!(dilated.contains("conv_61"), "{dilated}");
    let twice = refusal("detector.onnx", (64, 64), |model| {
        let at = node(model, "conv_101");
        model.node_mut(at).name = "conv_96".to_owned();
    });
    assert_eq!(twice, "conv_96: two nodes have this name");
}

#[test]
fn weights_are_packed_once_for_all_sizes() {
    let (model, weights) = (read("detector.onnx"), Weights::new(Isa::best()));
    let mut sizes = Vec::new();
    for side in [64, 96] {
        fuse(&sized(&model, side, side).into_typed().unwrap(), &weights).unwrap();
        sizes.push(weights.size_bytes());
    }
    assert!(sizes[0] > 1 << 20 && sizes[0] == sizes[1], "{sizes:?}");
}
