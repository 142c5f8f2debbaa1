//! Logging in and out, tokens that serve once, and changes that take effect at once.

use ostiary_server::domain::account::LAST_RESORT;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::world::{PASSWORD, World, add_account, answer, slug};

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    answer(world.request(Method::POST, path).json(&body)).await
}

async fn me(world: &World, token: &str) -> u16 {
    answer(world.request(Method::GET, "/api/v1/me").bearer_auth(token)).await.0
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_its_session() {
    let world = World::start().await;
    let first: Value = world.login("admin", PASSWORD).await.json().await.unwrap();
    let refresh = async |token: &Value| post(&world, "/api/v1/auth/refresh", json!({ "refresh_token": token })).await;
    let (status, second) = refresh(&first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(me(&world, access).await, 200);
    let (status, stolen) = refresh(&first["refresh_token"]).await;
    assert_eq!((status, slug(&stolen)), (401, "not-signed-in"), "{stolen}");
    assert_eq!(me(&world, access).await, 401, "the whole family is dead, access tokens too");
    assert_eq!(refresh(&second["refresh_token"]).await.0, 401);
    assert_eq!(refresh(&json!("made up")).await.0, 401);
    let admin = world.admin().await;
    let (_, sessions) = admin.get("/api/v1/me/sessions").await;
    let ended: Vec<&Value> = sessions["items"].as_array().unwrap().iter().map(|one| &one["ended_by"]).collect();
    assert!(ended.contains(&&json!("refresh_token_reused")), "{sessions}");
    world.stop().await;
}

#[tokio::test]
async fn logging_out_ends_tokens_here_or_everywhere() {
    let world = World::start().await;
    let (here, there, third) = (world.admin().await, world.admin().await, world.admin().await);
    let (status, sessions) = here.get("/api/v1/me/sessions").await;
    let items = sessions["items"].as_array().unwrap();
    assert_eq!((status, items.len()), (200, 3));
    assert_eq!(items.iter().filter(|one| one["current"] == true).count(), 1);
    assert_eq!(here.post("/api/v1/auth/logout", json!({})).await.0, 204);
    assert_eq!(me(&world, &here.token).await, 401);
    let other = items.iter().find(|one| one["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
    let alive = if there.delete(&format!("/api/v1/me/sessions/{other}")).await.0 == 204 { &third } else { &there };
    let alive = if me(&world, &alive.token).await == 200 { alive } else { &there };
    assert_eq!(alive.delete(&format!("/api/v1/me/sessions/{other}")).await.0, 404, "it has ended already");
    let last = world.admin().await;
    let (status, ended) = last.post("/api/v1/auth/logout-everywhere", json!({})).await;
    assert_eq!((status, &ended["ended"]), (200, &json!(2)));
    assert_eq!(me(&world, &last.token).await, 401);
    assert_eq!(me(&world, &alive.token).await, 401);
    world.stop().await;
}

#[tokio::test]
async fn changes_of_an_account_hold_with_its_next_request() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    add_account(&world.store, "owner", vec![LAST_RESORT]).await;
    let (owner, guard) = (world.signed_in("owner").await, world.signed_in("guard").await);
    let (_, users) = owner.get("/api/v1/users").await;
    let find = |login: &str| {
        let items = users["items"].as_array().unwrap();
        items.iter().find(|user| user["login"] == login).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let id = find("guard");
    assert_eq!(guard.get("/api/v1/events").await.0, 200);
    let grants = json!({"grants": [{"role": "auditor"}]});
    let put = owner.request(Method::PUT, &format!("/api/v1/users/{id}/grants")).json(&grants);
    let (status, changed) = answer(put).await;
    assert_eq!((status, &changed["grants"]), (200, &grants["grants"]), "{changed}");
    let (_, seen) = guard.get("/api/v1/me").await;
    assert_eq!(seen["grants"], grants["grants"]);
    let stale =
        owner.request(Method::PUT, &format!("/api/v1/users/{id}/grants")).header("if-match", "\"1\"").json(&grants);
    assert_eq!(answer(stale).await.0, 412);

    let (status, _) = owner.post(&format!("/api/v1/users/{id}/shut-out"), json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(guard.get("/api/v1/me").await.0, 401);
    assert_eq!(world.login("guard", PASSWORD).await.status(), 403);
    assert_eq!(world.login("guard", "wrong").await.status(), 401, "only who knows the password is told");
    assert_eq!(owner.post(&format!("/api/v1/users/{id}/let-in"), json!({})).await.0, 200);
    assert_eq!(world.login("guard", PASSWORD).await.status(), 200);

    let own = find("owner");
    let (status, last) = owner.post(&format!("/api/v1/users/{own}/shut-out"), json!({})).await;
    assert_eq!((status, slug(&last)), (409, "wrong-state"), "{last}");
    let (status, gone) = owner.delete(&format!("/api/v1/users/{id}")).await;
    assert_eq!((status, gone), (204, Value::Null));
    assert_eq!(owner.get(&format!("/api/v1/users/{id}")).await.0, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_new_password_ends_other_sessions() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    let (here, there) = (world.signed_in("guard").await, world.signed_in("guard").await);
    let change = async |old: &str, new: &str| {
        here.post("/api/v1/me/password", json!({"password": old, "new_password": new})).await
    };
    let (status, wrong) = change("not this one", "a swan crosses the river").await;
    assert_eq!((status, slug(&wrong)), (422, "invalid-value"), "{wrong}");
    let (status, weak) = change(PASSWORD, "passwordpassword").await;
    assert_eq!((status, slug(&weak)), (422, "weak-password"), "{weak}");
    assert_eq!(change(PASSWORD, "a swan crosses the river").await.0, 204);
    assert_eq!(me(&world, &here.token).await, 200);
    assert_eq!(me(&world, &there.token).await, 401);
    assert_eq!(world.login("guard", PASSWORD).await.status(), 401);
    assert_eq!(world.login("guard", "a swan crosses the river").await.status(), 200);
    world.stop().await;
}

#[tokio::test]
async fn what_an_account_is_called_lies_in_no_file() {
    let world = World::start().await;
    add_account(&world.store, "Rumpelstilzchen", vec![LAST_RESORT]).await;
    let session = world.signed_in("rumpelstilzchen").await;
    let profile = json!({"name": "Rumpel Stilz", "email": "gold@example.org", "password": PASSWORD});
    let (status, set) = answer(session.request(Method::PUT, "/api/v1/me").json(&profile)).await;
    assert_eq!((status, &set["email"]), (200, &json!("gold@example.org")), "{set}");
    let mut looked_at = 0;
    for file in
        std::fs::read_dir(world.dir.path()).unwrap().filter_map(|entry| std::fs::read(entry.unwrap().path()).ok())
    {
        looked_at += file.len();
        for word in ["umpelstilzchen", "Rumpel Stilz", "gold@example.org"] {
            let found = file.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
            assert!(!found, "{word}");
        }
    }
    assert!(looked_at > 100_000, "the database was among them");
    world.stop().await;
}
