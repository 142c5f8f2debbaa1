//! Where the tests find pictures and packs.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::frame::RgbImage;
use ostiary_models::pack::Pack;

/// This crate's folder.
pub fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The default pack's folder.
pub fn default_pack_dir() -> PathBuf {
    crate_dir().join("packs/ostiary-default")
}

/// An engine of the default pack; loaded once, cloned for each test.
pub fn default_engine() -> FaceEngine {
    static ENGINE: OnceLock<std::sync::Mutex<FaceEngine>> = OnceLock::new();
    let load = || {
        let pack = Pack::load(default_pack_dir()).expect("the committed pack is valid");
        FaceEngine::load(&pack, &EngineOptions::default()).expect("every operation runs in tract").into()
    };
    ENGINE.get_or_init(load).lock().expect("no test panics while it clones").clone()
}

/// A picture of any format.
pub fn picture(path: &Path) -> RgbImage {
    let decoded = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    decoded.to_rgb8().try_into().expect("a decoded picture is whole")
}

/// The portrait committed with the golden tests.
pub fn astronaut() -> RgbImage {
    picture(&crate_dir().join("tests/golden/astronaut.jpg"))
}

/// A folder or file of measuring material that is not part of the repository: below `OSTIARY_SHARED`, or
/// beside the checkout. `None`, said aloud, where it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OSTIARY_SHARED").map_or_else(|| crate_dir().join("../../shared"), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("SKIPPED: {path} is not here (set OSTIARY_SHARED to the folder that holds it)");
    None
}
