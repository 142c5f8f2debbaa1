//! What lists and the live feed show of two sites, to everybody.

use std::collections::BTreeSet;

use ostiary_common::ids::{DoorId, SiteId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::{Permission, Reach};
use ostiary_server::ports::EventStore;
use serde_json::Value;
use uuid::Uuid;

use super::callers::{self, Caller};
use super::scene::{Scene, Spot};
use crate::api::events::{next_json, watch};
use crate::api::world::{Session, World};
use crate::store::sample::{batch, visit};

/// A list, what it needs, and what it shows of a reach.
struct List {
    path: &'static str,
    needs: Permission,
    shows: fn(&Scene, &Reach) -> Vec<Uuid>,
}

const LISTS: [List; 6] = [
    List { path: "/api/v1/sites?", needs: Permission::DoorsRead, shows: sites },
    List { path: "/api/v1/doors?", needs: Permission::DoorsRead, shows: doors },
    List {
        path: "/api/v1/devices?",
        needs: Permission::DevicesRead,
        shows: |scene, reach| of(scene, reach, |spot| spot.device.0),
    },
    List {
        path: "/api/v1/groups?",
        needs: Permission::PersonsRead,
        shows: |scene, reach| of(scene, reach, |spot| spot.group.0),
    },
    List {
        path: "/api/v1/persons?limit=1",
        needs: Permission::PersonsRead,
        shows: |scene, reach| of(scene, reach, |spot| spot.person.0),
    },
    List {
        path: "/api/v1/events?limit=1",
        needs: Permission::EventsRead,
        shows: |scene, reach| of(scene, reach, |spot| spot.event.0),
    },
];

fn places(scene: &Scene) -> [(SiteId, DoorId); 3] {
    let Scene { here, there, beside, .. } = scene;
    [(here.site, here.door), (here.site, *beside), (there.site, there.door)]
}

fn sites(scene: &Scene, reach: &Reach) -> Vec<Uuid> {
    let seen = places(scene).into_iter().filter(|(site, door)| reach.covers(*site, *door));
    seen.map(|(site, _)| site.0).collect()
}

fn doors(scene: &Scene, reach: &Reach) -> Vec<Uuid> {
    let seen = places(scene).into_iter().filter(|(site, door)| reach.covers(*site, *door));
    seen.map(|(_, door)| door.0).collect()
}

/// One of everything is at the first door of each site.
fn of(scene: &Scene, reach: &Reach, what: fn(&Spot) -> Uuid) -> Vec<Uuid> {
    let spots = [&scene.here, &scene.there].into_iter();
    spots.filter(|spot| reach.covers(spot.site, spot.door)).map(what).collect()
}

/// All ids of a list, page by page.
async fn ids(session: &Session<'_>, path: &str) -> (u16, BTreeSet<Uuid>) {
    let (mut found, mut next) = (BTreeSet::new(), String::new());
    loop {
        let (status, page) = session.get(&format!("{path}{next}")).await;
        let Some(items) = page["items"].as_array() else { return (status, found) };
        found.extend(items.iter().map(|item| item["id"].as_str().unwrap().parse::<Uuid>().unwrap()));
        next = match &page["next"] {
            Value::Null => return (status, found),
            Value::String(id) if id.parse::<Uuid>().is_ok() => format!("&after={id}"),
            Value::String(cursor) => format!("&cursor={cursor}"),
            other => panic!("{path} goes on with {other}"),
        };
    }
}

async fn check(scene: &Scene, caller: &Caller) {
    let (Some(access), Some(token)) = (&caller.access, caller.token.clone()) else { return };
    let session = Session { world: &scene.world, token };
    for list in LISTS {
        let reach = access.reach(list.needs);
        let (status, found) = ids(&session, list.path).await;
        let expected = if reach.is_nothing() { 403 } else { 200 };
        let shown: BTreeSet<Uuid> = (list.shows)(scene, &reach).into_iter().collect();
        assert_eq!((status, found), (expected, shown), "{} by {}", list.path, caller.name);
    }
    let reach = access.reach(Permission::EventsRead);
    for spot in [&scene.here, &scene.there] {
        let seen = reach.covers(spot.site, spot.door);
        for filter in
            [format!("person={}", spot.person), format!("door={}", spot.door), format!("device={}", spot.device)]
        {
            let (_, found) = ids(&session, &format!("/api/v1/events?{filter}")).await;
            assert_eq!(found.contains(&spot.event.0), seen, "{filter} by {}", caller.name);
            assert_eq!(found.len(), usize::from(seen), "{filter} by {}", caller.name);
        }
    }
}

#[tokio::test]
async fn lists_show_what_lies_within_reach() {
    let scene = Scene::build(World::start_with(|config| config.limits.logins_per_minute = 1000).await).await;
    for caller in callers::all(&scene).await {
        check(&scene, &caller).await;
    }
    scene.world.stop().await;
}

#[tokio::test]
async fn the_live_feed_tells_of_one_door_only() {
    let scene = Scene::build(World::start().await).await;
    let guard = callers::operator(&scene, "guard-here", scene.here.door).await;
    let session = Session { world: &scene.world, token: guard.token.unwrap() };
    let mut feed = watch(&session, "?after=0").await;
    assert_eq!(next_json(&mut feed).await["id"], scene.here.event.0.to_string());
    let mut newest = None;
    for (seq, spot) in [(2, &scene.there), (2, &scene.here)] {
        let event = visit(seq, OutcomeKind::Unknown, None, None);
        newest = Some(event.id);
        scene.world.store.ingest(&batch(spot.device, StreamId::generate(), vec![event])).await.unwrap();
        scene.world.committed().await;
    }
    assert_eq!(
        next_json(&mut feed).await["id"],
        newest.unwrap().0.to_string(),
        "the one at the other site is not told"
    );
    drop(feed);
    scene.world.stop().await;
}
