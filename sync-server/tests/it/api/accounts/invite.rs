//! Invitations and registration: nobody gives what he does not have.

use ostiary_common::ids::SiteId;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::domain::account::LAST_RESORT;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::world::{PASSWORD, World, add_account, answer, slug};

fn secret(link: &Value) -> String {
    link.as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

async fn accept(world: &World, token: &str, login: &str, password: &str) -> (u16, Value) {
    let body = json!({"token": token, "account": {"login": login, "password": password}});
    answer(world.request(Method::POST, "/api/v1/auth/accept-invitation").json(&body)).await
}

#[tokio::test]
async fn an_invitation_makes_one_account_with_its_grants() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    let admin = world.admin().await;
    let invite = async |grants: Value| admin.post("/api/v1/invitations", json!({ "grants": grants })).await;
    let (status, made) = invite(json!([{"role": "viewer"}])).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["mailed"], false);
    let token = secret(&made["link"]);
    let (status, weak) = accept(&world, &token, "vera", "short").await;
    assert_eq!((status, slug(&weak)), (422, "weak-password"), "{weak}");
    let (status, own) = accept(&world, &token, "vera-viewer", "vera-viewer-vera-viewer").await;
    assert_eq!((status, slug(&own)), (422, "weak-password"), "{own}");
    assert_eq!(accept(&world, &token, "GUARD", PASSWORD).await.0, 409, "taken; the link stays good");
    let (status, account) = accept(&world, &token, "vera", PASSWORD).await;
    assert_eq!((status, &account["login"]), (201, &json!("vera")), "{account}");
    let (status, used) = accept(&world, &token, "vera2", PASSWORD).await;
    assert_eq!((status, slug(&used)), (422, "link-refused"));
    assert_eq!(accept(&world, "made up", "vera3", PASSWORD).await.0, 422);
    let vera = world.signed_in("vera").await;
    assert_eq!(vera.get("/api/v1/me").await.1["grants"], json!([{"role": "viewer"}]));
    assert_eq!(vera.post("/api/v1/invitations", json!({"grants": [{"role": "viewer"}]})).await.0, 403);

    let (_, open) = invite(json!([{"role": "operator"}])).await;
    let path = format!("/api/v1/invitations/{}", open["id"].as_str().unwrap());
    assert_eq!(admin.delete(&path).await.0, 204);
    assert_eq!(admin.delete(&path).await.0, 404);
    assert_eq!(accept(&world, &secret(&open["link"]), "olga", PASSWORD).await.0, 422, "taken back");
    let (_, list) = admin.get("/api/v1/invitations").await;
    let states: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["revoked", "accepted"]);
    world.stop().await;
}

#[tokio::test]
async fn nobody_invites_or_manages_beyond_his_own() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    let admin = world.admin().await;
    let (_, site) = admin.post("/api/v1/sites", json!({"name": "North"})).await;
    let (_, other) = admin.post("/api/v1/sites", json!({"name": "South"})).await;
    let site_id: SiteId = site["id"].as_str().unwrap().parse().unwrap();
    add_account(&world.store, "owner", vec![LAST_RESORT]).await;
    add_account(&world.store, "north", vec![Grant { role: Role::Admin, scope: Scope::Site(site_id) }]).await;
    let north = world.signed_in("north").await;
    let check = async |session: &crate::api::world::Session<'_>, grant: Value, expected: u16| {
        let (status, body) = session.post("/api/v1/invitations", json!({"grants": [grant]})).await;
        assert_eq!(status, expected, "{grant}: {body}");
    };
    check(&admin, json!({"role": "owner"}), 403).await;
    check(&admin, json!({"role": "admin"}), 403).await;
    check(&admin, json!({"role": "operator", "site": site["id"]}), 201).await;
    check(&admin, json!({"role": "king"}), 422).await;
    check(&north, json!({"role": "viewer", "site": site["id"]}), 201).await;
    check(&north, json!({"role": "viewer", "site": other["id"]}), 403).await;
    check(&north, json!({"role": "viewer"}), 403).await;
    check(&north, json!({"role": "admin", "site": site["id"]}), 403).await;
    check(&north, json!({"role": "viewer", "door": "01a1fbf4-6ba3-75d3-87f4-fee01a1eec83"}), 403).await;

    let (_, seen) = north.get("/api/v1/users").await;
    let logins: Vec<&str> = seen["items"].as_array().unwrap().iter().map(|u| u["login"].as_str().unwrap()).collect();
    assert_eq!(logins, ["north"], "others may nothing at this site alone");
    let (_, all) = admin.get("/api/v1/users").await;
    let id = |login: &str| {
        let items = all["items"].as_array().unwrap();
        items.iter().find(|user| user["login"] == login).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let reset = |of: &str| format!("/api/v1/users/{}/password-reset", id(of));
    assert_eq!(north.post(&reset("guard"), json!({})).await.0, 404);
    let (status, refused) = admin.post(&reset("owner"), json!({})).await;
    assert_eq!((status, slug(&refused)), (403, "not-allowed"), "an admin would take over the owner's account");
    assert_eq!(admin.post(&format!("/api/v1/users/{}/shut-out", id("owner")), json!({})).await.0, 403);
    let (status, link) = admin.post(&reset("guard"), json!({})).await;
    assert_eq!(status, 201, "{link}");
    let body = json!({"token": secret(&link["link"]), "password": "a swan crosses the river"});
    let complete = || world.request(Method::POST, "/api/v1/auth/password-reset/complete").json(&body);
    assert_eq!(answer(complete()).await.0, 204);
    assert_eq!(answer(complete()).await.0, 422, "once");
    assert_eq!(world.login("guard", "a swan crosses the river").await.status(), 200);
    world.stop().await;
}

#[tokio::test]
async fn who_registers_waits_for_approval_and_learns_nothing_of_others() {
    let world = World::start_with(|config| {
        config.accounts.self_registration = true;
        config.limits.logins_per_minute = 1000;
    })
    .await;
    let admin = world.admin().await;
    let register = async |login: &str| {
        let body = json!({"login": login, "name": "Rea", "password": PASSWORD});
        answer(world.request(Method::POST, "/api/v1/auth/register").json(&body)).await
    };
    assert_eq!(register("guard").await, register("rea").await, "taken or not, the answer is the same");
    let waiting = async {
        loop {
            let (_, users) = admin.get("/api/v1/users").await;
            let pending = users["items"].as_array().unwrap().iter().find(|user| user["state"] == "pending").cloned();
            if let Some(user) = pending {
                break user;
            }
            tokio::task::yield_now().await;
        }
    };
    let rea = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap();
    assert_eq!(rea["login"], "rea");
    assert_eq!(world.login("rea", PASSWORD).await.status(), 403);
    let path = format!("/api/v1/users/{}/approve", rea["id"].as_str().unwrap());
    assert_eq!(admin.post(&path, json!({"grants": [{"role": "admin"}]})).await.0, 403);
    let (status, approved) = admin.post(&path, json!({"grants": [{"role": "viewer"}]})).await;
    assert_eq!((status, &approved["state"]), (200, &json!("active")), "{approved}");
    assert_eq!(admin.post(&path, json!({"grants": [{"role": "viewer"}]})).await.0, 409);
    assert_eq!(world.signed_in("rea").await.get("/api/v1/events").await.0, 200);
    world.stop().await;
    let closed = World::start().await;
    let body = json!({"login": "x", "password": PASSWORD});
    assert_eq!(answer(closed.request(Method::POST, "/api/v1/auth/register").json(&body)).await.0, 403);
    closed.stop().await;
}
