//! The default pack as an archive, and as it is not.

use ostiary_models::pack::{MANIFEST_FILE, archive as packing};
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};

use super::*;

const DEFAULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/packs/ostiary-default");

struct Scene {
    state: tempfile::TempDir,
    key: KeyPair,
}

impl Scene {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        Self { state: tempfile::tempdir().unwrap(), key }
    }

    /// The default pack under another name, with more in its manifest, as an archive on the disk.
    fn archive(&self, id: &str, more: &str) -> (PathBuf, PackArchive) {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(DEFAULT).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        let manifest = fs::read_to_string(dir.path().join(MANIFEST_FILE)).unwrap();
        let manifest = manifest.replacen("ostiary-default@1", id, 1);
        fs::write(dir.path().join(MANIFEST_FILE), format!("{manifest}\n{more}\n")).unwrap();
        let pack = Pack::load(dir.path()).unwrap();
        let mut bytes = Vec::new();
        packing::write(dir.path(), pack.manifest(), &mut bytes, |message| self.key.sign(message).ok()).unwrap();
        let file = self.state.path().join("came");
        fs::write(&file, &bytes).unwrap();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        (file, PackArchive { sha256, size_bytes: bytes.len() as u64, key_pem: self.key.public_key_pem() })
    }

    fn admit(&self, id: &str, (file, named): &(PathBuf, PackArchive), keys: &[String]) -> Result<(), NotAdmitted> {
        admit(self.state.path(), &PackId::parse(id).unwrap(), file, named, keys)
    }

    fn is_there(&self, id: &str) -> bool {
        dir_of(self.state.path(), &PackId::parse(id).unwrap()).exists()
    }
}

#[test]
fn what_is_signed_and_runs_is_put_in_its_place() {
    let scene = Scene::new();
    let came = scene.archive("doors@2", "");
    let keys = believed(&[], &came.1).unwrap();
    scene.admit("doors@2", &came, &keys).unwrap();
    assert!(scene.is_there("doors@2") && !came.0.exists());
    let id = PackId::parse("doors@2").unwrap();
    fits(&dir_of(scene.state.path(), &id), &id).unwrap();
}

#[test]
fn what_is_not_believed_or_does_not_run_is_not_put_there() {
    let scene = Scene::new();
    let own = [scene.key.public_key_pem()];
    let check = |id: &str, came: &(PathBuf, PackArchive), keys: &[String], expected: &str| {
        let told = scene.admit(id, came, keys).unwrap_err().to_string();
        assert!(told.contains(expected), "{told:?} is not {expected:?}");
        assert!(!scene.is_there(id));
    };
    let stranger = KeyPair::generate_for(&PKCS_ED25519).unwrap().public_key_pem();
    let came = scene.archive("doors@2", "");
    check("doors@2", &came, &[stranger], "not signed by a key that is trusted");
    check("doors@2", &came, &["no key".to_owned()], "not signed");
    check("doors@3", &came, &own, "should be doors@3");
    let named = PackArchive { sha256: "00".repeat(32), ..came.1.clone() };
    check("doors@2", &(came.0, named), &own, "not what the server named");
    // The self-test: another machine came to something else with it.
    let golden = format!("[golden]\nembedding = [{}]", ["1.0"; 128].join(", "));
    let unfit = scene.archive("doors@2", &golden);
    let told = scene.admit("doors@2", &unfit, &own).unwrap_err();
    assert!(matches!(&told, NotAdmitted::Unfit(why) if why.contains("computes something else here")), "{told}");
    assert!(!scene.is_there("doors@2"));
}

#[test]
fn the_configurations_keys_are_believed_before_the_servers() {
    let scene = Scene::new();
    let (_, named) = scene.archive("doors@2", "");
    let file = scene.state.path().join("key.pub");
    fs::write(&file, "a key").unwrap();
    assert_eq!(believed(&[], &named).unwrap(), std::slice::from_ref(&named.key_pem));
    assert_eq!(believed(std::slice::from_ref(&file), &named).unwrap(), ["a key"]);
    assert!(believed(&[file.with_extension("gone")], &named).is_err());
}
