//! The families users bring, on models that are not part of the repository: their packs are checked, find the
//! same face as the default pack, and embed it.

use std::path::Path;

use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::pack::{Pack, Severity, check_dir};
use sha2::{Digest, Sha256};

use crate::support::{astronaut, default_engine, default_pack_dir, shared};

const YUNET: &str = r#"
family = "yunet"
color = "bgr"
score_threshold = 0.6
smallest_face_px = 10.0
largest_face_px = 300.0
"#;

const SCRFD: &str = r#"
family = "scrfd"
mean = [127.5, 127.5, 127.5]
std = [128.0, 128.0, 128.0]
nms_iou = 0.4
smallest_face_px = 12.0
largest_face_px = 300.0
"#;

const ARCFACE: &str = r#"
family = "arcface-112"
dimension = 128
input_side = 112
mean = [127.5, 127.5, 127.5]
std = [127.5, 127.5, 127.5]
"#;

const DLIB: &str = r#"
family = "dlib-resnet"
dimension = 128
input_side = 150
"#;

/// A pack of two files with the given sections.
fn pack(detector: (&Path, &str), embedder: (&Path, &str)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let model = |section: &str, (path, settings): (&Path, &str)| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(dir.path().join(format!("{section}.onnx")), &bytes).unwrap();
        let digest = hex::encode(Sha256::digest(&bytes));
        format!(
            "[{section}]\n{settings}\n[{section}.model]\nfile = \"{section}.onnx\"\nsha256 = \"{digest}\"\nlicence = \"x\"\n"
        )
    };
    let thresholds = "[thresholds]\nmatch = 0.5\nstrict = 0.6\nlenient = 0.4\nmargin = 0.05\nmin_face_px = 60.0\n\
                      enroll_min_face_px = 80.0\nmin_quality = 0.3\nenroll_min_quality = 0.4\n";
    let manifest = format!(
        "format = 1\nid = \"users-own@1\"\n{}{}{thresholds}",
        model("detector", detector),
        model("embedder", embedder)
    );
    std::fs::write(dir.path().join("pack.toml"), manifest).unwrap();
    dir
}

fn check(detector: (&str, &str), embedder: (Option<&str>, &str)) {
    let Some(models) = shared("models/optional") else { return };
    let embedder_path = embedder.0.map_or(default_pack_dir().join("embedder.onnx"), |name| models.join(name));
    let dir = pack((&models.join(detector.0), detector.1), (&embedder_path, embedder.1));
    let findings = check_dir(dir.path());
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");

    let mut engine = FaceEngine::load(&Pack::load(dir.path()).unwrap(), &EngineOptions::default()).unwrap();
    let portrait = astronaut();
    let face_of = |engine: &mut FaceEngine| {
        let faces = engine.find_faces(portrait.view()).unwrap();
        assert_eq!(faces.len(), 1, "{faces:?}");
        engine.refine(portrait.view(), &faces[0]).unwrap()
    };
    let (ours, theirs) = (face_of(&mut default_engine()), face_of(&mut engine));
    let near = 0.12 * ours.width_px();
    for (a, b) in [
        (ours.landmarks.right_eye, theirs.landmarks.right_eye),
        (ours.landmarks.left_eye, theirs.landmarks.left_eye),
        (ours.landmarks.nose, theirs.landmarks.nose),
        (ours.landmarks.mouth_centre(), theirs.landmarks.mouth_centre()),
    ] {
        assert!(a.distance(b) < near, "{ours:?} {theirs:?}");
    }
    let embedding = engine.embed(&engine.chip(portrait.view(), &theirs)).unwrap();
    assert_eq!(embedding.dimension(), 128);
    assert!(!engine.find_faces_in_photo(portrait.view()).unwrap().is_empty());
}

#[test]
fn yunet_with_dlibs_embedder() {
    check(("face_detection_yunet_2026may.onnx", YUNET), (None, DLIB));
}

#[test]
fn scrfd_with_an_arcface_embedder() {
    check(("scrfd_2.5g_bnkps.onnx", SCRFD), (Some("mobilefacenet_112_128d.onnx"), ARCFACE));
}
