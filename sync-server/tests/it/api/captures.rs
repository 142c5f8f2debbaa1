//! Guided captures by the API, over a reader that needs no models: how they go, whose they are, and what bounds them.

use std::time::{Duration, Instant};

use ostiary_models::engine::Kernels;
use ostiary_models::guided::GuideRules;
use ostiary_models::pack::Pack;
use ostiary_server::app::models::Models;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::enroll::reader::{decode_frame, from_pack};
use reqwest::Method;
use serde_json::{Value, json};

use super::reader::{picture, picture_of_width};
use super::world::{Session, World, add_account, answer, slug};

const RED: [u8; 3] = [200, 10, 10];
const GREEN: [u8; 3] = [10, 200, 10];
const NOBODY: [u8; 3] = [0, 0, 0];
const A_CROWD: [u8; 3] = [255, 255, 255];

async fn begin(session: &Session<'_>, person: &str) -> (u16, Value) {
    session.post(&format!("/api/v1/persons/{person}/captures"), json!({})).await
}

async fn show(session: &Session<'_>, capture: &str, frame: Vec<u8>) -> (u16, Value) {
    answer(session.request(Method::POST, &format!("/api/v1/captures/{capture}/frames")).body(frame)).await
}

fn id(capture: &Value) -> String {
    capture["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn somebody_is_guided_and_enrolled_from_three_sides() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let (status, begun) = begin(&admin, &ada).await;
    assert_eq!((status, &begun["state"], &begun["wanted"]), (201, &json!("open"), &json!("frontal")), "{begun}");
    assert_eq!(begun["hint"], "Look straight at the camera.");
    let capture = id(&begun);
    for (frame, problem) in
        [(picture(NOBODY), "no-face"), (picture(A_CROWD), "several-faces"), (picture_of_width(RED, 9), "wrong-angle")]
    {
        let (status, said) = show(&admin, &capture, frame).await;
        assert_eq!((status, &said["problem"]), (200, &json!(problem)), "{said}");
    }
    let (status, refused) = show(&admin, &capture, b"no picture".to_vec()).await;
    assert_eq!((status, slug(&refused)), (422, "image-unreadable"));

    for (width, angle, hint) in [
        (8, "frontal", "Turn your head slowly to your left."),
        (9, "left", "Turn your head slowly to your right."),
        (10, "right", "Done, thank you."),
    ] {
        let (_, first) = show(&admin, &capture, picture_of_width(RED, width)).await;
        assert_eq!((&first["problem"], &first["hint"]), (&Value::Null, &json!("Hold still.")), "{first}");
        let (_, said) = show(&admin, &capture, picture_of_width(RED, width)).await;
        assert_eq!((&said["taken"], &said["hint"]), (&json!(angle), &json!(hint)), "{said}");
    }
    let (_, complete) = admin.get(&format!("/api/v1/captures/{capture}")).await;
    assert_eq!(complete["state"], "complete");
    let yaws: Vec<&Value> = complete["shots"].as_array().unwrap().iter().map(|s| &s["quality"]["yaw_deg"]).collect();
    assert_eq!(yaws, [&json!(0.0), &json!(28.0), &json!(-28.0)]);
    let look = admin.request(Method::GET, &format!("/api/v1/captures/{capture}/shots/1")).send().await.unwrap();
    assert_eq!((look.status().as_u16(), look.headers()["content-type"].to_str().unwrap()), (200, "image/jpeg"));
    // A page asks for all at once.
    let shot = |n: usize| admin.request(Method::GET, &format!("/api/v1/captures/{capture}/shots/{n}")).send();
    let (a, b, c, d) = tokio::join!(shot(0), shot(1), shot(2), shot(3));
    assert_eq!([a, b, c, d].map(|look| look.unwrap().status().as_u16()), [200, 200, 200, 404]);

    let finish = format!("/api/v1/captures/{capture}/finish");
    let (status, refused) = admin.post(&finish, json!({"shots": [0, 7]})).await;
    assert_eq!((status, slug(&refused)), (422, "invalid-value"), "and the capture goes on");
    let (status, finished) = admin.post(&finish, json!({})).await;
    assert_eq!((status, &finished["missing"]), (200, &json!([])), "{finished}");
    assert_eq!(finished["results"].as_array().unwrap().len(), 3);
    let (_, templates) = admin.get(&format!("/api/v1/persons/{ada}/templates")).await;
    let angles: Vec<&Value> = templates["items"].as_array().unwrap().iter().map(|t| &t["angle"]).collect();
    assert_eq!(angles, [&json!("frontal"), &json!("left"), &json!("right")]);
    assert_eq!(admin.post(&finish, json!({})).await.0, 404, "once");
    world.stop().await;
}

#[tokio::test]
async fn another_face_ends_a_capture_and_leaves_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let capture = id(&begin(&admin, &ada).await.1);
    for _ in 0..2 {
        show(&admin, &capture, picture(RED)).await;
    }
    for _ in 0..3 {
        show(&admin, &capture, picture(GREEN)).await;
    }
    let (_, over) = admin.get(&format!("/api/v1/captures/{capture}")).await;
    assert_eq!((&over["state"], over["shots"].as_array().unwrap().len()), (&json!("another-face"), 1));
    let (status, refused) = admin.post(&format!("/api/v1/captures/{capture}/finish"), json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "wrong-state"));
    assert_eq!(admin.get("/api/v1/gallery").await.1["templates"], 0);
    world.stop().await;
}

#[tokio::test]
async fn a_capture_is_of_its_account_and_of_who_consented() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let (_, unasked) = admin.post("/api/v1/persons", json!({"name": "Bob"})).await;
    let (status, refused) = begin(&admin, unasked["id"].as_str().unwrap()).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"));

    let capture = id(&begin(&admin, &ada).await.1);
    add_account(&world.store, "other", vec![Grant { role: Role::Admin, scope: Scope::Everything }]).await;
    let other = world.signed_in("other").await;
    let path = format!("/api/v1/captures/{capture}");
    let never = other.get(&format!("/api/v1/captures/{}", uuid::Uuid::now_v7())).await;
    let instance_less = |(status, mut body): (u16, Value)| {
        body.as_object_mut().unwrap().remove("instance");
        (status, body)
    };
    assert_eq!(instance_less(other.get(&path).await), instance_less(never), "as if it did not exist");
    assert_eq!(show(&other, &capture, picture(RED)).await.0, 404);
    assert_eq!(other.post(&format!("{path}/finish"), json!({})).await.0, 404);
    assert_eq!(other.post(&format!("{path}/cancel"), json!({})).await.0, 404);
    assert_eq!(admin.post(&format!("{path}/cancel"), json!({})).await.0, 204);
    assert_eq!(admin.get(&path).await.0, 404);

    let capture = id(&begin(&admin, &ada).await.1);
    assert_eq!(admin.delete(&format!("/api/v1/persons/{ada}")).await.0, 200);
    assert_eq!(admin.post(&format!("/api/v1/captures/{capture}/cancel"), json!({})).await.0, 404, "forgotten with her");
    world.stop().await;
}

#[tokio::test]
async fn captures_frames_and_their_size_are_bounded() {
    let world = World::start_with(|config| {
        config.limits.captures = 3;
        config.limits.frames_per_minute = 5;
    })
    .await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let mut captures = Vec::new();
    for _ in 0..3 {
        captures.push(id(&begin(&admin, &ada).await.1));
    }
    let (status, refused) = begin(&admin, &ada).await;
    assert_eq!((status, slug(&refused)), (503, "unavailable"));
    assert_eq!(admin.post(&format!("/api/v1/captures/{}/cancel", captures[0]), json!({})).await.0, 204);
    assert_eq!(begin(&admin, &ada).await.0, 201, "one ended, one may begin");
    assert_eq!(show(&admin, &captures[1], vec![0; 5 << 20]).await.0, 413);
    let (status, refused) = show(&admin, &captures[1], picture_of_width(RED, 500_001)).await;
    assert_eq!((status, slug(&refused)), (422, "image-too-large"));
    for _ in 0..3 {
        assert_eq!(show(&admin, &captures[1], picture(NOBODY)).await.0, 200);
    }
    assert_eq!(show(&admin, &captures[1], picture(NOBODY)).await.0, 429);
    for limit in [9, 181] {
        let path = format!("/api/v1/persons/{ada}/captures");
        let (status, refused) = admin.post(&path, json!({"time_limit_s": limit})).await;
        assert_eq!((status, slug(&refused)), (422, "invalid-value"));
    }
    world.stop().await;
}

const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/packs/ostiary-default");
const PORTRAIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/media/portraits/obama-2012.jpg");

/// With the real models: what a frame costs beyond them, each asked in turn, so that whatever else the machine does
/// weighs on both.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_costs_little_more_than_its_models() {
    let pack = Pack::load(PACK).unwrap();
    let thresholds = pack.thresholds();
    let liveness = Some(pack.liveness_rules());
    let guide = GuideRules { liveness, ..GuideRules::new(thresholds.enroll_gate(), thresholds.rule()) };
    let mut bare = from_pack(pack.clone(), Kernels::Auto)().unwrap();
    let models = Models {
        pack: pack.id().clone(),
        dimension: pack.dimension(),
        rule: thresholds.rule(),
        calibration: None,
        guide: guide.clone(),
        gate: thresholds.enroll_gate(),
        readers: from_pack(pack, Kernels::Auto),
    };
    let world = World::start_of(models, |config| config.models.engines = 1).await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let capture = id(&begin(&admin, &ada).await.1);
    let frame = std::fs::read(PORTRAIT).unwrap();
    let (mut asked, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let begun = Instant::now();
        let (status, said) = show(&admin, &capture, frame.clone()).await;
        asked.push(begun.elapsed());
        assert_eq!(status, 200, "{said}");
        let begun = Instant::now();
        bare.glance(&decode_frame(&frame).unwrap(), &guide).unwrap();
        alone.push(begun.elapsed());
    }
    let percentiles = |mut times: Vec<Duration>| {
        times.sort();
        [50, 95].map(|share| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0)
    };
    let ([p50, p95], [bare_p50, bare_p95]) = (percentiles(asked), percentiles(alone));
    let ratio = p50 / bare_p50;
    println!(
        "a frame: p50 {p50:.1} ms, p95 {p95:.1} ms; its models: {bare_p50:.1} and {bare_p95:.1} ms; {ratio:.2} times"
    );
    assert!(ratio < 3.0, "{p50} ms a frame, of which {bare_p50} ms are the models'");
    world.stop().await;
}
