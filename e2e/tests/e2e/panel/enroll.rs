//! Enrolling in the panel: led by this computer's camera (Chromium's fake one shows a drawn clip), by twenty photos good
//! and bad, by a clip, at a door; and the whole way without a mouse.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fantoccini::key::Key;
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::clip::{Camera, Clip, Sitter, turning};
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::Value;

/// A browser's requests come fast, and from one address.
const LIMITS: &str = "[limits]\nrequests_per_second = 1000\naccount_requests_per_second = 1000\n";
/// Chromium shows a file of JPEGs at 30 frames a second, whatever it was drawn for.
const SHOWN_FPS: u32 = 30;
const TURNING_S: f32 = 14.0;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_enrolled_before_the_camera_without_a_mouse() {
    if is_there() {
        scenario("enroll by camera", by_camera).await;
    }
}

async fn by_camera(stage: &Stage) -> Result<()> {
    let server = Server::start_with(stage, LIMITS).await?;
    let shows = drawn(stage, SHOWN_FPS)?;
    let browser = Browser::open_before(&server, 1280, 900, &shows).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    browser.go("/enroll").await?;
    browser.wait_for("#who form").await?;
    // From the name to the end by keys alone.
    browser.tab_to("#who input[name=name]").await?;
    browser.keys("Person A").await?;
    browser.tab_to("#who input[name=consent]").await?;
    browser.keys(" ").await?;
    browser.keys(&String::from(char::from(Key::Enter))).await?;
    browser.until("the first way", "return document.activeElement.id === 'tab-camera';").await?;
    browser.tab_to("#by-camera button.primary").await?;
    browser.keys(&String::from(char::from(Key::Enter))).await?;
    browser.until("the focus on what ends it", "return document.activeElement.innerText.trim() === 'Stop';").await?;
    browser
        .until_late("three sides", "return document.querySelectorAll('#by-camera .steps .done').length === 3;")
        .await?;
    browser.wait_for_text("All three sides are enrolled.").await?;
    browser
        .until("the focus on the outcome", "return document.activeElement.innerText.startsWith('Enrolled');")
        .await?;
    let said = browser.run("return document.querySelector('#by-camera [role=status]').textContent;").await?;
    ensure!(said == "Done.", "what is heard: {said}");
    let off = browser.run("return document.querySelector('#by-camera video').srcObject === null;").await?;
    ensure!(off == true, "the camera goes off");
    let person = browser.run("return new URLSearchParams(location.search).get('person');").await?;
    angles_of(&server.api, person.as_str().context("a person")?, &["frontal", "left", "right"]).await?;

    // Stopped before the end, nothing is enrolled and nothing waits.
    let other = server.api.add_person("Person B").await?;
    browser.go(&format!("/enroll?person={other}")).await?;
    browser.press("Start the camera").await?;
    browser.until("a hint", "return document.querySelector('#by-camera .measured').innerText !== '';").await?;
    browser.press("Stop").await?;
    browser.wait_for_text("Nothing was enrolled.").await?;
    angles_of(&server.api, &other, &[]).await?;
    browser.no_complaints().await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_photos_are_judged_one_by_one_and_a_clip_is_approved() {
    if is_there() {
        scenario("enroll by files", by_files).await;
    }
}

async fn by_files(stage: &Stage) -> Result<()> {
    let server = Server::start_with(stage, LIMITS).await?;
    let browser = Browser::open(&server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    let person = photos(stage, &server.api, &browser).await?;
    // The same face is to be somebody else's.
    server.api.delete(&format!("/api/v1/persons/{person}")).await?.ok()?;
    clip(stage, &server.api, &browser).await?;
    browser.no_complaints().await?;
    browser.close().await
}

/// Good ones, another size, somebody else, nobody, too small, damaged, no pictures: each with its own words.
async fn photos(stage: &Stage, api: &Api, browser: &Browser) -> Result<String> {
    let person = api.add_person("Person C").await?;
    browser.go(&format!("/enroll?person={person}#by-drop")).await?;
    browser.wait_for("#by-drop .drop").await?;
    // The first one says whose face it is; the others come at once.
    browser.choose("#files", &[Sitter::Obama2012.path()]).await?;
    browser.wait_for_text("Done: 1 accepted, 0 refused.").await?;
    let mut files = vec![Sitter::Obama2009.path(), Sitter::Biden2010.path()];
    files.extend(made(stage)?);
    ensure!(files.len() == 19, "twenty with the first: {}", files.len());
    browser.choose("#files", &files).await?;
    browser
        .until_late(
            "all verdicts",
            "return document.querySelector('#by-drop [role=status]').innerText.startsWith('Done');",
        )
        .await?;
    let verdicts = "return [...document.querySelectorAll('#by-drop .file')].map((f) =>
        [f.querySelector('.name').innerText, f.querySelector('.badge').innerText, f.innerText]);";
    let verdicts = browser.run(verdicts).await?;
    let of = |name: &str| {
        let all = verdicts.as_array().into_iter().flatten();
        all.filter(|row| row[0].as_str().is_some_and(|n| n.starts_with(name))).collect::<Vec<_>>()
    };
    for (name, count, verdict, words) in [
        ("obama-2012.jpg", 1, "Accepted", "Quality"),
        ("obama-2009.jpg", 1, "Accepted", "Quality"),
        ("biden-2010.jpg", 1, "Refused", "of this person"),
        ("copy", 3, "Known", "nothing new"),
        ("nobody", 4, "Refused", "shows the person's face"),
        ("far", 3, "Refused", ""),
        ("cut", 3, "Refused", "whole JPEG"),
        ("text", 4, "Refused", "whole JPEG"),
    ] {
        let rows = of(name);
        ensure!(rows.len() == count, "{name}: {verdicts}");
        let fits = |row: &&Value| row[1] == verdict && row[2].as_str().is_some_and(|text| text.contains(words));
        ensure!(rows.iter().all(fits), "{name}: {rows:?}");
    }
    // Who knows better says so.
    browser.press("It is this person: take it").await?;
    browser.wait_for_text("Done: 6 accepted, 14 refused.").await?;
    Ok(person)
}

/// Copies, empty rooms, faces far away, damaged files and texts.
fn made(stage: &Stage) -> Result<Vec<PathBuf>> {
    let portrait = image::open(Sitter::Obama2012.path())?.to_rgb8();
    let jpeg = fs::read(Sitter::Obama2012.path())?;
    let mut files = Vec::new();
    let mut keep = |name: String, bytes: Vec<u8>| -> Result<()> {
        let file = stage.file(&name);
        fs::write(&file, bytes)?;
        files.push(file);
        Ok(())
    };
    for number in 0..3_u8 {
        let copy = image::imageops::resize(
            &portrait,
            590 - 4 * u32::from(number),
            590 - 4 * u32::from(number),
            image::imageops::FilterType::Triangle,
        );
        keep(format!("copy-{number}.jpg"), encoded(&copy)?)?;
        keep(format!("cut-{number}.jpg"), jpeg[..300 + 100 * usize::from(number)].to_vec())?;
        let mut far = image::RgbImage::from_pixel(640, 480, image::Rgb([150, 150, 140 + number]));
        image::imageops::replace(&mut far, &image::imageops::thumbnail(&portrait, 90, 90), 270, 190);
        keep(format!("far-{number}.jpg"), encoded(&far)?)?;
    }
    for number in 0..4_u8 {
        let nobody = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([(x / 2) as u8, (y / 2) as u8, 40 * number]));
        keep(format!("nobody-{number}.jpg"), encoded(&nobody)?)?;
        keep(format!("text-{number}.jpg"), format!("no picture {number}").into_bytes())?;
    }
    Ok(files)
}

fn encoded(picture: &image::RgbImage) -> Result<Vec<u8>> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut jpeg, image::ImageFormat::Jpeg)?;
    Ok(jpeg.into_inner())
}

/// What a clip shows is looked at and chosen from.
async fn clip(stage: &Stage, api: &Api, browser: &Browser) -> Result<()> {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("SKIPPED: clips need ffmpeg, which is not installed");
        return Ok(());
    }
    let person = api.add_person("Person D").await?;
    let (frames, clip) = (stage.file("frames.mjpeg"), stage.file("turning.mp4"));
    turned(3.0, 15)?.write_mjpeg(&frames)?;
    let made = Command::new("ffmpeg")
        .args(["-y", "-v", "error", "-f", "mjpeg", "-r", "15", "-i"])
        .arg(&frames)
        .arg(&clip)
        .status()?;
    ensure!(made.success(), "ffmpeg made no clip");
    browser.go(&format!("/enroll?person={person}#by-clip")).await?;
    let text = stage.file("notes.mp4");
    fs::write(&text, "no clip")?;
    browser.choose("#clip-file", &[text]).await?;
    browser.wait_for_text("Send an MP4, MOV, WebM or AVI file.").await?;
    browser.choose("#clip-file", &[clip]).await?;
    browser
        .until_late("what was found", "return document.querySelectorAll('#by-clip .looks img').length >= 3;")
        .await?;
    let seen = "return [...document.querySelectorAll('#by-clip .looks img')].every((i) => i.naturalWidth > 0);";
    browser.until("the pictures", seen).await?;
    // All but the right side.
    let left_out = "document.querySelectorAll('#by-clip label').forEach((label) => {
            if (label.innerText.includes('right side')) label.querySelector('input').click();
        });";
    browser.run(left_out).await?;
    browser.press("Enroll these").await?;
    browser.wait_for_text("Nothing is enrolled yet of: right side.").await?;
    angles_of(api, &person, &["frontal", "left"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_enrolls_while_it_is_looked_on() {
    if is_there() {
        scenario("enroll at a door", at_a_door).await;
    }
}

async fn at_a_door(stage: &Stage) -> Result<()> {
    let server = Server::start_with(stage, LIMITS).await?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let path = drawn(stage, 15)?;
    daemon.run(&View::Loop { path, true_speed: true })?;
    let person = server.api.add_person("Person E").await?;
    let device = format!("/api/v1/devices/{}", daemon.device);
    let online = async || Ok(server.api.get(&device).await?["presence"]["state"] == "online");
    ostiary_e2e::wait::until_true("the camera to be online", crate::LATER, online).await?;
    let browser = Browser::open(&server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    browser.go(&format!("/enroll?person={person}#by-door")).await?;
    browser.wait_for("#door-time").await?;
    browser.run("document.querySelector('#door-time').value = '180'; return true;").await?;
    browser.press("Begin at this door").await?;
    browser
        .until_late("how the face is", "return document.querySelector('#by-door .measured').innerText !== '';")
        .await?;
    browser
        .until_late(
            "the end",
            "return document.querySelector('#by-door .prompt').innerText.startsWith('Done: 3 looks');",
        )
        .await?;
    angles_of(&server.api, &person, &["frontal", "left", "right"]).await?;

    // Stopped by hand, it leaves nothing.
    let other = server.api.add_person("Person F").await?;
    browser.go(&format!("/enroll?person={other}#by-door")).await?;
    browser.press("Begin at this door").await?;
    browser.press("Stop").await?;
    browser.wait_for_text("Stopped. Nothing was enrolled.").await?;
    angles_of(&server.api, &other, &[]).await?;
    browser.no_complaints().await?;
    daemon.stop().await?;
    browser.close().await
}

/// A clip of somebody who turns to both sides, as a file.
fn drawn(stage: &Stage, fps: u32) -> Result<PathBuf> {
    let file = stage.file("turning.mjpeg");
    turned(TURNING_S, fps)?.write_mjpeg(&file)?;
    Ok(file)
}

fn turned(seconds: f32, fps: u32) -> Result<Clip> {
    let camera = Camera { fps, ..Camera::default() };
    Ok(Clip::posed(Sitter::Obama2012, seconds, &camera, |progress, portrait| {
        Some(turning(progress, portrait, &camera))
    })?)
}

/// A person's templates are of these angles, each at least once.
async fn angles_of(api: &Api, person: &str, expected: &[&str]) -> Result<()> {
    let templates = api.get(&format!("/api/v1/persons/{person}/templates")).await?;
    let items = templates["items"].as_array().context("templates")?;
    let mut found = items.iter().map(|template| text(template, "angle")).collect::<Result<Vec<_>>>()?;
    found.sort_unstable();
    found.dedup();
    ensure!(found == expected, "templates of {found:?} instead of {expected:?}");
    Ok(())
}
