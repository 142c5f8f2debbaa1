//! What answers to devices cost: `cargo test -p ostiary-server --lib gallery_cost -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, DoorId, PackId, PersonId, SiteId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Angle, Revision};

use super::{SqlStore, StoreUrl};
use crate::domain::device::{Device, Door, Site};
use crate::domain::gallery::WalkQuestion;
use crate::domain::person::{Person, Template};
use crate::ports::{DeviceStore, GalleryStore, PersonStore};
use crate::sealing::MasterKey;

const PERSONS: u32 = 5_000;
const DEVICES: u32 = 1_000;
const PAGE_BYTES: usize = 192 * 1024;
const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn pack() -> PackId {
    PackId::parse("test@1").unwrap()
}

async fn enroll(store: &SqlStore) {
    let person = Person::new(PersonId::generate(), "Someone".into(), NOW, Some(NOW));
    store.add_person(&person).await.unwrap();
    for photo in 0..2 {
        let template = Template {
            id: TemplateId::generate(),
            person: person.id,
            version: 1,
            pack: pack(),
            angle: Angle::Frontal,
            quality: 0.9,
            embedding: vec![0.1; 128],
            source_sha256: [photo; 32],
            created_at: NOW,
        };
        store.add_template(&template).await.unwrap();
    }
}

/// A store with a gallery and devices, filled without waiting for the disk.
async fn filled(path: &std::path::Path) -> (SqlStore, Vec<DeviceId>) {
    let store = SqlStore::open(&StoreUrl::sqlite(path), &MasterKey::from_bytes([7; 32])).await.unwrap();
    sqlx::query("PRAGMA synchronous = OFF").execute(&store.write).await.unwrap();
    let site = Site { id: SiteId::generate(), name: "site".into(), created_at: NOW };
    store.add_site(&site).await.unwrap();
    let door = Door { id: DoorId::generate(), site: site.id, name: "door".into(), created_at: NOW };
    store.add_door(&door).await.unwrap();
    let mut devices = Vec::new();
    for n in 0..DEVICES {
        // Each alone at its door would make the filling slow, and changes nothing of what is measured.
        let device = Device::pending(DeviceId::generate(), format!("cam {n}"), &door, NOW);
        sqlx::query(
            "INSERT INTO devices (id, site, door, name, state, created_at) VALUES ($1, $2, $3, $4, 'active', 0)",
        )
        .bind(device.id.as_bytes().as_slice())
        .bind(site.id.as_bytes().as_slice())
        .bind(door.id.as_bytes().as_slice())
        .bind(&device.name)
        .execute(&store.write)
        .await
        .unwrap();
        devices.push(device.id);
    }
    for _ in 0..PERSONS {
        enroll(&store).await;
    }
    (store, devices)
}

fn question(device: DeviceId, have: Revision, digest: GalleryDigest) -> WalkQuestion {
    WalkQuestion { device, pack: pack(), have, digest, resume: None, most_bytes: PAGE_BYTES, now: NOW }
}

/// What every answer cost before pages and sums: the digest of all templates, then the changes.
async fn digest_of_all(store: &SqlStore) -> Duration {
    let began = Instant::now();
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as("SELECT id, version FROM templates WHERE pack = $1")
        .bind(pack().as_str())
        .fetch_all(&store.read)
        .await
        .unwrap();
    let of = |(id, version): &(Vec<u8>, i64)| (TemplateId(uuid::Uuid::from_slice(id).unwrap()), *version as u32);
    assert_ne!(GalleryDigest::of(rows.iter().map(of)), GalleryDigest::default());
    began.elapsed()
}

#[tokio::test]
#[ignore = "a measurement"]
async fn cost_of_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, devices) = filled(&dir.path().join("t.sqlite")).await;
    let began = Instant::now();
    let held = store.truth(devices[0], &pack()).await.unwrap();
    println!("{PERSONS} persons, {} templates; first sum: {:?}", held.size.templates, began.elapsed());
    println!("the digest summed anew, as before: {:?}", digest_of_all(&store).await);
    enroll(&store).await;
    let began = Instant::now();
    store.walk(&question(devices[0], held.rev, held.digest)).await.unwrap();
    println!("after one enrollment, the first device's answer: {:?}", began.elapsed());
    let (mut now, mut before) = (Duration::ZERO, Duration::ZERO);
    for device in &devices[1..] {
        let began = Instant::now();
        let page = store.walk(&question(*device, held.rev, held.digest)).await.unwrap();
        assert_eq!((page.persons.len(), page.last), (1, true));
        now += began.elapsed();
        let began = Instant::now();
        assert_eq!(store.changes_since(&pack(), held.rev).await.unwrap().1.len(), 1);
        before += began.elapsed();
    }
    println!("each further device's: {:?}; read anew, as before: {:?}", now / (DEVICES - 1), before / (DEVICES - 1));
    let again = Instant::now();
    for device in &devices {
        store.walk(&question(*device, held.rev, held.digest)).await.unwrap();
    }
    println!("the same once more: {:?}", again.elapsed() / DEVICES);
    let (began, mut pages, mut resume) = (Instant::now(), 0, None);
    loop {
        let ask = question(devices[0], Revision(0), GalleryDigest::default());
        let page = store.walk(&WalkQuestion { resume, ..ask }).await.unwrap();
        pages += 1;
        if page.last {
            break;
        }
        let last = page.persons.last().unwrap();
        let after = ostiary_common::wire::GalleryPlace { rev: last.rev, person: last.person };
        resume = Some(ostiary_common::wire::GalleryWalk { after, ..page.walk });
    }
    println!("a snapshot in {pages} pages: {:?} each", began.elapsed() / pages);
    let began = Instant::now();
    let standings = store.standings(&pack()).await.unwrap();
    println!("whom of {} devices a change concerns: {:?}", standings.len(), began.elapsed());
}
