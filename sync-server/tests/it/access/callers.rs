//! Everybody who calls: each role, and nobody.

use ostiary_server::domain::access::{Access, Grant, Role, Scope};

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
    let mut callers = vec![nobody()];
    for role in Role::ALL {
        let grants = vec![Grant { role, scope: Scope::Everything }];
        callers.push(signed_in(scene, format!("the-{}", role.as_str()), grants).await);
    }
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
