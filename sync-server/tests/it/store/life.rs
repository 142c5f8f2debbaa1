//! Devices' lives beyond the claim: moves across sites, replacement, certificates, and what of a stream is stored.

use std::time::Duration;

use ostiary_common::ids::{DeviceId, DoorId, SiteId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::DeviceSettings;
use ostiary_server::domain::device::{ClaimCode, Device, DeviceState, Door, Site};
use ostiary_server::domain::device_life::{
    CertificateSerial, DeviceCertificate, DeviceLife, FormerPosting, RevokedCertificate,
};
use ostiary_server::ports::{DeviceStore, EventStore, LifeStore, StoreError};
use ostiary_server::store::sql::SqlStore;

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, report};

on_both!(
    a_device_moves_to_another_site_and_its_old_place_is_remembered,
    a_broken_device_is_replaced_once_and_the_two_name_each_other,
    certificates_are_revoked_when_superseded_and_with_their_device,
    the_highest_number_of_a_stream_counts_holes_too
);

fn later(seconds: u64) -> UnixMillis {
    NOW.plus(Duration::from_secs(seconds))
}

async fn claimed(store: &SqlStore, name: &str) -> Device {
    let made = device(store, name).await;
    let code = ClaimCode { device: made.id, code_hash: name.into(), expires_at: later(60) };
    store.put_claim_code(&code).await.unwrap();
    store.claim(name, "key", NOW).await.unwrap().unwrap()
}

async fn door_elsewhere(store: &SqlStore) -> Door {
    let site = Site { id: SiteId::generate(), name: "elsewhere".into(), created_at: NOW };
    store.add_site(&site).await.unwrap();
    let door = Door { id: DoorId::generate(), site: site.id, name: "gate".into(), created_at: NOW };
    store.add_door(&door).await.unwrap();
    door
}

async fn a_device_moves_to_another_site_and_its_old_place_is_remembered(place: Place) {
    let store = place.open().await;
    let (before, door) = (claimed(&store, "cam").await, door_elsewhere(&store).await);
    assert!(store.move_device(before.id, door.id, later(5)).await.unwrap());
    let after = store.device(before.id).await.unwrap().unwrap();
    assert_eq!((after.site, after.door, after.state), (door.site, door.id, DeviceState::Active));
    assert_eq!(store.life(before.id).await.unwrap().placed_at, Some(later(5)));
    let former = FormerPosting { until: later(5), site: before.site, door: before.door };
    assert_eq!(store.former_postings(before.id).await.unwrap(), [former]);
    assert_eq!(store.departed().await.unwrap(), [before.root()]);
    // To the door it is at already: nothing happens.
    assert!(store.move_device(before.id, door.id, later(9)).await.unwrap());
    assert_eq!(store.former_postings(before.id).await.unwrap().len(), 1);
    assert_eq!(store.life(before.id).await.unwrap().placed_at, Some(later(5)));
    // And back: the old place is its own again, the other one is left.
    assert!(store.move_device(before.id, before.door, later(12)).await.unwrap());
    assert_eq!(store.departed().await.unwrap(), [DeviceRoot { site: door.site, device: before.id }]);
    store.revoke_device(before.id, later(20)).await.unwrap();
    assert!(!store.move_device(before.id, door.id, later(21)).await.unwrap(), "revoked");
    assert_eq!(store.departed().await.unwrap().len(), 2);
}

async fn a_broken_device_is_replaced_once_and_the_two_name_each_other(place: Place) {
    let store = place.open().await;
    let old = claimed(&store, "cam").await;
    let settings = DeviceSettings { min_face_px: Some(70), ..DeviceSettings::default() };
    store.put_config(old.id, &settings).await.unwrap();
    let stored = store.ingest(&batch(old.id, StreamId::generate(), vec![report(1)])).await.unwrap();
    let successor = DeviceId::generate();
    let new = store.replace_device(old.id, successor, later(3)).await.unwrap().unwrap();
    assert_eq!((new.id, new.name.as_str(), new.state), (successor, "cam", DeviceState::Pending));
    assert_eq!((new.site, new.door, new.config.clone(), new.config_version), (old.site, old.door, settings, 1));
    let gone = store.device(old.id).await.unwrap().unwrap();
    assert_eq!(gone.state, DeviceState::Revoked);
    assert!(gone.name.starts_with("cam (replaced "), "{}", gone.name);
    let life = DeviceLife { revoked_at: Some(later(3)), replaced_by: Some(successor), ..DeviceLife::default() };
    assert_eq!(store.life(old.id).await.unwrap(), life);
    assert_eq!(store.lives().await.unwrap()[&successor].replaces, Some(old.id));
    assert_eq!(store.event(stored.stored[0]).await.unwrap().unwrap().device, old.id, "history stays where it was");
    let again = store.replace_device(old.id, DeviceId::generate(), later(4)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))));
    assert!(store.replace_device(DeviceId::generate(), DeviceId::generate(), NOW).await.unwrap().is_none());
    let third = store.replace_device(successor, DeviceId::generate(), later(5)).await.unwrap().unwrap();
    assert_eq!(third.name, "cam");
}

async fn certificates_are_revoked_when_superseded_and_with_their_device(place: Place) {
    let store = place.open().await;
    let device = claimed(&store, "cam").await.id;
    let serial = |n: u8| CertificateSerial([n; 16]);
    let certificate =
        |n: u8| DeviceCertificate { serial: serial(n), device, issued_at: later(n.into()), ends_at: later(1000) };
    let revoked = async |now| {
        let rows = store.revoked_certificates(now).await.unwrap();
        rows.iter().map(|row| (row.serial.0[0], row.at)).collect::<Vec<_>>()
    };
    for n in 1..=3 {
        store.add_certificate(&certificate(n), 1).await.unwrap();
    }
    assert_eq!(revoked(NOW).await, [(1, later(3))], "the last before the newest may still be in use");
    store.add_certificate(&certificate(4), 0).await.unwrap();
    assert_eq!(revoked(NOW).await, [(1, later(3)), (2, later(4)), (3, later(4))]);
    store.revoke_device(device, later(50)).await.unwrap();
    assert_eq!(revoked(NOW).await.len(), 4);
    assert_eq!(
        store.revoked_certificates(NOW).await.unwrap()[3],
        RevokedCertificate { serial: serial(4), at: later(50) }
    );
    assert!(revoked(later(1000)).await.is_empty(), "ended ones need no list");
    let twice = store.add_certificate(&certificate(4), 0).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))));
}

async fn the_highest_number_of_a_stream_counts_holes_too(place: Place) {
    let store = place.open().await;
    let device = claimed(&store, "cam").await;
    let stream = StreamId::generate();
    let sent = batch(device.id, stream, vec![report(1), report(2)]);
    assert_eq!(store.highest_seq(device.id, stream).await.unwrap(), 0);
    store.ingest(&sent).await.unwrap();
    assert_eq!(store.highest_seq(device.id, stream).await.unwrap(), 2);
    store.ingest(&batch(device.id, stream, vec![report(5)])).await.unwrap();
    assert_eq!(store.highest_seq(device.id, stream).await.unwrap(), 5);
    assert_eq!(store.highest_seq(device.id, StreamId::generate()).await.unwrap(), 0);
}
