//! What the API promises integrators: requests carried out once, versions, problems, cursors, links, settings.

use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::ports::EventStore;
use reqwest::Method;
use serde_json::{Value, json};

use super::reader::picture;
use super::world::{Session, World, answer, slug};
use crate::store::sample::{batch, device, visit};

async fn patch(session: &Session<'_>, path: &str, body: Value) -> (u16, Value) {
    answer(session.request(Method::PATCH, path).json(&body)).await
}

async fn keyed(session: &Session<'_>, key: &str, path: &str, body: Value) -> (u16, bool, Value) {
    let request = session.request(Method::POST, path).header("idempotency-key", key).json(&body);
    let response = request.send().await.unwrap();
    let replayed = response.headers().contains_key("idempotency-replayed");
    (response.status().as_u16(), replayed, response.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_request_with_a_key_is_carried_out_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let site = || json!({"name": "Head office"});
    let (status, replayed, first) = keyed(&admin, "k1", "/api/v1/sites", site()).await;
    assert_eq!((status, replayed), (201, false), "{first}");
    assert_eq!(keyed(&admin, "k1", "/api/v1/sites", site()).await, (201, true, first), "the same answer again");
    let (status, _, reused) = keyed(&admin, "k1", "/api/v1/sites", json!({"name": "Other"})).await;
    assert_eq!((status, slug(&reused)), (422, "idempotency-key-reused"));
    let (status, _, taken) = keyed(&admin, "k2", "/api/v1/sites", site()).await;
    assert_eq!((status, slug(&taken)), (409, "taken"), "another key is another request");
    let (status, replayed, made) = keyed(&admin, "k2", "/api/v1/sites", json!({"name": "Lab"})).await;
    assert_eq!((status, replayed), (201, false), "a refusal leaves the key free: {made}");
    let (status, _, _) = keyed(&admin, "no spaces", "/api/v1/sites", site()).await;
    assert_eq!(status, 400);
    assert_eq!(admin.get("/api/v1/sites").await.1["items"].as_array().unwrap().len(), 2);
    // Another account's key of the same name is another key.
    let guard = world.signed_in("guard").await;
    assert_eq!(keyed(&guard, "k1", "/api/v1/sites", site()).await.0, 403);
    // An answer that tells of a person goes with the person, and is not made twice.
    let new = || json!({"name": "Ada", "consent": true});
    let (_, _, ada) = keyed(&admin, "k3", "/api/v1/persons", new()).await;
    assert_eq!(keyed(&admin, "k3", "/api/v1/persons", new()).await, (201, true, ada.clone()));
    admin.delete(&format!("/api/v1/persons/{}", ada["id"].as_str().unwrap())).await;
    let (status, _, gone) = keyed(&admin, "k3", "/api/v1/persons", new()).await;
    assert_eq!((status, slug(&gone)), (409, "answer-gone"));
    world.stop().await;
}

#[tokio::test]
async fn the_same_request_at_once_is_carried_out_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let send = || keyed(&admin, "at-once", "/api/v1/sites", json!({"name": "Only one"}));
    let answers = futures_util::future::join_all((0..8).map(|_| send())).await;
    let made = answers.iter().filter(|(status, replayed, _)| (*status, *replayed) == (201, false)).count();
    assert_eq!(made, 1, "{answers:?}");
    let kind = |(status, replayed, body): &(u16, bool, Value)| match status {
        201 => *replayed || body["name"] == "Only one",
        _ => slug(body) == "in-progress",
    };
    assert!(answers.iter().all(kind), "{answers:?}");
    world.stop().await;
}

#[tokio::test]
async fn requests_are_found_again_by_their_id() {
    let world = World::start().await;
    let admin = world.admin().await;
    let id = "01a1fbf4-6ba3-75d3-87f4-fee01a1eec83";
    let request = admin.request(Method::POST, "/api/v1/sites").header("x-request-id", id).json(&json!({"name": "x"}));
    assert_eq!(request.send().await.unwrap().headers()["x-request-id"], id);
    let (_, lines) = admin.get("/api/v1/audit?action=site.create").await;
    assert_eq!(lines["items"][0]["request"], id, "{lines}");
    let strange = admin.request(Method::GET, "/api/v1/sites").header("x-request-id", "level=error");
    assert_ne!(strange.send().await.unwrap().headers()["x-request-id"], "level=error");
    world.stop().await;
}

#[tokio::test]
async fn every_wrong_value_is_told_at_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let body = json!({"name": " ", "notes": "\u{7}", "groups": []});
    let (status, problem) = patch(&admin, "/api/v1/persons/01a1fbf4-6ba3-75d3-87f4-fee01a1eec83", body).await;
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (422, vec!["/name", "/notes"]), "{problem}");
    let (status, problem) = admin.get("/api/v1/events?limit=0&score_min=2").await;
    let names: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["parameter"].as_str().unwrap()).collect();
    assert_eq!((status, names.contains(&"limit"), names.contains(&"score_min")), (422, true, true), "{problem}");
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let request = admin.request(Method::POST, "/api/v1/sites").header("content-type", "application/json").body(deep);
    assert_eq!(answer(request).await.0, 400);
    world.stop().await;
}

#[tokio::test]
async fn sites_and_doors_are_renamed_and_removed() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let (site, door) = (format!("/api/v1/sites/{}", cam.site), format!("/api/v1/doors/{}", cam.door));
    for path in [&site, &door] {
        let read = admin.request(Method::GET, path).send().await.unwrap();
        assert_eq!(read.headers()["etag"], "\"0\"");
        let rename =
            |tag: &str| admin.request(Method::PATCH, path).header("if-match", tag).json(&json!({"name": "  Renamed "}));
        let (status, renamed) = answer(rename("\"0\"")).await;
        assert_eq!((status, &renamed["name"]), (200, &json!("Renamed")), "{renamed}");
        assert_eq!(slug(&answer(rename("\"0\"")).await.1), "outdated");
        let (status, refused) = admin.delete(path).await;
        assert_eq!((status, slug(&refused)), (409, "in-use"));
        assert_eq!(refused["counts"]["devices"], 1, "{refused}");
    }
    let (_, lines) = admin.get("/api/v1/audit?action=site.update,door.update").await;
    let changed = &lines["items"][0];
    assert_eq!((&changed["before"]["name"], &changed["after"]["name"]), (&json!("door of cam"), &json!("Renamed")));
    let (_, other) = admin.post("/api/v1/sites", json!({"name": "Other"})).await;
    let other = format!("/api/v1/sites/{}", other["id"].as_str().unwrap());
    assert_eq!(patch(&admin, &other, json!({"name": "Renamed"})).await.0, 409, "taken");
    assert_eq!((admin.delete(&other).await.0, admin.get(&other).await.0), (204, 404));
    let (status, renamed) = patch(&admin, &format!("/api/v1/devices/{}", cam.id), json!({"name": "cam-2"})).await;
    assert_eq!((status, &renamed["name"]), (200, &json!("cam-2")));
    world.stop().await;
}

#[tokio::test]
async fn settings_want_to_know_what_they_change() {
    let world = World::start().await;
    let admin = world.admin().await;
    let path = "/api/v1/settings/general";
    let put = |body: Value| admin.request(Method::PUT, path).json(&body);
    let body = || json!({"name": "Museum", "time_zone": "Europe/Vienna"});
    assert_eq!(slug(&answer(put(body())).await.1), "version-required");
    assert_eq!(answer(put(body()).header("if-match", "\"0\"")).await, (200, body()));
    assert_eq!(answer(put(body()).header("if-match", "\"0\"")).await.0, 412);
    let nowhere = json!({"name": "Museum", "time_zone": "Europe/Nowhere"});
    let (status, refused) = answer(put(nowhere).header("if-match", "*")).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/time_zone")), "{refused}");
    assert_eq!(admin.get(path).await.1, body());
    world.stop().await;
}

#[tokio::test]
async fn persons_are_described_and_found() {
    let world = World::start().await;
    let admin = world.admin().await;
    let fields = json!({"fields": [
        {"key": "badge_no", "label": "Badge number", "kind": "text", "max_chars": 8},
        {"key": "floor", "label": "Floor", "kind": "number", "min": 0.0, "max": 9.0},
        {"key": "team", "label": "Team", "kind": "choice", "choices": ["red", "blue"]},
    ]});
    let put = admin.request(Method::PUT, "/api/v1/settings/person-fields").header("if-match", "*").json(&fields);
    assert_eq!(answer(put).await, (200, fields));
    let (ada, zoe) = (admin.person("Ada Lovelace").await, admin.person("Zoë Álvarez").await);
    let path = format!("/api/v1/persons/{ada}");
    let values = json!({"badge_no": "A-17", "floor": 3.0, "team": "blue"});
    let (status, person) = patch(&admin, &path, json!({"notes": "left-handed", "fields": values})).await;
    assert_eq!((status, &person["notes"], &person["fields"]["floor"]), (200, &json!("left-handed"), &json!(3.0)));
    let wrong = json!({"fields": {"badge_no": "too long by far", "colour": "x"}});
    let (status, refused) = patch(&admin, &path, wrong).await;
    let first = &refused["errors"][0]["pointer"];
    assert_eq!((status, first), (422, &json!("/fields/badge_no")), "{refused}");
    let (_, person) = patch(&admin, &path, json!({"name": "Ada King", "fields": {"team": null}})).await;
    assert_eq!(person["fields"], json!({"badge_no": "A-17", "floor": 3.0}), "merged");
    assert_eq!(admin.get(&path).await.1, person);
    let found = async |query: &str| {
        let (_, page) = admin.get(&format!("/api/v1/persons?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (only_ada, only_zoe) = (vec![ada.clone()], vec![zoe.clone()]);
    assert_eq!(found("name=king").await, only_ada, "the new name");
    assert!(found("name=lovelace").await.is_empty(), "and not the old one");
    assert_eq!(found("name=alv%20zo").await, only_zoe, "any words, case and accents");
    assert_eq!(found("name=a").await, [ada.clone(), zoe.clone()]);
    admin.photo(&ada, picture([200, 10, 10])).await;
    assert_eq!(found("templates=true").await, only_ada);
    assert_eq!(found("templates=false&name=z").await, only_zoe);
    assert_eq!(found("consent=false").await, Vec::<String>::new());
    patch(&admin, &format!("/api/v1/persons/{zoe}"), json!({"valid_from": "2999-01-01T00:00:00Z"})).await;
    assert_eq!((found("valid=later").await, found("valid=now").await), (only_zoe, only_ada.clone()));
    assert!(found("created_until=2020-01-01T00:00:00Z").await.is_empty());
    admin.delete(&format!("/api/v1/persons/{zoe}")).await;
    assert_eq!(found("name=a").await, only_ada, "who is gone is not found");
    let (_, lines) = admin.get("/api/v1/audit").await;
    let log = lines.to_string();
    for secret in ["Ada", "King", "left-handed", "A-17", "lvarez"] {
        assert!(!log.contains(secret), "{secret} stands in the audit log");
    }
    world.stop().await;
}

#[tokio::test]
async fn events_are_filtered_and_counted() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let (cam, other) = (device(&*world.store, "cam").await, device(&*world.store, "other").await);
    let matched = visit(1, OutcomeKind::Match, Some(ada.parse().unwrap()), None);
    let unknown = visit(2, OutcomeKind::Unknown, None, None);
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![matched, unknown])).await.unwrap();
    let elsewhere = visit(1, OutcomeKind::Unusable, None, None);
    world.store.ingest(&batch(other.id, StreamId::generate(), vec![elsewhere])).await.unwrap();
    let check = async |query: &str, expected: usize| {
        let (status, page) = admin.get(&format!("/api/v1/events?{query}")).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(expected), "{query}: {status} {page}");
    };
    check("", 3).await;
    check("kind=match,unusable", 2).await;
    check(&format!("site={}", cam.site), 2).await;
    check(&format!("door={}&kind=unknown", cam.door), 1).await;
    check(&format!("device={}", other.id), 1).await;
    check(&format!("person={ada}"), 1).await;
    check("from=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z", 3).await;
    check("until=2000-01-01T00:00:00Z", 0).await;
    check("score_min=0.01&kind=match", 1).await;
    check("score_min=1&score_max=1&kind=unusable", 0).await;
    let (_, all) = admin.get("/api/v1/events").await;
    let at = all["items"][0]["at"].as_str().unwrap();
    let day = &at[..10];
    let span = format!("from={day}T00:00:00Z&until={day}T23:59:59Z");
    let (status, counts) = admin.get(&format!("/api/v1/events/counts?{span}")).await;
    assert_eq!((status, &counts["items"][0]["count"]), (200, &json!(3)), "{counts}");
    assert_eq!(counts["items"][0]["kinds"], json!({"match": 1, "unknown": 1, "unusable": 1}));
    let long = admin.get("/api/v1/events/counts?by=hour&from=2026-01-01T00:00:00Z&until=2026-03-01T00:00:00Z").await;
    assert_eq!(long.0, 422);
    world.stop().await;
}

#[tokio::test]
async fn a_link_opens_one_picture_for_a_while() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let jpeg: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3];
    let seen = visit(1, OutcomeKind::Unknown, None, Some(jpeg));
    let id = seen.id;
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![seen])).await.unwrap();
    let (status, link) = admin.post(&format!("/api/v1/events/{id}/crop/link"), json!({})).await;
    let url = link["url"].as_str().unwrap_or_else(|| panic!("{status} {link}"));
    let opened = world.request(Method::GET, url).send().await.unwrap();
    assert_eq!((status, opened.status().as_u16()), (201, 200));
    assert!(opened.headers()["cache-control"].to_str().unwrap().starts_with("private, max-age="));
    assert_eq!(opened.bytes().await.unwrap(), jpeg);
    for altered in [url.replace("expires=", "expires=9"), url.replace("account=", "account=0"), format!("{url}x")] {
        let status = world.request(Method::GET, &altered).send().await.unwrap().status().as_u16();
        assert!(matches!(status, 400 | 403), "{altered}: {status}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_picture_is_looked_up() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (ada, bob) = (admin.person("Ada").await, admin.person("Bob").await);
    admin.photo(&ada, picture([200, 10, 10])).await;
    admin.photo(&bob, picture([10, 10, 200])).await;
    let look = async |query: &str, bytes: Vec<u8>| {
        answer(admin.request(Method::POST, &format!("/api/v1/recognize{query}")).body(bytes)).await
    };
    let (status, found) = look("", picture([200, 10, 10])).await;
    assert_eq!(
        (status, &found["person"], &found["candidates"][0]["name"]),
        (200, &json!(ada), &json!("Ada")),
        "{found}"
    );
    let (status, everyone) = look("?threshold=0&limit=20", picture([200, 10, 10])).await;
    assert_eq!((status, everyone["candidates"].as_array().unwrap().len()), (200, 2), "{everyone}");
    assert_eq!(look("?threshold=2", picture([200, 10, 10])).await.0, 422);
    assert_eq!(look("", b"not a picture".to_vec()).await.0, 422);
    let (_, lines) = admin.get("/api/v1/audit?action=recognize").await;
    assert_eq!(lines["items"][1]["target"], format!("person:{ada}"), "{lines}");
    world.stop().await;
}

#[tokio::test]
async fn the_audit_log_is_read_filtered_and_taken_out() {
    let world = World::start().await;
    let admin = world.admin().await;
    for name in ["One", "Two", "Three"] {
        admin.post("/api/v1/sites", json!({"name": name})).await;
    }
    let (_, page) = admin.get("/api/v1/audit?action=site.create&limit=2").await;
    let next = page["next"].as_str().unwrap();
    let (_, rest) = admin.get(&format!("/api/v1/audit?action=site.create&limit=2&cursor={next}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null), "{rest}");
    assert_eq!(admin.get(&format!("/api/v1/audit?cursor={next}")).await.0, 422, "of other filters");
    assert_eq!(admin.get("/api/v1/audit?result=maybe").await.0, 422);
    let export = admin.request(Method::GET, "/api/v1/audit/export").send().await.unwrap();
    assert_eq!(export.headers()["content-type"], "application/x-ndjson");
    let text = export.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (head, lines) = lines.split_last().unwrap();
    assert!(head["signed_head"].is_string());
    let numbers: Vec<u64> = lines.iter().map(|line| line["id"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    world.stop().await;
}
