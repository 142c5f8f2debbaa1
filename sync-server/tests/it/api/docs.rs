//! The examples of `docs/api.md`, run as they stand there.

use tokio::process::Command;

use super::world::{PASSWORD, World};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");

/// The shell examples that ask the API.
fn examples() -> Vec<String> {
    let text = std::fs::read_to_string(DOCS).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.filter(|block| block.contains("curl")).map(|block| block.replace('…', PASSWORD)).collect()
}

#[tokio::test]
async fn the_examples_do_what_they_say() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &world.ca_pem).unwrap();
    let examples = examples();
    assert!(examples.len() > 3, "{examples:?}");
    let script = format!("set -euo pipefail\n{}", examples.join("\n"));
    let host = world.base.strip_prefix("https://").unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).env("HOST", host).current_dir(folder.path());
    let done = shell.output().await.expect("bash and curl are installed (`cargo xtask setup`)");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{script}\n{out}\n{err}");
    for answer in ["Head office", "Museum", "\"items\""] {
        assert!(out.contains(answer), "{answer} is answered: {out}");
    }
    world.stop().await;
}
