//! Several servers on one store: one leads, all hear of changes, and all have the same secrets.

use std::sync::Arc;
use std::time::Duration;

use ostiary_server::domain::device_life::{CertificateSerial, DeviceCertificate};
use ostiary_server::domain::replica::{Fence, ReplicaCard, ReplicaId, Topic};
use ostiary_server::ports::replicas::{LEADER, NamedSecret, ReplicaStore, SecretStore};
use ostiary_server::ports::{EventStore, LifeStore, PersonStore};
use ostiary_server::store::sql::SqlStore;
use zeroize::Zeroizing;

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, person, report};

on_both!(
    one_has_the_lease_until_it_ends_or_is_given_back,
    servers_see_each_other_and_who_leads,
    whoever_changes_something_is_heard,
    secrets_are_the_same_for_all_and_sealed,
    many_who_take_the_lease_at_once_are_told_apart,
);

const LONG: Duration = Duration::from_secs(60);

async fn one_has_the_lease_until_it_ends_or_is_given_back(place: Place) {
    let store = place.open().await;
    let (one, other) = (ReplicaId::generate(), ReplicaId::generate());
    let take = async |who, lasts| store.take_lease(LEADER, who, lasts).await.unwrap();
    assert_eq!(take(one, LONG).await, Some(Fence(1)));
    assert_eq!(take(other, LONG).await, None);
    assert_eq!(take(one, LONG).await, Some(Fence(1)), "kept, the same term");
    store.give_back_lease(LEADER, other).await.unwrap();
    assert_eq!(take(other, LONG).await, None, "nobody gives back what another has");
    store.give_back_lease(LEADER, one).await.unwrap();
    assert_eq!(take(other, Duration::ZERO).await, Some(Fence(2)));
    assert_eq!(take(other, Duration::ZERO).await, Some(Fence(3)), "it had ended: a new term, though the same holder");
    assert_eq!(take(one, LONG).await, Some(Fence(4)));
}

async fn servers_see_each_other_and_who_leads(place: Place) {
    let store = place.open().await;
    let card = |name: &str| ReplicaCard {
        id: ReplicaId::generate(),
        name: name.to_owned(),
        version: "1".to_owned(),
        started_at: NOW,
    };
    let (one, other) = (card("one"), card("other"));
    for card in [&one, &other, &one] {
        store.beat(card).await.unwrap();
    }
    store.take_lease(LEADER, other.id, LONG).await.unwrap();
    let seen = store.replicas(LONG).await.unwrap();
    let told: Vec<_> = seen.iter().map(|seen| (seen.card.clone(), seen.leads)).collect();
    assert_eq!(told, [(one.clone(), false), (other.clone(), true)]);
    assert!(seen.iter().all(|seen| seen.ago < LONG));
    store.leave(other.id).await.unwrap();
    assert_eq!(store.replicas(LONG).await.unwrap().len(), 1);
    assert_eq!(store.replicas(Duration::ZERO).await.unwrap(), [], "who was silent for so long is forgotten");
    assert_eq!(store.replicas(LONG).await.unwrap(), []);
}

async fn whoever_changes_something_is_heard(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mut known = here.pulse().await.unwrap();
    let mut check = async |expected: &[Topic]| {
        let now = here.pulse().await.unwrap();
        assert_eq!(now.since(known).collect::<Vec<_>>(), expected);
        known = now;
    };
    check(&[]).await;
    let device = device(&there, "cam").await;
    there.ingest(&batch(device.id, ostiary_common::ids::StreamId::generate(), vec![report(1)])).await.unwrap();
    check(&[Topic::Events]).await;
    let ada = person("Ada");
    there.add_person(&ada).await.unwrap();
    there.remove_person(ada.id, NOW).await.unwrap();
    check(&[Topic::Gallery]).await;
    let serial = CertificateSerial([7; 16]);
    let certificate = DeviceCertificate { serial, device: device.id, issued_at: NOW, ends_at: NOW };
    there.add_certificate(&certificate, 1).await.unwrap();
    check(&[Topic::Certificates]).await;
    there.add_shared_secrets(&[secret("ca", b"key")]).await.unwrap();
    check(&[Topic::Secrets]).await;
}

fn secret(name: &str, bytes: &[u8]) -> NamedSecret {
    (name.to_owned(), Zeroizing::new(bytes.to_vec()))
}

async fn secrets_are_the_same_for_all_and_sealed(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    assert!(here.add_shared_secrets(&[secret("ca", b"mine")]).await.unwrap());
    assert!(!there.add_shared_secrets(&[secret("ca", b"another")]).await.unwrap(), "what is there stays");
    assert_eq!(there.shared_secrets().await.unwrap(), [secret("ca", b"mine")]);
    let leader = ReplicaId::generate();
    let fence = here.take_lease(LEADER, leader, LONG).await.unwrap().unwrap();
    assert!(!there.replace_shared_secret("ca", &secret("ca2", b"new"), Fence(fence.0 - 1)).await.unwrap());
    assert!(there.replace_shared_secret("ca", &secret("ca2", b"new"), fence).await.unwrap());
    assert_eq!(here.shared_secrets().await.unwrap(), [secret("ca2", b"new")]);
    let pool = place.pool().await;
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM shared_secrets").fetch_one(&pool).await.unwrap();
    assert!(!sealed.windows(3).any(|window| window == b"new"));
}

async fn many_who_take_the_lease_at_once_are_told_apart(place: Place) {
    let stores: Vec<Arc<SqlStore>> = vec![Arc::new(place.open().await), Arc::new(place.open().await)];
    let takers = (0..12).map(|number| {
        let store = Arc::clone(&stores[number % 2]);
        tokio::spawn(async move { store.take_lease(LEADER, ReplicaId::generate(), LONG).await.unwrap() })
    });
    let mut leaders = 0;
    for taker in takers.collect::<Vec<_>>() {
        leaders += usize::from(taker.await.unwrap().is_some());
    }
    assert_eq!(leaders, 1);
}
