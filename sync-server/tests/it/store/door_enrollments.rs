//! Enrollments at doors: their states, their ends, and that they go with the person.

use std::time::Duration;

use ostiary_common::ids::{DeviceId, EnrollmentId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::enrollment::{DoorEnrollment, DoorState, KEPT};
use ostiary_server::ports::PersonStore;
use ostiary_server::ports::door_enrollment::{EnrollmentStore, StateChange};

use super::place::{Place, on_both};
use super::sample::{NOW, device, person};

on_both!(told: states_change_only_from_those_they_may, they_expire_are_forgotten_and_go_with_the_person);

fn asked(device: DeviceId, person: PersonId, asked_at: UnixMillis) -> DoorEnrollment {
    let not_after = asked_at.plus(Duration::from_secs(20));
    DoorEnrollment {
        id: EnrollmentId::generate(),
        device,
        person,
        asked_by: "user:somebody".into(),
        asked_at,
        not_after,
        ends_by: not_after.plus(Duration::from_secs(75)),
        state: DoorState::Sent,
        detail: String::new(),
        templates: 0,
        changed_at: asked_at,
    }
}

fn change(id: EnrollmentId, from: &'static [DoorState], to: DoorState) -> StateChange {
    let now = NOW.plus(Duration::from_secs(9));
    StateChange { id, from, to, detail: "as it was".into(), templates: 3, now }
}

async fn states_change_only_from_those_they_may(place: Place) {
    let store = place.open().await;
    let (device, ada) = (device(&store, "cam").await.id, person("Ada"));
    store.add_person(&ada).await.unwrap();
    let (first, second) = (asked(device, ada.id, NOW), asked(device, ada.id, NOW.plus(Duration::from_secs(1))));
    for one in [&first, &second] {
        store.add_enrollment(one).await.unwrap();
    }
    assert_eq!(store.enrollment(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.enrollments(device, 9).await.unwrap(), [second.clone(), first.clone()], "the newest first");
    assert_eq!(store.enrollments(device, 1).await.unwrap(), [second]);

    let open = &[DoorState::Sent, DoorState::Running];
    assert!(store.put_enrollment_state(&change(first.id, open, DoorState::Done)).await.unwrap());
    assert!(!store.put_enrollment_state(&change(first.id, open, DoorState::Cancelled)).await.unwrap(), "it is over");
    assert!(!store.put_enrollment_state(&change(EnrollmentId::generate(), open, DoorState::Done)).await.unwrap());
    let done = store.enrollment(first.id).await.unwrap().unwrap();
    assert_eq!((done.state, done.detail.as_str(), done.templates), (DoorState::Done, "as it was", 3));
}

async fn they_expire_are_forgotten_and_go_with_the_person(place: Place) {
    let store = place.open().await;
    let (device, ada, bob) = (device(&store, "cam").await.id, person("Ada"), person("Bob"));
    for who in [&ada, &bob] {
        store.add_person(who).await.unwrap();
    }
    let (one, other) = (asked(device, ada.id, NOW), asked(device, bob.id, NOW.plus(Duration::from_secs(60))));
    for asked in [&one, &other] {
        store.add_enrollment(asked).await.unwrap();
    }
    assert_eq!(store.expire_enrollments(one.ends_by).await.unwrap(), []);
    assert_eq!(store.expire_enrollments(one.ends_by.plus(Duration::from_millis(1))).await.unwrap(), [one.id]);
    assert_eq!(store.enrollment(one.id).await.unwrap().unwrap().state, DoorState::Expired);
    store.remove_person(bob.id, NOW).await.unwrap();
    assert_eq!(store.enrollment(other.id).await.unwrap(), None, "nothing of Bob is left");
    let later = asked(device, ada.id, NOW.plus(KEPT + Duration::from_secs(1)));
    store.add_enrollment(&later).await.unwrap();
    assert_eq!(store.enrollments(device, 9).await.unwrap(), [later], "what was long before is forgotten");
}
