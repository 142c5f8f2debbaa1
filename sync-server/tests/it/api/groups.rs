//! Who may be known at which door, as an admin sets and sees it.

use std::time::{Duration, Instant};

use ostiary_common::time::UnixMillis;
use reqwest::Method;
use serde_json::{Value, json};

use super::reader::picture;
use super::world::{Session, World, answer, slug};

async fn send(session: &Session<'_>, method: Method, path: &str, body: Value) -> (u16, Value) {
    answer(session.request(method, path).json(&body)).await
}

/// A site, a door there, and a device at it.
async fn door(admin: &Session<'_>, name: &str) -> [String; 3] {
    let (_, site) = admin.post("/api/v1/sites", json!({"name": format!("Site of {name}")})).await;
    let (_, door) = admin.post("/api/v1/doors", json!({"site": site["id"], "name": name})).await;
    let (status, device) = admin.post("/api/v1/devices", json!({"door": door["id"], "name": name})).await;
    assert_eq!(status, 201, "{device}");
    [&site["id"], &door["id"], &device["device"]["id"]].map(|id| id.as_str().unwrap().to_owned())
}

async fn group(admin: &Session<'_>, body: Value) -> String {
    let (status, group) = admin.post("/api/v1/groups", body).await;
    assert_eq!((status, &group["version"], &group["members"]), (201, &json!(1), &json!(0)), "{group}");
    group["id"].as_str().unwrap().to_owned()
}

/// How many a device may hold.
async fn known(admin: &Session<'_>, device: &str) -> u64 {
    let (status, gallery) = admin.get(&format!("/api/v1/devices/{device}/gallery")).await;
    assert_eq!((status, &gallery["standing"]), (200, &json!("unheard")), "{gallery}");
    gallery["persons"].as_u64().unwrap()
}

#[tokio::test]
async fn a_door_knows_the_groups_it_names() {
    let world = World::start().await;
    let admin = world.admin().await;
    let [_, lab, camera] = door(&admin, "lab").await;
    let staff = group(&admin, json!({"name": " Staff "})).await;
    let person = json!({"name": "Ada", "consent": true, "groups": [staff]});
    let (status, ada) = admin.post("/api/v1/persons", person).await;
    assert_eq!((status, &ada["groups"], &ada["valid_from"]), (201, &json!([staff]), &Value::Null), "{ada}");
    let ada = ada["id"].as_str().unwrap();
    admin.photo(ada, picture([200, 10, 10])).await;
    let bob = admin.person("Bob").await;
    admin.photo(&bob, picture([10, 200, 10])).await;
    assert_eq!(known(&admin, &camera).await, 2);

    let path = format!("/api/v1/doors/{lab}/gallery-rule");
    let (status, rule) = admin.get(&path).await;
    assert_eq!((status, &rule["version"], &rule["rule"]), (200, &json!(0), &json!({"know": "everyone"})), "{rule}");
    let body = json!({"know": "groups", "groups": [staff]});
    let (status, rule) = send(&admin, Method::PUT, &path, body.clone()).await;
    assert_eq!((status, &rule["version"], &rule["rule"]), (200, &json!(1), &body), "{rule}");
    assert_eq!(known(&admin, &camera).await, 1);

    let members = format!("/api/v1/groups/{staff}/members");
    assert_eq!(admin.get(&members).await.1, json!({"items": [ada], "next": null}));
    let (status, changed) = admin.post(&members, json!({"add": [bob]})).await;
    assert_eq!((status, &changed["members"]), (200, &json!(2)), "{changed}");
    assert_eq!(admin.post(&members, json!({"add": [bob]})).await.1, json!({"revision": null, "members": 2}));
    assert_eq!(known(&admin, &camera).await, 2);
    let (_, page) = admin.get(&format!("{members}?limit=1")).await;
    assert_eq!(page["next"], page["items"][0]);

    let (status, _) = admin.delete(&format!("/api/v1/groups/{staff}")).await;
    assert_eq!((status, known(&admin, &camera).await), (204, 0));
    let (_, audit) = admin.get("/api/v1/audit").await;
    let actions: Vec<&str> = audit["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
    for action in ["group.create", "group.members", "gallery.configure", "group.delete"] {
        assert!(actions.contains(&action), "{action} is not among {actions:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_person_is_known_for_a_time() {
    let world = World::start().await;
    let admin = world.admin().await;
    let [_, _, camera] = door(&admin, "lab").await;
    let ada = admin.person("Ada").await;
    admin.photo(&ada, picture([200, 10, 10])).await;
    let path = format!("/api/v1/persons/{ada}");
    let soon = UnixMillis::from_system_time(std::time::SystemTime::now()).plus(Duration::from_millis(1500));
    let (status, person) = send(&admin, Method::PATCH, &path, json!({"valid_until": soon.to_rfc3339()})).await;
    assert_eq!((status, &person["valid_until"]), (200, &json!(soon.to_rfc3339())), "{person}");
    assert_eq!(known(&admin, &camera).await, 1);
    let started = Instant::now();
    while known(&admin, &camera).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "the time is over and the person is still known");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let changed = admin.get(&path).await.1["revision"].as_u64();
    assert!(changed > person["revision"].as_u64(), "its end took a revision");
    let (status, person) = send(&admin, Method::PATCH, &path, json!({"valid_until": null})).await;
    assert_eq!((status, &person["valid_until"], known(&admin, &camera).await), (200, &Value::Null, 1), "{person}");
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let [here, lab, _] = door(&admin, "lab").await;
    let [there, _, _] = door(&admin, "elsewhere").await;
    let ada = admin.person("Ada").await;
    let (staff, away) = (group(&admin, json!({"name": "Staff"})).await, json!({"name": "Away", "site": there}));
    let away = group(&admin, away).await;
    let (rule, person) = (format!("/api/v1/doors/{lab}/gallery-rule"), format!("/api/v1/persons/{ada}"));
    let (one, members) = (format!("/api/v1/groups/{staff}"), format!("/api/v1/groups/{staff}/members"));
    let of_groups = |groups: Value| json!({"know": "groups", "groups": groups});
    let (groups, put, post, patch) = ("/api/v1/groups", Method::PUT, Method::POST, Method::PATCH);
    for (method, path, body, status, expected) in [
        (&post, groups, json!({"name": "staff "}), 201, "no problem"),
        (&post, groups, json!({"name": "Staff"}), 409, "taken"),
        (&post, groups, json!({"name": ""}), 422, "invalid-value"),
        (&post, groups, json!({"name": "x", "site": lab}), 404, "not-found"),
        (&post, groups, json!({"name": "x", "color": "red"}), 422, "invalid-value"),
        (&put, &one, json!({"name": "Away"}), 409, "taken"),
        (&put, &rule, of_groups(json!([lab])), 422, "invalid-value"),
        (&put, &rule, of_groups(json!([away])), 422, "invalid-value"),
        (&put, &rule, json!({"know": "nobody"}), 422, "invalid-value"),
        (&post, &members, json!({"add": [lab]}), 404, "not-found"),
        (&post, &members, json!({"join": [ada]}), 422, "invalid-value"),
        (&patch, &person, json!({"valid_from": "tomorrow"}), 422, "invalid-value"),
        (
            &patch,
            &person,
            json!({"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}),
            422,
            "invalid-value",
        ),
        (&patch, &person, json!({"groups": [lab]}), 404, "not-found"),
        (&patch, &person, json!({"groups": vec![&staff; 101]}), 422, "invalid-value"),
    ] {
        let (found, problem) = send(&admin, method.clone(), path, body.clone()).await;
        assert_eq!((found, slug(&problem)), (status, expected), "{method} {path} {body}: {problem}");
        assert_eq!(send(&guard, method.clone(), path, body).await.0, 403);
    }
    let nowhere = format!("/api/v1/groups/{here}");
    assert_eq!((admin.get(&nowhere).await.0, admin.delete(&nowhere).await.0), (404, 404));
    for path in ["groups/{}/members", "doors/{}/gallery-rule", "devices/{}/gallery", "persons/{}/doors"] {
        assert_eq!(admin.get(&format!("/api/v1/{}", path.replace("{}", &here))).await.0, 404, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn nobody_overwrites_what_they_have_not_seen() {
    let world = World::start().await;
    let admin = world.admin().await;
    let [_, lab, _] = door(&admin, "lab").await;
    let (staff, ada) = (group(&admin, json!({"name": "Staff"})).await, admin.person("Ada").await);
    for (method, path, change) in [
        (Method::PUT, format!("/api/v1/doors/{lab}/gallery-rule"), json!({"know": "groups", "groups": []})),
        (Method::PUT, format!("/api/v1/groups/{staff}"), json!({"name": "Guests"})),
        (Method::PATCH, format!("/api/v1/persons/{ada}"), json!({"groups": [staff]})),
    ] {
        let read = admin.request(Method::GET, &path).send().await.unwrap();
        let tag = read.headers()["etag"].to_str().unwrap().to_owned();
        let with = |tag: &str| admin.request(method.clone(), &path).header("if-match", tag).json(&change);
        let changed = with(&tag).send().await.unwrap();
        assert_eq!(changed.status(), 200);
        assert_ne!(changed.headers()["etag"], tag.as_str());
        let (status, refused) = answer(with(&tag)).await;
        assert_eq!((status, slug(&refused)), (412, "outdated"), "{refused}");
    }
    world.stop().await;
}
