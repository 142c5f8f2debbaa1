//! What an answer must be, by the description, the table and where things are; nothing of the handlers.

use ostiary_server::domain::access::{Access, Permission, Reach};
use serde_json::Value;

use super::operations::About;
use super::scene::Scene;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// 401.
    NotSignedIn,
    /// 403.
    NotAllowed,
    /// 404, as if it were not there.
    Hidden,
}

/// What the description says an operation demands.
#[derive(Clone, Copy, Debug)]
pub enum Demand {
    Nothing,
    SignedIn,
    Within(Permission),
    Throughout(Permission),
}

impl Demand {
    /// Reads it from an operation of the description.
    pub fn of(operation: &Value) -> Self {
        if operation["x-public"] == true || operation["x-device"] == true {
            return Self::Nothing;
        }
        let said = &operation["x-permission"];
        let permission = || Permission::parse(said["name"].as_str().unwrap()).unwrap();
        match said["over"].as_str() {
            Some("self") => Self::SignedIn,
            Some("reach") => Self::Within(permission()),
            Some("everything") => Self::Throughout(permission()),
            _ => panic!("{} does not say what it demands", operation["operationId"]),
        }
    }
}

/// What becomes of an operation on something of the scene's first spot.
pub fn outcome(demand: Demand, about: About, access: Option<&Access>, scene: &Scene) -> Outcome {
    let (access, permission, all) = match (demand, access) {
        (Demand::Nothing, _) | (Demand::SignedIn, Some(_)) => return Outcome::Done,
        (_, None) => return Outcome::NotSignedIn,
        (Demand::Within(permission), Some(access)) => (access, permission, false),
        (Demand::Throughout(permission), Some(access)) => (access, permission, true),
    };
    let reach = access.reach(permission);
    if reach.is_nothing() || (all && !reach.is_everything()) {
        return Outcome::NotAllowed;
    }
    at(about, &reach, scene)
}

fn at(about: About, reach: &Reach, scene: &Scene) -> Outcome {
    let (whole, part) = (reach.covers_site(scene.here.site), reach.covers(scene.here.site, scene.here.door));
    let done = match about {
        About::Nothing | About::Elsewhere => true,
        About::Site => whole,
        About::SomeOfSite => part || reach.covers(scene.here.site, scene.beside),
        About::Door => part,
        About::Everything => reach.is_everything(),
        About::Own if part && !whole => return Outcome::NotAllowed,
        About::Own => whole,
    };
    if done { Outcome::Done } else { Outcome::Hidden }
}
