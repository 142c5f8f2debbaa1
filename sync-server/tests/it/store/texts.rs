//! Texts that devices and strangers send, on both databases.

use ostiary_server::domain::audit::{AuditEntry, AuditResult};
use ostiary_server::ports::{AuditStore, DeviceStore};

use super::place::{Place, on_both};
use super::sample::{NOW, device};

on_both!(a_nul_in_a_text_is_no_reason_to_refuse_it);

async fn a_nul_in_a_text_is_no_reason_to_refuse_it(place: Place) {
    let store = place.open().await;
    let device = device(&store, "cam").await;
    store.put_presence(device.id, "online", 1, "1.0\0beta", NOW).await.unwrap();
    let seen = store.device(device.id).await.unwrap().unwrap();
    assert_eq!(seen.presence.version, "1.0\u{FFFD}beta");
    let entry = AuditEntry {
        at: NOW,
        actor: "anonymous".into(),
        action: "mqtt.connect".into(),
        target: "client:\0".into(),
        source: "10.0.0.1:2".into(),
        result: AuditResult::Refused,
        detail: "a\0b".into(),
    };
    store.audit(&entry).await.unwrap();
}
