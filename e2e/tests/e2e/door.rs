//! A short scene at the door through `ostiaryd bench`: everyone who comes is decided once and rightly.

use std::fs::{self, File};
use std::io::BufWriter;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::clip::{Camera, Sitter};
use ostiary_e2e::door::{Cast, Door, Kind, Plan, Role, Slot, Truth};
use ostiary_e2e::process::Launch;
use ostiary_e2e::stage::{Stage, pack_dir, scenario};
use serde_json::Value;

const OBAMA_2009: Role = Role { mated: true, person: 0, shot: 0 };
const OBAMA_2010: Role = Role { mated: true, person: 0, shot: 1 };
const BIDEN: Role = Role { mated: false, person: 0, shot: 0 };
const ASTRONAUT: Role = Role { mated: false, person: 1, shot: 0 };

#[tokio::test(flavor = "multi_thread")]
async fn everyone_at_the_door_is_decided_once_and_rightly() {
    scenario("door scene", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let folder = stage.path();
    let gallery = folder.join("gallery");
    fs::create_dir_all(gallery.join("obama"))?;
    fs::copy(Sitter::Obama2012.path(), gallery.join("obama/2012.jpg")).context("copying the enrolled photo")?;
    let clip = folder.join("door.y4m");
    let truth = render(&clip)?;
    let mut args = vec!["bench".as_ref(), "--clip".as_ref(), clip.as_os_str(), "--gallery".as_ref()];
    args.extend([gallery.as_os_str(), "--json".as_ref(), "--liveness".as_ref(), "report".as_ref()]);
    let pack = pack_dir();
    args.extend(["--pack".as_ref(), pack.as_os_str()]);
    let printed = Launch::new("ostiaryd", stage.log("bench"), args).output()?;
    let answer: Value = serde_json::from_str(printed.lines().last().context("nothing was printed")?)?;
    ensure!(answer["frames"] == truth.frames, "not every frame was looked at: {answer}");
    as_it_was(&truth, answer["visits"].as_array().context("the visits")?)
}

/// Someone known; a stranger beside the same one, after more than the time of a re-entry; a stranger.
fn render(path: &std::path::Path) -> Result<Truth> {
    let slot = |begins, seconds, kind, roles: &[Role]| Slot { begins, seconds, kind, roles: roles.to_vec(), salt: 1 };
    let slots = vec![
        slot(1.0, 3.0, Kind::Alone, &[OBAMA_2009]),
        slot(10.5, 3.5, Kind::SideBySide, &[BIDEN, OBAMA_2010]),
        slot(16.5, 2.5, Kind::Alone, &[ASTRONAUT]),
    ];
    let (cast, camera) = (Cast::of_the_repository()?, Camera::default());
    let plan = Plan { seconds: 20.5, slots, stirs: Vec::new() };
    let door = Door::new(&cast, &plan, &camera);
    door.write(&mut BufWriter::new(File::create(path)?)).context("writing the scene")?;
    Ok(door.truth())
}

/// As many decisions as visits, and in each visit's time one of its own.
fn as_it_was(truth: &Truth, decisions: &[Value]) -> Result<()> {
    ensure!(decisions.len() == truth.visits.len(), "{} visits, decided: {decisions:?}", truth.visits.len());
    for visit in &truth.visits {
        let (outcome, person) =
            if visit.mated { ("match", visit.person.as_str().into()) } else { ("unknown", Value::Null) };
        let during = f64::from(visit.begins_s)..f64::from(visit.ends_s) + 1.0;
        let about = |decision: &&Value| {
            let began = decision["began_s"].as_f64().is_some_and(|began| during.contains(&began));
            began && decision["outcome"] == outcome && decision["person"] == person
        };
        let count = decisions.iter().filter(about).count();
        ensure!(count == 1, "{visit:?} was decided {count} times so: {decisions:?}");
    }
    Ok(())
}
