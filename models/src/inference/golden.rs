//! Golden tests: the default pack's nets against onnxruntime, on inputs stored at exactly the nets' size.
//! The references are made by `cargo xtask models goldens`.

use std::path::{Path, PathBuf};

use super::{Network, Pixels, Session};
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

/// Every output of a net of the default pack on a stored picture.
fn run(net: &'static str, name: &str) -> Vec<Vec<f32>> {
    let picture = picture(&format!("{name}.png"));
    let path = crate_dir().join("packs/ostiary-default").join(format!("{net}.onnx"));
    let size = InputSize { width: picture.width(), height: picture.height() };
    let plan = Network::read(net, &path).unwrap().plan(size).unwrap();
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
    for name in ["frame_256x192", "close_192x192"] {
        let outputs = run("detector", name);
        let scores = largest_difference(&outputs[1], &floats(&format!("{name}.scores.f32")));
        assert!(scores <= SCORE_TOLERANCE, "{name}: scores differ by {scores}");
        let cells: Vec<usize> =
            serde_json::from_slice(&std::fs::read(golden(&format!("{name}.cells.json"))).unwrap()).unwrap();
        let boxes: Vec<f32> = cells.iter().flat_map(|cell| outputs[0][16 * cell..16 * cell + 16].to_vec()).collect();
        let boxes = largest_difference(&boxes, &floats(&format!("{name}.boxes.f32")));
        assert!(boxes <= BOX_TOLERANCE_PX, "{name}: boxes differ by {boxes} px");
        println!("{name}: boxes within {boxes:.1e} px, scores within {scores:.1e}");
    }
}

#[test]
fn embedder_agrees_with_onnxruntime() {
    let difference = largest_difference(&run("embedder", "chip_150x150")[0], &floats("chip_150x150.embedding.f32"));
    assert!(difference <= EMBEDDING_TOLERANCE, "embeddings differ by {difference}");
    println!("embedding within {difference:.1e}");
}
