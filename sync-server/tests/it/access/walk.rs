//! Every operation, called by everybody.

use std::time::{Duration, Instant};

use ostiary_server::http::openapi;
use ostiary_server::ports::LedgerStore;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::callers::{self, Caller};
use super::expected::{Demand, Outcome, outcome};
use super::operations::{About, Body, Call, call, nowhere};
use super::refusals::{Refusals, action, audited};
use super::scene::Scene;
use crate::api::world::World;

/// An operation of the description.
struct Operation {
    id: String,
    method: Method,
    path: String,
    demand: Demand,
}

fn operations() -> Vec<Operation> {
    let description = serde_json::to_value(openapi()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                demand: Demand::of(operation),
            });
        }
    }
    found
}

async fn send(scene: &Scene, caller: &Caller, operation: &Operation, call: Call) -> (u16, Value) {
    let path = filled(&operation.path, call.id);
    let mut request = scene.world.request(operation.method.clone(), &path);
    if let Some(token) = &caller.token {
        request = request.bearer_auth(token);
    }
    let request = match call.body {
        Body::None => request,
        Body::Json(body) => request.json(&body),
        Body::Photo(photo) => request.body(photo),
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    // A stream has no end to be read to.
    let is_stream = answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let mut body = if is_stream { Value::Null } else { answer.json().await.unwrap_or(Value::Null) };
    if let Some(fields) = body.as_object_mut() {
        fields.remove("instance");
    }
    (status, body)
}

/// A path with an id in every place.
fn filled(path: &str, id: Uuid) -> String {
    let id = id.to_string();
    path.split('/').map(|part| if part.starts_with('{') { id.as_str() } else { part }).collect::<Vec<_>>().join("/")
}

/// One operation by one caller: what is expected is what is answered, and what is hidden looks like what is not there.
async fn check(scene: &Scene, caller: &Caller, operation: &Operation, turn: u32) -> u64 {
    let name = format!("{}-{turn}", operation.id);
    let known = |at: &_| call(&operation.id, at, scene.erasure.0, &name).expect("checked before");
    let about = known(&scene.here).about;
    let expected = outcome(operation.demand, about, caller.access.as_ref(), scene);
    if about == About::Elsewhere && expected == Outcome::Done {
        return 0;
    }
    let fresh = expected == Outcome::Done && known(&scene.here).spends;
    let at = if fresh { scene.fresh(&name).await } else { scene.here };
    let asked = known(&at);
    let also = asked.also;
    let (status, body) = send(scene, caller, operation, asked).await;
    let met = match status {
        200..=299 => Some(Outcome::Done),
        other if expected == Outcome::Done && also.contains(&other) => Some(Outcome::Done),
        401 => Some(Outcome::NotSignedIn),
        403 => Some(Outcome::NotAllowed),
        404 => Some(Outcome::Hidden),
        _ => None,
    };
    assert_eq!(met, Some(expected), "{} {} by {}: {status} {body}", operation.method, operation.path, caller.name);
    if expected != Outcome::Hidden {
        return 1;
    }
    let never = send(scene, caller, operation, known(&nowhere())).await;
    assert_eq!((status, body), never, "{} by {}: as if it did not exist", operation.id, caller.name);
    2
}

#[tokio::test]
async fn every_operation_is_for_whom_the_table_says() {
    let world = World::start_with(|config| {
        config.limits.requests_per_second = 100_000;
        config.limits.account_requests_per_second = 100_000;
        config.limits.logins_per_minute = 100_000;
        config.limits.claims_per_minute = 100_000;
        config.limits.renewals_per_minute = 100_000;
        config.limits.photos_per_minute = 100_000;
        config.limits.device_renewals_per_minute = 100_000;
        config.limits.recognize_per_minute = 100_000;
        config.limits.exports_per_hour = 100_000;
    })
    .await;
    let scene = Scene::build(world).await.with_unknown().await;
    let operations = operations();
    let unknown = |operation: &&Operation| call(&operation.id, &scene.here, Uuid::nil(), "").is_none();
    let unknown: Vec<&str> = operations.iter().filter(unknown).map(|operation| operation.id.as_str()).collect();
    assert_eq!(unknown, [""; 0], "operations of the description that `operations.rs` does not know");

    let (mut met, mut turn) = (Refusals::new(), 0);
    for caller in callers::all(&scene).await {
        for operation in &operations {
            turn += 1;
            let times = check(&scene, &caller, operation, turn).await;
            let about = call(&operation.id, &scene.here, Uuid::nil(), "").unwrap().about;
            let expected = outcome(operation.demand, about, caller.access.as_ref(), &scene);
            if let Some(action) = action(expected) {
                *met.entry((caller.actor.clone(), action)).or_default() += times;
            }
        }
    }
    println!("{turn} requests by {} operations", operations.len());
    let store = scene.world.store.clone();
    // What was held back of floods is written when the server stops.
    scene.world.stop_while(wait_audited(&*store, &met)).await;
}

/// Every refusal is audited, at the latest when the server has stopped.
async fn wait_audited(store: &dyn LedgerStore, met: &Refusals) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let found = audited(store).await;
        let has = |(key, times): (&_, &u64)| found.get(key).is_some_and(|written| written >= times);
        if met.iter().all(has) {
            return;
        }
        assert!(Instant::now() < until, "audited: {found:#?}\nmet: {met:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
