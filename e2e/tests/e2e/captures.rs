//! Enrolling by a camera: guided in the browser's way, by a clip, at a door.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::{Answer, Api, text};
use ostiary_e2e::clip::{Camera, Clip, Portrait, Sitter, turning};
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::live::Live;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, photos, wait};
use serde_json::{Value, json};

use crate::{LATER, SOON};

/// A clip of three seconds is templates by then, also in a build without optimisation beside other tests; five seconds
/// are wanted of a release (docs/performance.md).
const CLIP_WITHIN: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread")]
async fn somebody_before_a_camera_is_guided_and_known_afterwards() {
    scenario("guided capture", guided).await;
}

async fn guided(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let api = &server.api;
    let person = api.add_person("Person A").await?;
    // Drawn before the capture begins, which ends by itself if nobody sends frames.
    let frames = turned(Sitter::Obama2012, 16.0)?.frames;
    let patient = json!({"time_limit_s": 180});
    let begun = api.post(&format!("/api/v1/persons/{person}/captures"), &patient).await?.ok()?;
    let capture = text(&begun, "id")?;
    let (mut taken, mut last) = (Vec::new(), Value::Null);
    for frame in frames {
        let path = format!("/api/v1/captures/{capture}/frames");
        let said = api.post_bytes(&path, "image/jpeg", frame).await?.ok()?;
        taken.extend(said["taken"].as_str().map(str::to_owned));
        last = said;
        if last["capture"]["state"] != "open" {
            break;
        }
    }
    ensure!(taken == ["frontal", "left", "right"], "taken: {taken:?}; the last word was {last}");
    let finished = api.post(&format!("/api/v1/captures/{capture}/finish"), &json!({})).await?.ok()?;
    ensure!(finished["missing"] == json!([]), "{finished}");
    angles_of(api, &person, &["frontal", "left", "right"]).await?;
    let found = api.post_bytes("/api/v1/recognize", "image/jpeg", photos::portrait(Sitter::Obama2009)?).await?.ok()?;
    ensure!(found["person"] == person.as_str(), "not known by another photo: {found}");
    another_face(api, &person).await
}

/// A second person never gets into the first one's capture.
async fn another_face(api: &Api, person: &str) -> Result<()> {
    let front = |sitter| Ok::<_, anyhow::Error>(turned(sitter, 12.0)?.frames.into_iter().take(40));
    let frames = front(Sitter::Obama2012)?.chain(front(Sitter::Biden2010)?);
    let patient = json!({"time_limit_s": 180});
    let begun = api.post(&format!("/api/v1/persons/{person}/captures"), &patient).await?.ok()?;
    let capture = text(&begun, "id")?;
    let mut last = Value::Null;
    for frame in frames {
        last = api.post_bytes(&format!("/api/v1/captures/{capture}/frames"), "image/jpeg", frame).await?.ok()?;
    }
    ensure!(last["capture"]["state"] == "another-face", "{last}");
    api.post(&format!("/api/v1/captures/{capture}/finish"), &json!({})).await?.refused(409, "wrong-state")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_of_three_seconds_makes_templates() {
    scenario("clips", clips).await;
}

async fn clips(stage: &Stage) -> Result<()> {
    if !is_installed("ffmpeg") {
        eprintln!("SKIPPED: clips need ffmpeg, which is not installed");
        return Ok(());
    }
    // More clips in a minute than one account is meant to send.
    let server = Server::start_with(stage, "[limits]\nphotos_per_minute = 1200\n").await?;
    let api = &server.api;
    let made = stage.file("clips");
    std::fs::create_dir_all(&made)?;
    let source = made.join("source.mjpeg");
    turned(Sitter::Obama2012, 3.0)?.write_mjpeg(&source)?;
    for (name, codec) in [("a.mp4", "libx264"), ("a.webm", "libvpx"), ("a.mov", "libx264"), ("a.avi", "mjpeg")] {
        let clip = encode(&source, &made.join(name), &["-c:v", codec, "-pix_fmt", "yuvj420p"])?;
        let person = api.add_person(&format!("Person of {name}")).await?;
        let begun = Instant::now();
        let item = taken(api, &person, clip).await?;
        let took = begun.elapsed();
        println!("clip {name}: {took:?}, {} looks", item["outcome"]["looks"].as_array().map_or(0, Vec::len));
        ensure!(item["reason"] == "added" && item["outcome"]["unseen"].is_null(), "{name}: {item}");
        ensure!(took < CLIP_WITHIN, "{name} took {took:?}");
        angles_of(api, &person, &["frontal", "left", "right"]).await.with_context(|| format!("{name}: {item}"))?;
        remove(api, &person).await?;
    }
    approved(api, &made.join("a.mp4")).await?;
    refused_later(api, &made, &source).await?;
    bad_clips(api, &made, &source).await
}

/// Sends a clip to be enrolled by a job; gives its one item, once that is over.
async fn taken(api: &Api, person: &str, clip: Vec<u8>) -> Result<Value> {
    let answer = send(api, person, "?take=true", clip).await?;
    ensure!(answer.status == 202, "{answer:?}");
    let job = text(&answer.body, "job")?;
    let end = Instant::now() + LATER;
    loop {
        let found = api.get(&format!("/api/v1/jobs/{job}")).await?;
        if found["state"] == "done" {
            ensure!(found["kind"] == "clip" && found["items"] == 1, "{found}");
            return Ok(api.get(&format!("/api/v1/jobs/{job}/items")).await?["items"][0].clone());
        }
        ensure!(Instant::now() < end, "the clip is not looked through: {found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A job says what is wrong with a clip as the answer does; what is no clip at all never becomes a job.
async fn refused_later(api: &Api, made: &Path, source: &Path) -> Result<()> {
    let person = api.add_person("Person E").await?;
    send(api, &person, "?take=true", b"hello, this is no clip".to_vec()).await?.refused(422, "clip-unsupported")?;
    let small = encode(source, &made.join("tiny.mp4"), &["-vf", "scale=96:72", "-c:v", "libx264"])?;
    let item = taken(api, &person, small).await?;
    ensure!(item["state"] == "refused" && ["no-face", "quality-too-low"].map(Value::from).contains(&item["reason"]));
    ensure!(item["outcome"]["detail"].is_string(), "{item}");
    // The same clip again tells nothing new.
    let clip = std::fs::read(made.join("a.mp4"))?;
    ensure!(taken(api, &person, clip.clone()).await?["reason"] == "added");
    ensure!(taken(api, &person, clip).await?["reason"] == "duplicate");
    remove(api, &person).await
}

/// What was found is shown; of it, what is chosen is taken.
async fn approved(api: &Api, clip: &Path) -> Result<()> {
    let person = api.add_person("Person B").await?;
    let answer = send(api, &person, "", std::fs::read(clip)?).await?;
    ensure!(answer.status == 201, "{answer:?}");
    let capture = text(&answer.body, "id")?;
    ensure!(answer.body["state"] == "proposed" && answer.body["kind"] == "clip", "{answer:?}");
    angles_of(api, &person, &[]).await?;
    let look = api.get_bytes(&format!("/api/v1/captures/{capture}/shots/0")).await?;
    image::load_from_memory(&look).context("a look is a picture")?;
    let front = answer.body["shots"].as_array().and_then(|all| all.iter().position(|s| s["angle"] == "frontal"));
    let chosen = json!({"shots": [front.context("a frontal look")?]});
    let finished = api.post(&format!("/api/v1/captures/{capture}/finish"), &chosen).await?.ok()?;
    ensure!(finished["missing"] == json!(["left", "right"]), "{finished}");
    angles_of(api, &person, &["frontal"]).await?;
    remove(api, &person).await
}

/// Takes a person away whose face is to be somebody else's: two persons of one face are told apart, and kept apart.
async fn remove(api: &Api, person: &str) -> Result<()> {
    api.delete(&format!("/api/v1/persons/{person}")).await?.ok().map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_one_after_the_other_are_refused() {
    scenario("two in a clip", two_in_a_clip).await;
}

async fn two_in_a_clip(stage: &Stage) -> Result<()> {
    if !is_installed("ffmpeg") {
        eprintln!("SKIPPED: clips need ffmpeg, which is not installed");
        return Ok(());
    }
    let server = Server::start(stage).await?;
    let person = server.api.add_person("Person F").await?;
    let two = turned_two(&stage.file("two.mjpeg"))?;
    let clip = encode(&two, &stage.file("two.mp4"), &["-c:v", "libx264"])?;
    send(&server.api, &person, "", clip).await?.refused(422, "several-faces")
}

/// Each bad clip with its own answer.
async fn bad_clips(api: &Api, made: &Path, source: &Path) -> Result<()> {
    let person = api.add_person("Person C").await?;
    let good = std::fs::read(made.join("a.mp4"))?;
    let lavfi = |name: &str, graph: &str, args: &[&str]| generate(&made.join(name), graph, args);
    let mut garbled = good.clone();
    let middle = garbled.len() / 3;
    garbled[middle..].fill(0x5A);
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("clip-unsupported", b"hello, this is no clip".to_vec()),
        ("clip-unsupported", Vec::new()),
        ("clip-unsupported", photos::portrait(Sitter::Obama2012)?),
        ("clip-unsupported", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".to_vec()),
        ("clip-unreadable", good[..good.len() / 2].to_vec()),
        ("clip-unreadable", garbled),
        ("clip-unreadable", [b"\0\0\0\x20ftypisom".as_slice(), &[7; 4000]].concat()),
        ("clip-without-video", lavfi("sound.mp4", "sine=d=2", &["-c:a", "aac"])?),
        ("clip-too-long", lavfi("hour.mp4", "color=s=64x64:r=1:d=3600", &["-c:v", "libx264"])?),
        ("clip-too-large", lavfi("large.mp4", "color=s=4608x64:r=2:d=1", &["-c:v", "libx264"])?),
        ("no-face", lavfi("wall.mp4", "testsrc=s=640x480:r=15:d=2", &["-c:v", "libx264"])?),
        ("quality-too-low", encode(source, &made.join("small.mp4"), &["-vf", "scale=160:120", "-c:v", "libx264"])?),
        (
            "quality-too-low",
            encode(source, &made.join("dark.mp4"), &["-vf", "eq=brightness=-0.45", "-c:v", "libx264"])?,
        ),
    ];
    for (slug, clip) in rows {
        let answer = send(api, &person, "", clip).await?;
        // A face too small or dark to be seen at all is none.
        let is_unseen = slug == "quality-too-low" && answer.refused(422, "no-face").is_ok();
        if !is_unseen {
            answer.refused(422, slug)?;
        }
    }
    angles_of(api, &person, &[]).await?;
    let without = api.post("/api/v1/persons", &json!({"name": "Person D"})).await?.ok()?;
    send(api, &text(&without, "id")?, "", good).await?.refused(422, "consent-missing")
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_at_a_door_is_enrolled_and_known_there() {
    scenario("enrolled at a door", at_the_door).await;
}

async fn at_the_door(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let path = stage.file("turning.mjpeg");
    comes_and_goes(16.0, 4.0)?.write_mjpeg(&path)?;
    let looping = View::Loop { path, true_speed: true };
    daemon.run(&looping)?;
    let mut live = Live::connect_with(&server.api, &server.ca_pem, "enrollments=true").await?;
    let person = server.api.add_person("Person A").await?;
    let asked = enroll(&server.api, &daemon.device, &person, 180).await?;
    let of = |id: &str| {
        let id = id.to_owned();
        move |told: &Value| told["enrollment"]["id"] == id.as_str()
    };
    let running = live.find(LATER, |told| of(&asked)(told) && told["enrollment"]["state"] == "running").await?;
    ensure!(running["enrollment"]["progress"]["hint"].is_string(), "{running}");
    let done = live.find(LATER, |told| of(&asked)(told) && told["enrollment"]["state"] != "running").await?;
    ensure!(done["enrollment"]["state"] == "done" && done["enrollment"]["templates"] == 3, "{done}");
    angles_of(&server.api, &person, &["frontal", "left", "right"]).await?;
    ledger::same_gallery(&server.api, &daemon.device, SOON).await?;
    let matched = live.find(LATER, |event| event["kind"] == "match").await?;
    ensure!(matched["person"]["id"] == person.as_str(), "not known at the door afterwards: {matched}");

    // Cancelled, it leaves nothing.
    let other = server.api.add_person("Person B").await?;
    let asked = enroll(&server.api, &daemon.device, &other, 60).await?;
    server.api.post(&format!("/api/v1/enrollments/{asked}/cancel"), &json!({})).await?.ok()?;
    ensure!(state(&server.api, &asked).await? == "cancelled");
    angles_of(&server.api, &other, &[]).await?;

    remove(&server.api, &person).await?;

    // The server is gone when the last look is taken: what was taken is kept, and handed over when it is back.
    let asked = enroll(&server.api, &daemon.device, &other, 180).await?;
    wait_for(&server.api, &asked, "running").await?;
    let before = completed(&daemon)?;
    server.kill()?;
    let end = Instant::now() + LATER;
    while completed(&daemon)? == before {
        ensure!(Instant::now() < end, "the camera did not go on without its server");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    daemon.kill()?;
    daemon.run(&looping)?;
    server.restart().await?;
    wait_for(&server.api, &asked, "done").await?;
    angles_of(&server.api, &other, &["frontal", "left", "right"]).await?;

    // A camera that answers nothing is not waited for.
    daemon.stop().await?;
    let path = format!("/api/v1/devices/{}", daemon.device);
    let gone = async || Ok(server.api.get(&path).await?["presence"]["state"] != "online");
    wait::until_true("the server to have heard the camera's good-bye", SOON, gone).await?;
    let refused = server.api.post(&enrollments(&daemon.device), &json!({"person": other})).await?;
    refused.refused(409, "wrong-state")
}

/// Sessions whose end is on the camera's disk, by its own log.
fn completed(daemon: &Daemon) -> Result<usize> {
    Ok(std::fs::read_to_string(daemon.log())?.matches("is kept for the server").count())
}

fn enrollments(device: &str) -> String {
    format!("/api/v1/devices/{device}/enrollments")
}

/// Asks for an enrollment once the camera is connected; gives its id.
async fn enroll(api: &Api, device: &str, person: &str, time_limit_s: u32) -> Result<String> {
    let end = Instant::now() + LATER;
    loop {
        let body = json!({"person": person, "time_limit_s": time_limit_s});
        let answer = api.post(&enrollments(device), &body).await?;
        if answer.status != 409 || Instant::now() > end {
            return text(&answer.ok()?, "id");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn state(api: &Api, enrollment: &str) -> Result<String> {
    text(&api.get(&format!("/api/v1/enrollments/{enrollment}")).await?, "state")
}

async fn wait_for(api: &Api, enrollment: &str, wanted: &str) -> Result<()> {
    let end = Instant::now() + LATER;
    loop {
        let found = state(api, enrollment).await?;
        if found == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < end, "the enrollment is {found}, not {wanted}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A person's templates are of these angles, in any order, each at least once.
async fn angles_of(api: &Api, person: &str, expected: &[&str]) -> Result<()> {
    let templates = api.get(&format!("/api/v1/persons/{person}/templates")).await?;
    let items = templates["items"].as_array().context("templates")?;
    let mut found: Vec<&str> = items.iter().filter_map(|template| template["angle"].as_str()).collect();
    found.sort_unstable();
    found.dedup();
    ensure!(found == expected, "templates of {found:?} instead of {expected:?}");
    Ok(())
}

async fn send(api: &Api, person: &str, query: &str, clip: Vec<u8>) -> Result<Answer> {
    api.post_bytes(&format!("/api/v1/persons/{person}/clips{query}"), "video/mp4", clip).await
}

fn turned(sitter: Sitter, seconds: f32) -> Result<Clip> {
    let camera = Camera::default();
    Ok(Clip::posed(sitter, seconds, &camera, |progress, portrait| Some(turning(progress, portrait, &camera)))?)
}

/// Somebody who turns to both sides and then is gone for some seconds: shown over and over, each time is a visit.
fn comes_and_goes(there_s: f32, gone_s: f32) -> Result<Clip> {
    let camera = Camera::default();
    let all_s = there_s + gone_s;
    let pose = |progress: f32, portrait: &Portrait| {
        let share = progress * all_s / there_s;
        (share < 1.0).then(|| turning(share, portrait, &camera))
    };
    Ok(Clip::posed(Sitter::Obama2012, all_s, &camera, pose)?)
}

/// First one person, then another.
fn turned_two(path: &Path) -> Result<std::path::PathBuf> {
    let frames = [turned(Sitter::Obama2012, 1.5)?.frames, turned(Sitter::Biden2010, 1.5)?.frames].concat();
    std::fs::write(path, frames.concat())?;
    Ok(path.to_owned())
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("-version").output().is_ok_and(|output| output.status.success())
}

/// A clip of a file of JPEGs.
fn encode(source: &Path, clip: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-y", "-v", "error", "-f", "mjpeg", "-r", "15", "-i"]).arg(source).args(args).arg(clip);
    run(command)?;
    Ok(std::fs::read(clip)?)
}

/// A clip of what ffmpeg can draw or sound by itself.
fn generate(clip: &Path, graph: &str, args: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-y", "-v", "error", "-f", "lavfi", "-i", graph]).args(args).arg(clip);
    run(command)?;
    Ok(std::fs::read(clip)?)
}

fn run(mut command: Command) -> Result<()> {
    let output = command.output().context("running ffmpeg")?;
    ensure!(output.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
