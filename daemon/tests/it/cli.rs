//! What the commands say and how they end.

use std::path::Path;
use std::process::Output;

fn ostiaryd(dir: &Path, args: &[&str]) -> Output {
    crate::program()
        .args(args)
        .current_dir(dir)
        .env("OSTIARYD_DEVICE__STATE_DIR", dir.join("state"))
        .env_remove("OSTIARYD_CONFIG")
        .env_remove("RUST_LOG")
        .output()
        .expect("the program starts")
}

/// Runs a command and compares its exit code and a part of what it said on both channels.
fn check(dir: &Path, args: &[&str], code: i32, expected: &str) {
    let output = ostiaryd(dir, args);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?} said: {said}");
    assert!(said.contains(expected), "{args:?} said: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn answers_and_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    check(dir, &["--version"], 0, "ostiaryd 0.1.0");
    check(dir, &["--help"], 0, "probe-camera");
    check(dir, &[], 2, "Usage");
    check(dir, &["fly"], 2, "unrecognized subcommand");
    check(dir, &["claim", "--server", "https://x", "--code", "A"], 2, "--ca-sha256");
    check(dir, &["claim", "--server", "http://x", "--code", "A", "--ca-sha256", "00"], 1, "allowed is https://");
    check(dir, &["claim", "--server", "https://x", "--code", "A", "--ca-sha256", "00"], 1, "64 hexadecimal digits");
    let pin = "0".repeat(64);
    let nowhere = ["claim", "--server", "https://127.0.0.1:1", "--code", "A", "--ca-sha256", &pin];
    check(dir, &nowhere, 1, "cannot reach https://127.0.0.1:1");
    check(dir, &["pack", "check", "nowhere"], 1, "fail");
    check(dir, &["--config", "nowhere.toml", "check-config"], 1, "generate-config");
}

#[test]
fn the_generated_configuration_is_valid_and_a_wrong_one_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let template = ostiaryd(dir.path(), &["generate-config"]);
    assert!(template.status.success());
    std::fs::write(dir.path().join("good.toml"), &template.stdout).unwrap();
    check(dir.path(), &["--config", "good.toml", "check-config"], 0, "valid");
    std::fs::write(dir.path().join("bad.toml"), "[camera]\nfps = 0\n[log]\nlevel = \"loud\"\n").unwrap();
    check(dir.path(), &["--config", "bad.toml", "check-config"], 1, "camera.fps = 0: allowed is 1 to 120");
    check(dir.path(), &["--config", "bad.toml", "run"], 1, "log.level = loud: allowed is error");
}

#[test]
fn run_without_identity_or_pack_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.toml"), "[models]\npack_dir = \"nowhere\"\n").unwrap();
    // Who it is comes first: a device that is claimed but has no pack runs in safe mode, and says so to the server.
    check(dir.path(), &["--config", "c.toml", "run"], 1, "ostiaryd claim");
    check(dir.path(), &["--config", "c.toml", "pack", "check", "nowhere"], 1, "pack");
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/packs/ostiary-default");
    std::fs::write(dir.path().join("c.toml"), format!("[models]\npack_dir = {pack:?}\n")).unwrap();
    check(dir.path(), &["--config", "c.toml", "run"], 1, "ostiaryd claim");
    check(dir.path(), &["--config", "c.toml", "pack", "check", pack.to_str().unwrap()], 0, "can be used");
}

#[test]
fn doctor_names_each_part_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.toml"), "[models]\npack_dir = \"nowhere\"\n").unwrap();
    let output = ostiaryd(dir.path(), &["--config", "c.toml", "doctor", "--offline"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    for part in ["ok    config", "fail  state", "fail  identity", "fail  pack", "clock"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}
