//! Verdicts, and what follows from them, over the whole server.

use ostiary_common::ids::{EventId, PersonId, StreamId};
use ostiary_common::wire::{Candidate, OutcomeKind};
use ostiary_server::ports::EventStore;
use serde_json::{Value, json};

use super::world::{World, slug};
use crate::store::sample::{batch, device, visit};

struct Seen {
    matches: Vec<EventId>,
    unknowns: Vec<EventId>,
}

/// Five matches of a person and five strangers who were nearest to the same one, now.
async fn seen(world: &World, who: PersonId) -> Seen {
    let camera = device(&*world.store, "cam").await;
    let now = ostiary_common::time::UnixMillis::from_system_time(std::time::SystemTime::now());
    let mut seen = Seen { matches: Vec::new(), unknowns: Vec::new() };
    let mut events = Vec::new();
    for seq in 1..=10 {
        let is_match = seq <= 5;
        let (outcome, person) = if is_match { (OutcomeKind::Match, Some(who)) } else { (OutcomeKind::Unknown, None) };
        let mut event = visit(seq, outcome, person, None);
        event.time.wall = now;
        if !is_match {
            let template = ostiary_common::ids::TemplateId::generate();
            event.visit.as_mut().unwrap().nearest = Some(Candidate { person: who, template, similarity: 0.9 });
        }
        if is_match {
            seen.matches.push(event.id)
        } else {
            seen.unknowns.push(event.id)
        }
        events.push(event);
    }
    let mut ingest = batch(camera.id, StreamId::generate(), events);
    (ingest.sent_at, ingest.received_at) = (now, now);
    world.store.ingest(&ingest).await.unwrap();
    seen
}

#[tokio::test]
async fn verdicts_make_figures() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let (ada, bob) = (admin.person("Ada").await, admin.person("Bob").await);
    let seen = seen(&world, PersonId(ada.parse().unwrap())).await;
    let path = |event: EventId| format!("/api/v1/events/{}/verdict", event.0);
    let (_, drawn) = guard.get("/api/v1/accuracy/to-judge").await;
    assert_eq!(drawn["items"].as_array().unwrap().len(), 10, "{drawn}");
    for (event, body, expected) in [
        (seen.matches[0], json!({"verdict": "right"}), 201),
        (seen.matches[1], json!({"verdict": "right"}), 201),
        (seen.matches[2], json!({"verdict": "wrong_person"}), 201),
        (seen.matches[3], json!({"verdict": "wrong_person", "person": bob}), 201),
        (seen.unknowns[0], json!({"verdict": "right"}), 201),
        (seen.unknowns[1], json!({"verdict": "known_as", "person": ada}), 201),
        (seen.unknowns[2], json!({"verdict": "not_a_face"}), 201),
        (seen.unknowns[3], json!({"verdict": "known_as"}), 422),
        (seen.unknowns[3], json!({"verdict": "wrong_person"}), 422),
        (seen.matches[4], json!({"verdict": "wrong_person", "person": ada}), 422),
        (seen.matches[4], json!({"verdict": "nonsense"}), 422),
        (seen.unknowns[3], json!({"verdict": "known_as", "person": PersonId::generate()}), 404),
        (EventId::generate(), json!({"verdict": "right"}), 404),
    ] {
        let (status, answer) = guard.post(&path(event), body.clone()).await;
        assert_eq!(status, expected, "{body}: {answer}");
    }
    let (_, figures) = guard.get("/api/v1/accuracy").await;
    let (counts, judged) = (&figures["overall"]["counts"], &figures["overall"]["judged"]);
    assert_eq!(
        (&counts["judged"], &counts["false_matches"], &counts["misidentified"]),
        (&json!(7), &json!(1), &json!(1))
    );
    assert_eq!(
        (judged["fpir"]["value"].as_f64(), judged["fnir"]["value"].as_f64()),
        (Some(0.5), Some(0.5)),
        "{judged}"
    );
    assert!(figures["overall"]["all"]["fpir"]["high"].as_f64().unwrap() <= 1.0);
    assert!(figures["advice"]["summary"].as_str().unwrap().contains("were judged"), "{figures}");
    for (by, parts) in [("door", 1), ("pack", 1), ("month", 1), ("person", 2)] {
        let (_, figures) = guard.get(&format!("/api/v1/accuracy?by={by}")).await;
        assert_eq!(figures["items"].as_array().map(Vec::len), Some(parts), "{by}: {figures}");
    }
    assert_eq!(guard.get("/api/v1/accuracy?by=weather").await.0, 422);
    let (_, curve) = guard.get("/api/v1/accuracy/curve").await;
    assert_eq!((&curve["mated"], &curve["strangers"]), (&json!(4), &json!(2)), "{curve}");

    // Said otherwise, and withdrawn.
    assert_eq!(guard.post(&path(seen.matches[0]), json!({"verdict": "spoof"})).await.0, 201);
    assert_eq!(guard.delete(&path(seen.matches[0])).await.0, 204);
    let (_, said) = guard.get(&path(seen.matches[0])).await;
    assert_eq!((&said["standing"], said["history"].as_array().unwrap().len()), (&Value::Null, 2), "{said}");
    let (_, event) = guard.get(&format!("/api/v1/events/{}", seen.matches[1].0)).await;
    assert_eq!(event["verdict"], "right");
    world.stop().await;
}

#[tokio::test]
async fn persons_are_merged_and_split_and_it_is_undone() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let (ada, again) = (admin.person("Ada").await, admin.person("Ada again").await);
    admin.photo(&ada, super::reader::picture([200, 10, 10])).await;
    admin.photo(&again, super::reader::picture([10, 200, 10])).await;
    let merge = format!("/api/v1/persons/{ada}/merge");
    assert_eq!(guard.post(&merge, json!({"with": again})).await.0, 403);
    assert_eq!(admin.post(&merge, json!({"with": ada})).await.0, 422);
    let (status, change) = admin.post(&merge, json!({"with": again})).await;
    assert_eq!((status, &change["kind"], &change["can_be_undone"]), (201, &json!("merge"), &json!(true)), "{change}");
    assert_eq!(admin.get(&format!("/api/v1/persons/{again}")).await.0, 404);
    assert_eq!(admin.get("/api/v1/persons?name=again").await.1["items"], json!([]), "nor by name");
    let (_, templates) = admin.get(&format!("/api/v1/persons/{ada}/templates")).await;
    assert_eq!(templates["items"].as_array().unwrap().len(), 2);
    let undo = format!("/api/v1/person-changes/{}/undo", change["id"].as_str().unwrap());
    let (status, undone) = admin.post(&undo, json!({})).await;
    assert_eq!((status, &undone["can_be_undone"]), (200, &json!(false)), "{undone}");
    let (status, refused) = admin.post(&undo, json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "wrong-state"));
    assert_eq!(admin.get(&format!("/api/v1/persons/{again}")).await.1["name"], "Ada again");

    let (_, templates) = admin.get(&format!("/api/v1/persons/{ada}/templates")).await;
    let template = &templates["items"][0]["id"];
    let split = format!("/api/v1/persons/{ada}/split");
    let (status, refused) = admin.post(&split, json!({"templates": [template], "name": "Bob"})).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"));
    let body = json!({"templates": [template], "name": "Bob", "consent": true});
    let (status, change) = admin.post(&split, body).await;
    assert_eq!((status, &change["kind"]), (201, &json!("split")), "{change}");
    let (_, history) = guard.get(&format!("/api/v1/persons/{ada}/history?limit=2")).await;
    let actions: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|line| &line["action"]).collect();
    assert_eq!(actions, [&json!("person.split"), &json!("person.undo")], "{history}");
    assert_eq!(history["changes"].as_array().unwrap().len(), 2);
    let next = format!("/api/v1/persons/{ada}/history?limit=2&cursor={}", history["next"].as_str().unwrap());
    assert_eq!(guard.get(&next).await.1["items"][0]["action"], "person.merge");
    world.stop().await;
}
