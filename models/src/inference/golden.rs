//! Golden tests: the default pack's nets against onnxruntime, on inputs stored at exactly the nets' size.
//! The references are made by `cargo xtask models goldens`.

use std::path::{Path, PathBuf};

use ostiary_kernels::Isa;

use super::{Kernels, NetKernels, Network, Pixels, Session};
use crate::detect::InputSize;
use crate::frame::RgbImage;
use crate::pack::ColorOrder;

/// Largest difference allowed in a box, in pixels of the input (values reach 250).
const BOX_TOLERANCE_PX: f32 = 1e-3;
/// Largest difference allowed in a score, as a logit.
const SCORE_TOLERANCE: f32 = 5e-4;
/// Largest difference allowed in an embedding as the net gives it (values reach 0.3).
const EMBEDDING_TOLERANCE: f32 = 1e-5;

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn golden(name: &str) -> PathBuf {
    crate_dir().join("tests/golden").join(name)
}

fn floats(name: &str) -> Vec<f32> {
    let bytes = std::fs::read(golden(name)).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

fn picture(name: &str) -> RgbImage {
    image::open(golden(name)).unwrap().to_rgb8().try_into().unwrap()
}

/// Every way the nets can be computed on this machine.
fn paths() -> impl Iterator<Item = Kernels> {
    let ours = Isa::ALL.into_iter().filter(|isa| isa.is_available()).map(Kernels::Only);
    std::iter::once(Kernels::Stock).chain(ours)
}

/// Every output of a net of the default pack on a stored picture.
fn run(net: &'static str, name: &str, kernels: Kernels) -> Vec<Vec<f32>> {
    let picture = picture(&format!("{name}.png"));
    let path = crate_dir().join("packs/ostiary-default").join(format!("{net}.onnx"));
    let size = InputSize { width: picture.width(), height: picture.height() };
    let network = Network::read(net, &path, kernels).unwrap();
    let plan = network.plan(size).unwrap();
    if let Kernels::Only(isa) = kernels {
        assert_eq!(network.kernels(), NetKernels::Fused(isa));
    }
    let tensor = Pixels::new(ColorOrder::Rgb, [0.0; 3], [1.0; 3]).tensor(&picture);
    let outputs = Session::new(net, &plan).unwrap().run(tensor).unwrap();
    outputs.views().iter().map(|output| output.values.to_vec()).collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn detector_agrees_with_onnxruntime() {
    for (name, kernels) in
        ["frame_256x192", "close_192x192"].into_iter().flat_map(|name| paths().map(move |p| (name, p)))
    {
        let outputs = run("detector", name, kernels);
        let scores = largest_difference(&outputs[1], &floats(&format!("{name}.scores.f32")));
        assert!(scores <= SCORE_TOLERANCE, "{name}, {kernels:?}: scores differ by {scores}");
        let cells: Vec<usize> =
            serde_json::from_slice(&std::fs::read(golden(&format!("{name}.cells.json"))).unwrap()).unwrap();
        let boxes: Vec<f32> = cells.iter().flat_map(|cell| outputs[0][16 * cell..16 * cell + 16].to_vec()).collect();
        let boxes = largest_difference(&boxes, &floats(&format!("{name}.boxes.f32")));
        assert!(boxes <= BOX_TOLERANCE_PX, "{name}, {kernels:?}: boxes differ by {boxes} px");
        println!("{name}, {kernels:?}: boxes within {boxes:.1e} px, scores within {scores:.1e}");
    }
}

#[test]
fn embedder_agrees_with_onnxruntime() {
    for kernels in paths() {
        let embedding = run("embedder", "chip_150x150", kernels);
        let difference = largest_difference(&embedding[0], &floats("chip_150x150.embedding.f32"));
        assert!(difference <= EMBEDDING_TOLERANCE, "{kernels:?}: embeddings differ by {difference}");
        println!("{kernels:?}: embedding within {difference:.1e}");
    }
}
