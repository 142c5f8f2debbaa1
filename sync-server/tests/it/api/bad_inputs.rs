//! Bad inputs by the public API, each with its expected answer; the models are the real ones.

use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, imageops};
use ostiary_server::app::models::Models;
use ostiary_server::config::ModelsConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::jobs::{none_left, over};
use super::pictures::{
    animated, archive, archive_with_link, beside, claiming, encoded, far, jpeg, lit, portrait, turned, wall,
};
use super::world::{Session, World, answer, slug};

const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/packs/ostiary-default");

/// What a photo becomes: accepted, accepted and known already, or one of these problems.
enum Expected {
    Taken,
    Known,
    Refused(&'static [&'static str]),
}
use Expected::{Known, Refused, Taken};

async fn world() -> World {
    let config = ModelsConfig { pack_dir: PathBuf::from(PACK), ..ModelsConfig::default() };
    World::start_of(Models::load(&config).unwrap(), |config| {
        config.limits.photos_per_minute = 10_000;
        config.limits.photo_max_megabytes = 4;
    })
    .await
}

async fn check(session: &Session<'_>, person: &str, name: &str, photo: Vec<u8>, expected: Expected) {
    let (status, answer) = session.photo(person, photo).await;
    let result = &answer["results"][0];
    match expected {
        Taken => assert!(status == 200 && result["duplicate"].is_null(), "{name}: {status} {answer}"),
        Known => assert!(status == 200 && result["duplicate"] == true, "{name}: {status} {answer}"),
        Refused(slugs) => {
            assert!(matches!(status, 413 | 422), "{name}: {status} {answer}");
            assert!(slugs.contains(&slug(&answer)), "{name}: {answer}");
            assert!(
                answer["detail"].as_str().is_some_and(|words| words.len() > 20),
                "{name} says what to do: {answer}"
            );
        }
    }
}

/// Files that no model has to look at.
fn files() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let face = portrait("obama-2009");
    let png = encoded(face.clone(), ImageFormat::Png);
    let webp = encoded(face.clone(), ImageFormat::WebP);
    let unreadable: &[&str] = &["image-unreadable"];
    let too_large: &[&str] = &["image-too-large"];
    vec![
        ("nothing", Vec::new(), Refused(unreadable)),
        ("a text", b"hello, this is no picture".to_vec(), Refused(unreadable)),
        (
            "a text that says it is a JPEG",
            [b"\xFF\xD8\xFF\xE0".as_slice(), &[b'x'; 4000]].concat(),
            Refused(unreadable),
        ),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), Refused(unreadable)),
        ("a PDF", b"%PDF-1.7 and so on".to_vec(), Refused(unreadable)),
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), Refused(unreadable)),
        ("the first bytes of a JPEG", jpeg(&face, 90)[..200].to_vec(), Refused(unreadable)),
        ("half a PNG", png[..png.len() / 2].to_vec(), Refused(unreadable)),
        ("half a WebP", webp[..webp.len() / 2].to_vec(), Refused(unreadable)),
        ("1 x 1", encoded(wall(1, 1), ImageFormat::Png), Refused(&["no-face"])),
        ("30000 x 30000, as it claims", claiming(30_000, 30_000), Refused(too_large)),
        ("2^31 pixels wide, as it claims", claiming(0x7FFF_FFFF, 1), Refused(&["image-too-large", "image-unreadable"])),
        ("no pixels, as it claims", claiming(0, 0), Refused(unreadable)),
        ("longer than a side may be", encoded(wall(12_001, 1), ImageFormat::Png), Refused(too_large)),
        ("larger than is taken", vec![0xFF; 5 * 1024 * 1024], Refused(&["body-too-large"])),
    ]
}

/// Faces, and what is none.
fn faces() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let (face, other) = (portrait("obama-2009"), portrait("biden-2010"));
    let poor: &[&str] = &["quality-too-low", "no-face"];
    let sideways = imageops::rotate270(&face);
    let deep = DynamicImage::from(face.clone()).into_rgb16();
    vec![
        ("a wall", jpeg(&wall(640, 480), 90), Refused(&["no-face"])),
        ("an animated wall", animated(wall(640, 480)), Refused(&["no-face"])),
        ("two faces", jpeg(&beside(&face, &other), 90), Refused(&["several-faces"])),
        ("a face far away", jpeg(&far(&face, 60), 90), Refused(&["face-too-small", "no-face"])),
        ("a blurred face", jpeg(&imageops::blur(&face, 14.0), 90), Refused(poor)),
        ("a face in the dark", jpeg(&lit(&face, 0.06), 90), Refused(poor)),
        ("a face in glaring light", jpeg(&lit(&face, 9.0), 90), Refused(poor)),
        ("a good photo", jpeg(&face, 92), Taken),
        ("the same again", jpeg(&face, 92), Known),
        ("the same, packed otherwise", jpeg(&face, 80), Known),
        ("the same as a PNG, which its name does not say", encoded(face.clone(), ImageFormat::Png), Known),
        ("the same with 16 bits", encoded(DynamicImage::from(deep), ImageFormat::Png), Known),
        ("the same, sideways, as its EXIF data says", turned(&jpeg(&sideways, 92), 6), Known),
        ("somebody else", jpeg(&other, 92), Refused(&["another-face"])),
        ("the same person, years later", jpeg(&portrait("obama-2012"), 92), Taken),
    ]
}

#[tokio::test]
async fn bad_photos_are_answered_with_what_is_wrong() {
    let world = world().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let rows = files().into_iter().chain(faces());
    let mut count = 0;
    for (name, photo, expected) in rows {
        check(&admin, &ada, name, photo, expected).await;
        count += 1;
    }
    let path = format!("/api/v1/persons/{ada}/photos");
    let text = admin.request(Method::POST, &path).header("content-type", "text/plain").body("hello");
    assert_eq!(answer(text).await.0, 415);
    assert_eq!(admin.photo(&uuid::Uuid::now_v7().to_string(), jpeg(&wall(64, 64), 90)).await.0, 404);
    let (_, insisted) = admin.photo_insisting(&ada, jpeg(&portrait("biden-2010"), 92)).await;
    assert_eq!(insisted["results"][0]["insisted"], true, "{insisted}");
    let sides = ["frontal", "left", "right"].map(|side| insisted["coverage"][side].as_u64().unwrap());
    assert_eq!(sides.iter().sum::<u64>(), 3, "{insisted}");
    assert!(insisted["results"][0]["components"].as_array().unwrap().len() > 5);
    println!("{} photos answered as expected", count + 3);
    profiles(&admin).await;
    world.stop().await;
}

/// Photos of one person from labelled ones: all are of the same face, so hardly one is an outlier.
async fn profiles(admin: &Session<'_>) {
    let Ok(shared) = std::env::var("OSTIARY_SHARED") else {
        println!("SKIPPED: labelled photos (OSTIARY_SHARED is not set)");
        return;
    };
    let folder = PathBuf::from(shared).join("faces/people/d00");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: labelled photos are not at {}", folder.display());
        return;
    };
    let person = admin.person("Somebody labelled").await;
    let mut outliers = 0;
    for entry in entries.filter_map(Result::ok).take(6) {
        let (status, said) = admin.photo(&person, std::fs::read(entry.path()).unwrap()).await;
        assert!(matches!(status, 200 | 422), "{said}");
        outliers += u32::from(slug(&said) == "another-face");
    }
    // One in a hundred pairs of strangers is more alike than the limit; of one person few are less.
    assert!(outliers <= 1, "{outliers} of 6 photos of one person were taken for another's");
}

async fn import(session: &Session<'_>, query: &str, bytes: Vec<u8>) -> (u16, Value) {
    answer(session.request(Method::POST, &format!("/api/v1/imports{query}")).body(bytes)).await
}

#[tokio::test]
async fn bad_archives_and_tables_are_refused_as_a_whole() {
    let world = World::start().await;
    let admin = world.admin().await;
    let table: &[u8] = b"external_id,name\nE1,Ada\n";
    let with = |path: &'static str, bytes: &[u8]| archive(&[("persons.csv", table), (path, bytes)]);
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "table-columns"),
        ("no archive", b"PK\x03\x04 and then nothing".to_vec(), "archive-unreadable"),
        ("half an archive", with("photos/E1.jpg", b"x")[..60].to_vec(), "archive-unreadable"),
        ("a bomb", with("photos/E1.jpg", &vec![0; 32 * 1024 * 1024]), "archive-bomb"),
        ("a path that climbs", with("../../etc/cron.d/x", b"x"), "archive-unsafe-path"),
        ("a path from the root", with("/etc/passwd", b"x"), "archive-unsafe-path"),
        ("a path as Windows has it", with("..\\..\\x.jpg", b"x"), "archive-unsafe-path"),
        ("a link", archive_with_link(), "archive-unsafe-path"),
        ("an archive in the archive", with("photos/more.zip", b"PK"), "archive-nested"),
        ("no table", archive(&[("photos/E1.jpg", b"x")]), "archive-no-table"),
        ("two tables", with("others.csv", table), "archive-no-table"),
        ("Latin-1", b"external_id,name\nE1,\xC5sa\n".to_vec(), "table-encoding"),
        ("UTF-16", b"\xFF\xFEe\0x\0t\0\r\0\n\0".to_vec(), "table-encoding"),
        ("no column for the id", b"name\nAda\n".to_vec(), "table-columns"),
        ("a column twice", b"external_id,name,name\nE1,A,B\n".to_vec(), "table-columns"),
        ("a head alone", b"external_id,name\n".to_vec(), "table-empty"),
    ];
    let count = rows.len();
    for (name, bytes, expected) in rows {
        let (status, said) = import(&admin, "", bytes).await;
        assert_eq!((status, slug(&said)), (422, expected), "{name}: {said}");
        assert!(said["detail"].as_str().is_some_and(|words| words.len() > 20), "{name} says what to do: {said}");
    }
    assert_eq!(slug(&import(&admin, "?columns=surname%3DX", table.to_vec()).await.1), "invalid-value");
    none_left(&admin).await;
    println!("{} files refused as expected", count + 1);
    world.stop().await;
}

/// What became of each item, by its number.
pub async fn reasons(session: &Session<'_>, job: &str) -> Vec<String> {
    let (_, page) = session.get(&format!("/api/v1/jobs/{job}/items?limit=500")).await;
    page["items"].as_array().unwrap().iter().map(|item| item["reason"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn bad_rows_and_photos_are_told_one_by_one() {
    let world = World::start().await;
    let admin = world.admin().await;
    let long = "x".repeat(201);
    let table = format!(
        "external_id,name,consent,consent_at,valid_from,valid_until,groups,field:size,photos\n\
         E1,Ada,yes,,,,,,good.png|text.jpg|half.png|gone.png\n\
         ,Nobody,,,,,,,\n\
         {long},Long,,,,,,,\n\
         E4,,,,,,,,\n\
         E5,Bob,perhaps,,,,,,\n\
         E6,Bob,,yesterday,,,,,\n\
         E7,Bob,,,2026-11-21,2026-11-20,,,\n\
         E8,Bob,,,,,Nobody knows,,\n\
         E9,Bob,,,,,,42,\n\
         E10,Bob,too few\n\
         E1,Ada again,yes,,,,,,\n\
         E12,Eve,no,,,,,,eve.png\n\
         E13,Bad row with a photo,perhaps,,,,,,bad.png\n\
         E14,Mallory,yes,,,,,,good.png\n"
    );
    let png = super::reader::picture([200, 10, 10]);
    let files: &[(&str, &[u8])] = &[
        ("persons.csv", table.as_bytes()),
        ("photos/good.png", &png),
        ("photos/text.jpg", b"hello"),
        ("photos/half.png", &png[..40]),
        ("photos/eve.png", &png),
        ("photos/bad.png", &png),
        ("photos/nobody.png", &png),
    ];
    let expected = [
        "added",
        "external-id-missing",
        "external-id-too-long",
        "name-invalid",
        "consent-invalid",
        "time-invalid",
        "validity-invalid",
        "unknown-group",
        "field-invalid",
        "row-unreadable",
        "external-id-twice",
        "added",
        "consent-invalid",
        "added",
        "added",
        "image-unreadable",
        "image-unreadable",
        "photo-missing",
        "consent-missing",
        "row-refused",
        "photo-twice",
        "nobodys-photo",
    ];
    let (status, taken) = import(&admin, "", archive(files)).await;
    assert_eq!((status, &taken["rows"], &taken["photos"]), (202, &json!(14), &json!(8)), "{taken}");
    let done = over(&admin, taken["job"].as_str().unwrap()).await;
    assert_eq!((&done["state"], &done["dead"]), (&json!("done"), &json!(0)), "{done}");
    assert_eq!(reasons(&admin, taken["job"].as_str().unwrap()).await, expected);
    println!("{} rows and photos answered as expected", expected.len());
    world.stop().await;
}
