//! Imports under a server that is killed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::cluster::{self, Cluster};
use ostiary_e2e::imports::{archive, exactly_once, kills, over, photos, send};
use ostiary_e2e::stage::{Stage, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn every_photo_of_an_import_ends_once_though_the_server_is_killed() {
    scenario("killed during an import", few).await;
}

async fn few(stage: &Stage) -> Result<()> {
    let killed = kills::run(stage, 40, 4, Duration::from_secs(1)).await?;
    ensure!(killed > 0, "the import was over before the first kill");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_took_another_works_off() {
    if cluster::is_there() {
        scenario("an upload for every server", elsewhere).await;
    }
}

/// Photos of an archive that is taken by one server and worked off by another.
const PHOTOS: usize = 24;

async fn elsewhere(stage: &Stage) -> Result<()> {
    let mut cluster = Cluster::start(stage, 2, "").await?;
    let job = send(&cluster.servers[0].api, archive(&photos(PHOTOS)?, true)?).await?;
    // Away before it can have done all of it, and it does not come back.
    cluster.servers[0].kill()?;
    let api = &cluster.servers[1].api;
    let done = over(api, &job, Duration::from_secs(240)).await?;
    ensure!(done["dead"] == 0, "{done}");
    exactly_once(api, &job, PHOTOS as u64).await?;
    // Photos of one person: here the one that took them is stopped in order, and gives back what it had.
    cluster.servers[0].restart().await?;
    let person = cluster.servers[0].api.add_person("Person A").await?;
    let batch = batch(&cluster.servers[0].api, &person).await?;
    cluster.servers[0].stop().await?;
    let done = over(&cluster.servers[1].api, &batch, Duration::from_secs(240)).await?;
    ensure!(done["dead"] == 0 && done["items"] == 2, "{done}");
    let log = cluster.servers[1].log();
    ensure!(!log.contains("is not there any more"), "an upload was not found: {log}");
    Ok(())
}

/// Two photos of a person, to be looked at later.
async fn batch(api: &Api, person: &str) -> Result<String> {
    let boundary = "ostiary-photos";
    let mut body = Vec::new();
    for (n, photo) in photos(2)?.iter().enumerate() {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"{n}.jpg\"\r\n\
             content-type: image/jpeg\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(photo);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let answer = api.post_bytes(&format!("/api/v1/persons/{person}/photos/batch"), &kind, body).await?.ok()?;
    text(&answer, "job").context("the job")
}

/// The long form: `cargo test --workspace --test e2e -- --ignored killed_a_hundred_times`; with less time,
/// `OSTIARY_KILLS=20 OSTIARY_PHOTOS=400` before it; on a slower machine `OSTIARY_KILL_WITHIN=10` (s).
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes most of an hour"]
async fn killed_a_hundred_times_during_an_import_of_two_thousand() {
    scenario("killed a hundred times during an import", many).await;
}

async fn many(stage: &Stage) -> Result<()> {
    let asked = |name: &str, usual: u32| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (photos, kills) = (asked("OSTIARY_PHOTOS", 2_000), asked("OSTIARY_KILLS", 100));
    let within = asked("OSTIARY_KILL_WITHIN", 3);
    println!("{photos} photos, {kills} kills, each after up to {within} s");
    let killed = kills::run(stage, photos as usize, kills, Duration::from_secs(u64::from(within))).await?;
    ensure!(killed == kills, "the import was over after {killed} kills: more photos, or less time between kills");
    Ok(())
}
