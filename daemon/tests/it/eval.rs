//! `ostiaryd eval` on the portraits that are part of the repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn eval(args: &[&str]) -> Result<Value, String> {
    let pack = repository().join("models/packs/ostiary-default");
    let output = crate::program()
        .arg("eval")
        .args(args)
        .arg("--json")
        .env("OSTIARYD_MODELS__PACK_DIR", "nowhere")
        .args(if args.contains(&"--scores") { vec![] } else { vec!["--pack".into(), pack.display().to_string()] })
        .output()
        .expect("the program starts");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).expect("one JSON object"))
}

/// A folder for each name with copies of portraits.
fn folders(dir: &Path, people: &[(&str, &[&str])]) -> String {
    let portraits = repository().join("e2e/media/portraits");
    for (name, chosen) in people {
        std::fs::create_dir_all(dir.join(name)).expect("a fresh folder can be written");
        for portrait in *chosen {
            let copied = std::fs::copy(portraits.join(portrait), dir.join(name).join(portrait));
            copied.expect("the portraits are part of the repository");
        }
    }
    dir.display().to_string()
}

#[test]
fn pairs_and_scores_agree() {
    let dir = tempfile::tempdir().unwrap();
    let images = folders(
        &dir.path().join("images"),
        &[("o", &["obama-2009.jpg", "obama-2012.jpg"]), ("b", &["biden-2010.jpg"])],
    );
    std::fs::write(dir.path().join("images/empty.jpg"), b"not a picture").unwrap();
    let (pairs, scores) = (dir.path().join("pairs.csv"), dir.path().join("scores.csv"));
    let rows =
        "o/obama-2009.jpg,o/obama-2012.jpg,1\no/obama-2009.jpg,b/biden-2010.jpg,0\nb/biden-2010.jpg,empty.jpg,0\n";
    std::fs::write(&pairs, format!("a,b,same\n{rows}")).unwrap();
    let (pairs, scores) = (pairs.display().to_string(), scores.display().to_string());
    let plots = dir.path().join("plots").display().to_string();
    let measured =
        eval(&["verify", "--images", &images, "--pairs", &pairs, "--write-scores", &scores, "--plots", &plots])
            .unwrap();
    assert_eq!((&measured["mated"], &measured["non_mated"]), (&1.into(), &1.into()), "{measured}");
    assert_eq!((&measured["auc"], &measured["eer"]), (&1.0.into(), &0.0.into()), "{measured}");
    assert_eq!(measured["unreadable"][0]["image"], "empty.jpg");
    assert!(measured["at_threshold"]["fnmr"].is_number() && measured["ci"]["eer"].is_array(), "{measured}");
    let judged = eval(&["verify", "--scores", &scores]).unwrap();
    assert_eq!((&judged["auc"], &judged["fnmr_at_fmr"]), (&measured["auc"], &measured["fnmr_at_fmr"]));
    for plot in ["verify-det.svg", "verify-scores.svg"] {
        assert!(std::fs::read_to_string(dir.path().join("plots").join(plot)).unwrap().contains("</svg>"));
    }
}

#[test]
fn searches_know_strangers_and_copies() {
    let dir = tempfile::tempdir().unwrap();
    let gallery = folders(&dir.path().join("gallery"), &[("obama", &["obama-2009.jpg"])]);
    let probes = folders(
        &dir.path().join("probes"),
        &[("obama", &["obama-2012.jpg", "obama-2009.jpg"]), ("biden", &["biden-2010.jpg"])],
    );
    let found = eval(&["identify", "--gallery", &gallery, "--probes", &probes]).unwrap();
    assert_eq!(
        (&found["gallery"], &found["mated_probes"], &found["non_mated_probes"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(found["left_out_as_enrolled"][0], "obama/obama-2009.jpg");
    assert_eq!((&found["at_threshold"]["fpir"], &found["at_threshold"]["fnir"]), (&0.0.into(), &0.0.into()), "{found}");
    assert_eq!(found["wrong_person"], 0);
    let detected = eval(&["detect", "--images", &gallery]).unwrap();
    assert_eq!((&detected["images"][0]["found"], &detected["false"]), (&1.into(), &0.into()));
}

#[test]
fn searches_made_elsewhere_are_judged_alike() {
    let dir = tempfile::tempdir().unwrap();
    let scores = dir.path().join("scores.csv");
    let rows =
        "p1,ann,ann,0.95\np1,ann,bob,0.5\np2,bob,ann,0.94\np2,bob,bob,0.9\np3,eve,ann,0.6\np3,eve,bob,0.7\np4,bob,,\n";
    std::fs::write(&scores, format!("probe,subject,person,score\n{rows}")).unwrap();
    let found = eval(&["identify", "--scores", &scores.display().to_string(), "--threshold", "0.8"]).unwrap();
    assert_eq!(
        (&found["gallery"], &found["mated_probes"], &found["non_mated_probes"]),
        (&2.into(), &3.into(), &1.into())
    );
    assert_eq!((&found["not_detected"], &found["wrong_person"]), (&1.into(), &1.into()), "{found}");
    assert_eq!(found["at_threshold"]["fnir"], 0.666_666_7, "{found}");
}

#[test]
fn what_is_missing_is_named() {
    let check = |args: &[&str], expected: &str| {
        let error = eval(args).unwrap_err();
        assert!(error.contains(expected), "{args:?}: {error}");
    };
    check(&["verify", "--images", "."], "--pairs");
    check(&["verify", "--images", ".", "--pairs", "nowhere.csv"], "nowhere.csv");
    check(&["identify", "--gallery", "nowhere", "--probes", "."], "nowhere is not a folder");
    check(&["detect", "--images", "nowhere"], "nowhere is not a folder");
    check(&["pad", "--bona-fide", "nowhere", "--attack", "."], "nowhere is not a folder");
}
