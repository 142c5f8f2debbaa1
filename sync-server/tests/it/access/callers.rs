//! Everybody who calls: each role over everything, over sites and doors that are the target's and that are not, an
//! account that may nothing, programs with keys of services, and nobody.

use ostiary_common::ids::DoorId;
use ostiary_server::domain::access::{Access, Grant, Permission, Role, Scope};
use serde_json::{Value, json};

use super::scene::Scene;
use crate::api::world::{PASSWORD, add_account};

/// Somebody who calls.
pub struct Caller {
    /// As messages name them.
    pub name: String,
    /// What they may; `None` of nobody.
    pub access: Option<Access>,
    /// What they send.
    pub token: Option<String>,
    /// As the audit log names them.
    pub actor: String,
}

/// All of them.
pub async fn all(scene: &Scene) -> Vec<Caller> {
    let scopes = [
        ("everything", Scope::Everything),
        ("the-site", Scope::Site(scene.here.site)),
        ("another-site", Scope::Site(scene.there.site)),
        ("the-door", Scope::Door(scene.here.door)),
        ("the-door-beside", Scope::Door(scene.beside)),
        ("another-door", Scope::Door(scene.there.door)),
    ];
    let mut callers = vec![nobody(), signed_in(scene, "may-nothing".into(), Vec::new()).await];
    for role in Role::ALL {
        for (place, scope) in scopes {
            let name = format!("{}-over-{place}", role.as_str());
            callers.push(signed_in(scene, name, vec![Grant { role, scope }]).await);
        }
    }
    let grants = [(Role::Viewer, Scope::Site(scene.here.site)), (Role::Admin, Scope::Door(scene.there.door))];
    let mixed = grants.map(|(role, scope)| Grant { role, scope }).to_vec();
    callers.push(signed_in(scene, "viewer-here-and-admin-there".into(), mixed).await);
    let [everything, site, door] = [scopes[0].1, scopes[1].1, scopes[3].1];
    callers.push(service(scene, "service-operator-over-everything", (Role::Operator, everything), None).await);
    callers.push(service(scene, "service-operator-over-the-door", (Role::Operator, door), None).await);
    // A key may less than its service.
    let few = [Permission::EventsRead, Permission::PersonsRead];
    callers.push(service(scene, "service-operator-who-reads-at-the-site", (Role::Operator, site), Some(&few)).await);
    callers
}

fn nobody() -> Caller {
    Caller { name: "nobody".into(), access: None, token: None, actor: "anonymous".into() }
}

async fn signed_in(scene: &Scene, name: String, grants: Vec<Grant>) -> Caller {
    let id = add_account(&scene.world.store, &name, grants.clone()).await;
    let answer = scene.world.login(&name, PASSWORD).await.json::<serde_json::Value>().await.unwrap();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{name} cannot log in: {answer}")).to_owned();
    Caller { name, access: Some(Access::new(grants)), token: Some(token), actor: format!("user:{id}") }
}

/// A program with a key of its service, made as people make them.
async fn service(scene: &Scene, name: &str, (role, scope): (Role, Scope), few: Option<&[Permission]>) -> Caller {
    let admin = scene.world.admin().await;
    let grant = match scope {
        Scope::Everything => json!({"role": role.as_str()}),
        Scope::Site(site) => json!({"role": role.as_str(), "site": site}),
        Scope::Door(door) => json!({"role": role.as_str(), "door": door}),
    };
    let (_, made) = admin.post("/api/v1/service-accounts", json!({"name": name, "grants": [grant]})).await;
    let id = made["id"].as_str().unwrap_or_else(|| panic!("{name} cannot be made: {made}"));
    let mut wanted = json!({"name": "walk", "days": 1});
    if let Some(few) = few {
        wanted["permissions"] = few.iter().map(|one| one.as_str()).collect();
    }
    let (_, key): (u16, Value) = admin.post(&format!("/api/v1/service-accounts/{id}/keys"), wanted).await;
    let token = key["key"].as_str().unwrap_or_else(|| panic!("{name} gets no key: {key}")).to_owned();
    let access = Access::new(vec![Grant { role, scope }]);
    let access = match few {
        Some(few) => access.limited_to(few),
        None => access,
    };
    Caller { name: name.into(), access: Some(access), token: Some(token), actor: format!("service:{id}") }
}

/// An operator of one door.
pub async fn operator(scene: &Scene, name: &str, door: DoorId) -> Caller {
    signed_in(scene, name.into(), vec![Grant { role: Role::Operator, scope: Scope::Door(door) }]).await
}
