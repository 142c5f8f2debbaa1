//! From a photo to a template, or to a clear reason why not.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::reader::picture;
use super::world::{World, answer, redacted, slug};

const RED: [u8; 3] = [200, 10, 10];
const ALMOST_RED: [u8; 3] = [199, 11, 10];
const GREEN: [u8; 3] = [10, 200, 10];
const NOBODY: [u8; 3] = [0, 0, 0];
const A_CROWD: [u8; 3] = [255, 255, 255];

/// A PNG header that claims 10 000 x 10 000 pixels, which is all that may be read of it.
fn huge() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_luma8(10_000, 10_000).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn a_photo_makes_a_template_or_says_why_not() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    for (photo, expected) in [
        (b"not a picture".to_vec(), "image-unreadable"),
        (picture(RED)[..60].to_vec(), "image-unreadable"),
        (Vec::new(), "image-unreadable"),
        (huge(), "image-too-large"),
        (picture(NOBODY), "no-face"),
        (picture(A_CROWD), "several-faces"),
    ] {
        let (status, refused) = admin.photo(&ada, photo).await;
        assert_eq!((status, slug(&refused)), (422, expected), "{refused}");
        assert_eq!(refused["results"][0]["accepted"], false);
    }
    assert_eq!(admin.get("/api/v1/gallery").await.1["revision"], 0, "nothing of it changed the gallery");

    let (status, enrolled) = admin.photo(&ada, picture(RED)).await;
    assert_eq!((status, &enrolled["revision"]), (200, &json!(1)), "{enrolled}");
    insta::assert_json_snapshot!(redacted(&enrolled, &["/results/0/template"]));
    let (_, again) = admin.photo(&ada, picture(RED)).await;
    assert_eq!((&again["revision"], &again["results"][0]["duplicate"]), (&json!(1), &json!(true)));
    assert_eq!(again["results"][0]["template"], enrolled["results"][0]["template"]);
    world.stop().await;
}

#[tokio::test]
async fn several_photos_come_in_one_form() {
    let world = World::start_with(|config| config.limits.photos_per_request = 3).await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let send = async |photos: &[[u8; 3]]| {
        let form = photos.iter().fold(Form::new().text("comment", "from the desk"), |form, colour| {
            form.part("photo", Part::bytes(picture(*colour)).file_name("photo.png"))
        });
        // Faces of two colours are not of one person.
        let path = format!("/api/v1/persons/{ada}/photos?insist=true");
        answer(admin.request(Method::POST, &path).multipart(form)).await
    };
    let (status, mixed) = send(&[RED, NOBODY, GREEN]).await;
    let accepted: Vec<&Value> = mixed["results"].as_array().unwrap().iter().map(|r| &r["accepted"]).collect();
    assert_eq!((status, accepted), (200, vec![&json!(true), &json!(false), &json!(true)]), "{mixed}");
    assert_eq!(slug(&mixed["results"][1]["problem"]), "no-face");
    let (status, refused) = send(&[NOBODY, A_CROWD]).await;
    assert_eq!((status, slug(&refused), refused["results"].as_array().unwrap().len()), (422, "no-face", 2));
    assert_eq!(slug(&send(&[RED; 4]).await.1), "invalid-value", "more than allowed");
    assert_eq!(slug(&send(&[]).await.1), "bad-request");
    let (_, templates) = admin.get(&format!("/api/v1/persons/{ada}/templates")).await;
    assert_eq!(templates["items"].as_array().unwrap().len(), 2);
    assert!(!templates.to_string().contains("embedding"), "embeddings do not leave by the API");
    world.stop().await;
}

#[tokio::test]
async fn nobody_is_enrolled_without_consent() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (status, person) = admin.post("/api/v1/persons", json!({"name": "Bob"})).await;
    assert_eq!((status, &person["consent_at"]), (201, &Value::Null));
    let (status, refused) = admin.photo(person["id"].as_str().unwrap(), picture(RED)).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"));
    world.stop().await;
}

#[tokio::test]
async fn people_who_look_alike_are_named() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (ada, bob) = (admin.person("Ada").await, admin.person("Bob").await);
    let (_, first) = admin.photo(&ada, picture(RED)).await;
    assert_eq!(first["results"][0]["warning"], Value::Null);
    let (_, other) = admin.photo(&bob, picture(GREEN)).await;
    assert_eq!(other["results"][0]["warning"], Value::Null);
    let (status, refused) = admin.photo(&bob, picture(ALMOST_RED)).await;
    assert_eq!((status, slug(&refused)), (422, "another-face"), "{refused}");
    let (_, alike) = admin.photo_insisting(&bob, picture(ALMOST_RED)).await;
    assert_eq!(alike["results"][0]["insisted"], true);
    let warning = &alike["results"][0]["warning"];
    assert_eq!((&warning["kind"], &warning["person"]), (&json!("lookalike"), &json!(ada)), "{alike}");
    assert_eq!((&warning["name"], warning["limit"].as_f64().unwrap() > 0.94), (&json!("Ada"), true), "{alike}");
    assert_eq!(warning["likely_same"], true, "{alike}");
    let (_, own) = admin.photo(&ada, picture([201, 10, 10])).await;
    assert_eq!(own["results"][0]["warning"]["person"], json!(bob), "not one's own other photos");

    let path = format!("/api/v1/persons/{ada}/lookalikes");
    let (status, listed) = admin.get(&path).await;
    assert_eq!((status, listed["items"].as_array().unwrap().len()), (200, 1), "{listed}");
    assert_eq!((&listed["items"][0]["person"], &listed["items"][0]["name"]), (&json!(bob), &json!("Bob")));
    assert_eq!(admin.get(&format!("{path}?above=1")).await.1["items"], json!([]));
    assert_eq!(admin.get(&format!("{path}?above=1.1")).await.0, 422);
    let (_, set) =
        answer(admin.request(Method::PUT, "/api/v1/settings/recognition").json(&json!({"lookalike_similarity": 1.0})))
            .await;
    assert_eq!(set["lookalike_similarity_in_force"], 1.0);
    let (_, quiet) = admin.photo(&bob, picture([198, 12, 10])).await;
    assert_eq!(quiet["results"][0]["warning"], Value::Null, "from 1 on nobody is named");
    let (_, audit) = admin.get("/api/v1/audit").await;
    let lines = audit["items"].as_array().unwrap().iter().filter(|line| line["action"] == "person.lookalike");
    assert_eq!(lines.count(), 2);
    world.stop().await;
}

#[tokio::test]
async fn a_removed_person_leaves_the_gallery() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (ada, bob) = (admin.person("  Ada\u{0300}  ").await, admin.person("Bob").await);
    let (_, of_ada) = admin.photo(&ada, picture(RED)).await;
    admin.photo(&bob, picture(GREEN)).await;
    assert_eq!(admin.get(&format!("/api/v1/persons/{ada}")).await.1["name"], "Ad\u{e0}", "trimmed and composed");
    let (_, sync) = admin.get(&format!("/api/v1/persons/{ada}/sync")).await;
    assert_eq!(sync, json!({"revision": 1, "devices": [], "holding": 0, "total": 0, "leaving": 0}));
    let (_, page) = admin.get("/api/v1/persons?limit=1").await;
    let (_, rest) = admin.get(&format!("/api/v1/persons?after={}", page["next"].as_str().unwrap())).await;
    assert_eq!((&page["items"][0]["id"], &rest["items"][0]["id"]), (&json!(ada), &json!(bob)));

    let template = of_ada["results"][0]["template"].as_str().unwrap();
    assert_eq!(admin.delete(&format!("/api/v1/templates/{template}")).await, (200, json!({"revision": 3})));
    let (status, removed) = admin.delete(&format!("/api/v1/persons/{bob}")).await;
    assert_eq!((status, &removed["revision"]), (200, &json!(4)));
    assert_eq!(admin.delete(&format!("/api/v1/persons/{bob}")).await.0, 404);
    let (_, gallery) = admin.get("/api/v1/gallery").await;
    assert_eq!(gallery["digest"], "0".repeat(64), "an empty gallery's digest: {gallery}");
    world.stop().await;
}
