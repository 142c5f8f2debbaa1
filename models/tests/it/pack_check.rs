//! What `pack check` says of packs that are wrong in one way each.

use std::path::Path;

use ostiary_models::pack::{Pack, Severity, check_dir};

use crate::support::default_pack_dir;

/// The default pack with its manifest changed by `edit`, in a folder of its own.
fn pack_with(edit: impl Fn(String) -> String) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["detector.onnx", "embedder.onnx", "LICENSE-detector.txt", "LICENSE-embedder.txt"] {
        std::fs::copy(default_pack_dir().join(name), dir.path().join(name)).unwrap();
    }
    let manifest = std::fs::read_to_string(default_pack_dir().join("pack.toml")).unwrap();
    std::fs::write(dir.path().join("pack.toml"), edit(manifest)).unwrap();
    dir
}

fn errors(dir: &Path) -> Vec<String> {
    let findings = check_dir(dir).into_iter().filter(|finding| finding.severity == Severity::Error);
    findings.map(|finding| format!("{} => {}", finding.what, finding.fix)).collect()
}

#[test]
fn the_default_pack_has_nothing_to_complain_of() {
    let findings = check_dir(default_pack_dir());
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    assert!(findings.len() >= 6);
}

#[test]
fn each_fault_is_named_with_its_remedy() {
    let check = |from: &str, to: &str, what: &str| {
        let dir = pack_with(|manifest| {
            assert!(manifest.contains(from), "{from}");
            manifest.replacen(from, to, 1)
        });
        let errors = errors(dir.path());
        assert_eq!(errors.len(), 1, "{from} -> {to}: {errors:#?}");
        assert!(errors[0].contains(what), "{from} -> {to}: {errors:#?}");
        assert!(!errors[0].ends_with("=> "), "no remedy: {errors:#?}");
    };
    check("format = 1", "format = 2", "`format` is 2");
    check("format = 1", "format = ", "pack.toml is not a pack manifest");
    check("ostiary-default@1", "Ostiary", "name@version");
    check("match = 0.93", "match = 0.99", "rising order");
    check("margin = 0.01", "margin = 3.0", "thresholds.margin");
    check("enroll_min_face_px = 80.0", "enroll_min_face_px = 40.0", "small faces match strangers");
    check("refine_side = 192", "refine_side = 100", "detector.refine_side");
    check("dimension = 128", "dimension = 512", "embedder.dimension");
    check("input_side = 150", "input_side = 112", "set embedder.input_side");
    check("family = \"blazeface-full-range\"", "family = \"yunet\"", "detector.family");
    check("family = \"blazeface-full-range\"", "family = \"mtcnn\"", "unknown variant");
    check("file = \"detector.onnx\"", "file = \"../detector.onnx\"", "detector.model.file");
    check("file = \"detector.onnx\"", "file = \"gone.onnx\"", "gone.onnx");
    check("nms_iou = 0.3", "nms_iuo = 0.3", "nms_iuo");
    check("287b91", "000000", "sha256");
    check("file = \"embedder.onnx\"", "file = \"detector.onnx\"", "sha256");
}

/// What is found once `bytes` stand in the place of the detector and the maker has followed the first remedy,
/// which names the digest the file has.
fn errors_with_detector(bytes: &[u8]) -> Vec<String> {
    let dir = pack_with(|manifest| manifest);
    std::fs::write(dir.path().join("detector.onnx"), bytes).unwrap();
    let found = errors(dir.path());
    let digest = found[0].split('"').nth(1).unwrap().to_owned();
    let manifest = std::fs::read_to_string(dir.path().join("pack.toml")).unwrap();
    let old = manifest.split("sha256 = \"").nth(1).unwrap()[..64].to_owned();
    std::fs::write(dir.path().join("pack.toml"), manifest.replace(&old, &digest)).unwrap();
    errors(dir.path())
}

#[test]
fn a_file_that_is_no_net_is_named() {
    let found = errors_with_detector(b"this is not ONNX");
    assert!(found.len() == 1 && found[0].contains("ONNX"), "{found:#?}");
}

#[test]
fn an_operation_that_tract_does_not_run_is_named() {
    let mut bytes = std::fs::read(default_pack_dir().join("detector.onnx")).unwrap();
    let name = b"MaxPool";
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            bytes[at..at + name.len()].copy_from_slice(b"MaxPoof");
        }
    }
    let found = errors_with_detector(&bytes);
    assert!(found.len() == 1 && found[0].contains("MaxPoof") && found[0].contains("simplify"), "{found:#?}");
}

#[test]
fn a_missing_licence_is_a_warning() {
    let dir = pack_with(|manifest| manifest.replacen("licence = \"Apache-2.0\"\n", "", 1));
    std::fs::remove_file(dir.path().join("LICENSE-embedder.txt")).unwrap();
    let findings = check_dir(dir.path());
    let warnings: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Warning).collect();
    assert_eq!(warnings.len(), 2, "{findings:#?}");
    assert!(errors(dir.path()).is_empty());
    assert!(Pack::load(dir.path()).is_ok());
}

#[test]
fn a_damaged_file_is_not_loaded() {
    let dir = pack_with(|manifest| manifest);
    let path = dir.path().join("embedder.onnx");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_000_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Pack::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("embedder.onnx") && error.contains("damaged"), "{error}");
    assert!(Pack::load(dir.path().join("nowhere")).unwrap_err().to_string().contains("cannot read"));
}
