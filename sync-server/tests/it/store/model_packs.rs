//! Packs in the store: archives in pieces, templates beside those in force, and what devices are told.

use ostiary_common::ids::{DeviceId, PackId, TemplateId};
use ostiary_common::wire::PackOrder;
use ostiary_models::face_crop::FaceCrop;
use ostiary_server::domain::device::Device;
use ostiary_server::domain::model_pack::{CropPlace, ModelPack, PackFile, PackRefusal, PackState, Rollout};
use ostiary_server::domain::person::Template;
use ostiary_server::ports::face_crops::FaceCropStore;
use ostiary_server::ports::model_packs::{ModelPackStore, PackCoverage};
use ostiary_server::ports::templates::TemplateStore;
use ostiary_server::ports::{DeviceStore, GalleryStore, PersonStore, StoreError};
use ostiary_server::store::sql::SqlStore;

use super::consent::note;
use super::place::{Place, on_both};
use super::sample::{NOW, device, pack, person, template};

on_both!(
    archives_are_kept_in_pieces,
    templates_come_beside_those_in_force_and_are_told_of_once_they_are_served,
    devices_are_told_what_to_run_and_what_to_hold
);

const ANY: [PackState; 6] = PackState::ALL;

fn second() -> PackId {
    PackId::parse("second@1").unwrap()
}

fn new_pack(id: &PackId, size: usize) -> (ModelPack, Vec<u8>) {
    let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
    let file = PackFile { sha256: [7; 32], size_bytes: size as u64, key_pem: "key".into() };
    let pack = ModelPack {
        id: id.clone(),
        state: PackState::Installed,
        manifest: "format = 1".into(),
        archive: Some(file),
        job: None,
        report: None,
        installed_at: NOW,
        changed_at: NOW,
    };
    (pack, bytes)
}

async fn installed(store: &SqlStore, size: usize) -> ModelPack {
    store.note_own_pack(&pack(), "own", NOW).await.unwrap();
    let (pack, bytes) = new_pack(&second(), size);
    store.add_model_pack(&pack, &bytes, &note()).await.unwrap();
    pack
}

async fn put_state(store: &SqlStore, to: PackState) {
    assert!(store.put_pack_state(&second(), &ANY, to, None, NOW).await.unwrap());
}

async fn archives_are_kept_in_pieces(place: Place) {
    let store = place.open().await;
    let size = (5 << 20) / 2;
    let pack = installed(&store, size).await;
    assert_eq!(store.model_pack(&second()).await.unwrap(), Some(pack.clone()));
    let (same, bytes) = new_pack(&second(), size);
    assert!(matches!(store.add_model_pack(&same, &bytes, &note()).await, Err(StoreError::Conflict(_))));
    let read = async |from: usize, most| store.pack_bytes(&second(), from as u64, most).await.unwrap().unwrap();
    assert_eq!(read(0, usize::MAX / 2).await, bytes);
    for (from, most) in [(0, 10), ((1 << 20) - 5, 10), ((1 << 20) - 5, 2 << 20), (size - 3, 10), (size, 10)] {
        assert_eq!(read(from, most).await, bytes[from..size.min(from + most)], "{from} {most}");
    }
    assert!(store.pack_bytes(&super::sample::pack(), 0, 9).await.unwrap().is_none(), "every device has it");
    store.remove_model_pack(&second(), NOW, &note()).await.unwrap();
    assert!(store.pack_bytes(&second(), 0, 9).await.unwrap().is_none());
}

async fn templates_come_beside_those_in_force_and_are_told_of_once_they_are_served(place: Place) {
    let store = place.open().await;
    installed(&store, 10).await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    let crop = FaceCrop::kept(b"a picture".to_vec()).unwrap();
    let photos: Vec<Template> = (1..=3).map(|photo| template(ada.id, photo)).collect();
    for photo in &photos {
        store.put_template(photo, Some(&crop), &[]).await.unwrap();
    }
    let before = store.revision().await.unwrap();
    let waiting = store.pack_waiting(&second(), None, 9).await.unwrap();
    assert_eq!(waiting.len(), 3);
    assert_eq!(store.pack_waiting(&second(), Some(waiting[0]), 1).await.unwrap(), [waiting[1]]);
    assert!(store.pack_waiting(&pack(), None, 9).await.unwrap().is_empty(), "enrollment made them");
    let of = |place: &CropPlace| Template {
        id: TemplateId::generate(),
        pack: second(),
        source_sha256: place.source_sha256,
        ..photos[0].clone()
    };
    assert_eq!(store.add_shadow_template(&of(&waiting[0])).await.unwrap(), None);
    assert_eq!(store.add_shadow_template(&of(&waiting[0])).await.unwrap(), None, "once");
    let refusal = PackRefusal { place: waiting[1], reason: "no-face".into(), at: NOW };
    store.refuse_shadow(&second(), &refusal).await.unwrap();
    assert_eq!(store.pack_refusals(&second(), None, 9).await.unwrap(), [refusal]);
    assert_eq!(store.revision().await.unwrap(), before, "no door has anything to do with it yet");
    let coverage = PackCoverage { templates: 1, persons: 1, waiting: 1, refused: 1, missing: 0 };
    assert_eq!(store.pack_coverage(&second()).await.unwrap(), coverage);
    assert_eq!(store.embedded_twice(&pack(), &second(), 9).await.unwrap().len(), 1);
    let bob = person("Bob");
    store.add_person(&bob).await.unwrap();
    store.put_template(&template(bob.id, 9), None, &[]).await.unwrap();
    assert_eq!(store.pack_missing(&second(), None, 9).await.unwrap(), [bob.id]);

    put_state(&store, PackState::Staged).await;
    assert!(store.add_shadow_template(&of(&waiting[2])).await.unwrap().is_some(), "devices are given it");
    assert_eq!(store.truth_of_all(&second()).await.unwrap().size.templates, 2);
    // Whoever removes a photo removes what every pack made of it, and what was said of it.
    store.remove_template(photos[0].id).await.unwrap().unwrap();
    store.remove_face_crops(9).await.unwrap();
    assert!(store.pack_refusals(&second(), None, 9).await.unwrap().is_empty());
    put_state(&store, PackState::Retired).await;
    assert!(store.remove_model_pack(&second(), NOW, &note()).await.unwrap().is_some());
    assert_eq!(store.truth_of_all(&second()).await.unwrap().size.templates, 0);
}

async fn order(store: &SqlStore, id: DeviceId) -> (u64, Option<(PackId, bool, Option<PackId>)>) {
    let device: Device = store.device(id).await.unwrap().unwrap();
    let told = |order: PackOrder| (order.run, order.archive.is_some(), order.hold);
    (device.config_version, device.pack.map(told))
}

async fn devices_are_told_what_to_run_and_what_to_hold(place: Place) {
    let store = place.open().await;
    installed(&store, 10).await;
    let (front, back) = (device(&store, "front").await, device(&store, "back").await);
    let roll = async |id: &PackId, rollout: Rollout| {
        let mut told = store.put_rollout(id, &ANY, &rollout, NOW, &note()).await.unwrap()?;
        told.sort();
        Some(told)
    };
    let both = {
        let mut both = vec![front.id, back.id];
        both.sort();
        both
    };
    assert_eq!(roll(&second(), Rollout::Everywhere).await, None, "no templates yet");
    assert_eq!(order(&store, front.id).await, (0, None));
    put_state(&store, PackState::Comparing).await;

    assert_eq!(roll(&second(), Rollout::Doors(vec![front.door])).await, Some(vec![front.id]));
    assert_eq!(order(&store, front.id).await, (1, Some((second(), true, Some(pack())))));
    assert_eq!(order(&store, back.id).await, (0, None));
    assert_eq!(roll(&second(), Rollout::Nowhere).await, Some(vec![front.id]));
    assert_eq!(order(&store, front.id).await, (2, None), "its own again");
    assert_eq!(roll(&second(), Rollout::Sites(vec![back.site])).await, Some(vec![back.id]));

    assert_eq!(
        roll(&second(), Rollout::Everywhere).await,
        Some(vec![front.id]),
        "the other is told the same as before"
    );
    for id in [front.id, back.id] {
        assert_eq!(order(&store, id).await.1, Some((second(), true, Some(pack()))));
    }
    let late = device(&store, "late").await;
    assert_eq!(order(&store, late.id).await.1, Some((second(), true, None)), "what is in force");
    let state = async |id: &PackId| store.model_pack(id).await.unwrap().unwrap().state;
    assert_eq!((state(&second()).await, state(&pack()).await), (PackState::Active, PackState::Retired));
    store.note_own_pack(&pack(), "own", NOW).await.unwrap();
    assert_eq!(state(&second()).await, PackState::Active, "a start of the server changes nothing");

    let told = roll(&pack(), Rollout::Everywhere).await.unwrap();
    assert!(both.iter().all(|id| told.contains(id)));
    assert_eq!(order(&store, front.id).await.1, Some((pack(), false, Some(second()))));
    store.remove_model_pack(&second(), NOW, &note()).await.unwrap();
    assert_eq!(order(&store, front.id).await.1, None);

    // Whoever puts another pack into the configuration means it.
    let third = PackId::parse("third@1").unwrap();
    store.note_own_pack(&third, "own", NOW).await.unwrap();
    assert_eq!((state(&third).await, state(&pack()).await), (PackState::Active, PackState::Retired));
}
