//! The whole installation into one file, and from there into either database.

use std::path::PathBuf;

use ostiary_server::app::{SystemClock, backup, open_store};
use ostiary_server::backup::{Openers, Recipients, keys};
use ostiary_server::config::Config;
use ostiary_server::ports::{GalleryStore, PersonStore};
use ostiary_server::sealing::MasterKey;

use super::place::{Place, on_both};
use super::sample::{batch, device, pack, person, report, template, visit};
use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::ports::EventStore;

on_both!(a_backup_comes_back_in_the_other_database, what_was_altered_or_is_a_strangers_is_refused);

/// An installation at a place, with a data directory of its own.
fn config(place: &Place, folder: &str) -> Config {
    let mut config = Config::default();
    config.server.data_dir = place.folder().join(folder);
    config.store.url = place.text().to_owned();
    config
}

async fn filled(config: &Config) -> PathBuf {
    std::fs::create_dir_all(&config.server.data_dir).unwrap();
    let store = open_store(config).await.unwrap();
    let device = device(&store, "cam").await;
    let (ada, bob) = (person("Ada"), person("Bob"));
    for person in [&ada, &bob] {
        store.add_person(person).await.unwrap();
    }
    for photo in 1..=3 {
        store.add_template(&template(ada.id, photo)).await.unwrap();
    }
    store.remove_person(bob.id, super::sample::NOW).await.unwrap();
    let events = vec![visit(1, OutcomeKind::Match, Some(ada.id), Some(b"\xFF\xD8\xFF")), report(2), report(3)];
    store.ingest(&batch(device.id, StreamId::generate(), events)).await.unwrap();
    store.close().await;
    config.server.data_dir.join("backup.key")
}

async fn a_backup_comes_back_in_the_other_database(from: Place) {
    let config_from = config(&from, "one");
    let secret = filled(&config_from).await;
    let public = keys::make(&secret).unwrap();
    let file = from.folder().join("all.backup");
    let store = open_store(&config_from).await.unwrap();
    let truth = store.truth_of_all(&pack()).await.unwrap();
    let made = backup::create(&config_from, &store, &SystemClock, &file, Recipients::keys(&[public]).unwrap());
    let made = made.await.unwrap();
    let events = store.events(&EventFilter::default(), Page::Before(None), 9).await.unwrap();
    store.close().await;
    assert_eq!(made.manifest.packs, ["test@1"]);
    let signer = made.manifest.signer();
    assert_eq!(backup::signers(&config_from.server.data_dir, &SystemClock).unwrap(), std::slice::from_ref(&signer));

    for to in [Place::sqlite(), Place::postgres().await] {
        let config_to = config(&to, "other");
        let openers = || Openers::file(&secret).unwrap();
        let opened = backup::check(&config_to, &file, std::slice::from_ref(&signer)).await.unwrap();
        backup::restore(&config_to, opened.clone(), openers(), true).await.unwrap();
        assert!(!config_to.server.data_dir.exists(), "a dry run writes nothing");
        let restored = backup::restore(&config_to, opened, openers(), false).await.unwrap();
        assert_eq!(restored.tables.len(), made.manifest.tables.len());
        let store = open_store(&config_to).await.unwrap();
        let back = store.truth_of_all(&pack()).await.unwrap();
        assert_eq!((back.digest, back.size, back.rev), (truth.digest, truth.size, truth.rev));
        let there = store.events(&EventFilter::default(), Page::Before(None), 9).await.unwrap();
        let cursors = |events: &[ostiary_server::domain::event::StoredEvent]| {
            events.iter().map(|event| (event.cursor, event.record.id, event.person_name.clone())).collect::<Vec<_>>()
        };
        assert_eq!(cursors(&there), cursors(&events), "names are opened by the keys that came with it");
        // Numbers go on where they stopped.
        let device = device(&store, "another").await;
        store.ingest(&batch(device.id, StreamId::generate(), vec![report(1)])).await.unwrap();
        assert_eq!(store.newest_cursor().await.unwrap(), events[0].cursor + 1);
        store.close().await;
        let again = backup::check(&config_to, &file, std::slice::from_ref(&signer)).await.unwrap_err();
        assert!(again.to_string().contains("in use"), "{again}");
    }
}

async fn what_was_altered_or_is_a_strangers_is_refused(from: Place) {
    let config_from = config(&from, "one");
    let secret = filled(&config_from).await;
    let public = keys::make(&secret).unwrap();
    let file = from.folder().join("all.backup");
    let store = open_store(&config_from).await.unwrap();
    let recipients = Recipients::keys(&[public]).unwrap();
    let made = backup::create(&config_from, &store, &SystemClock, &file, recipients).await.unwrap();
    store.close().await;
    let whole = std::fs::read(&file).unwrap();
    let target = from.another().await;
    let config_to = config(&target, "other");
    let signer = [made.manifest.signer()];
    let refused = async |bytes: Vec<u8>, signers: &[String]| {
        let path = target.folder().join("altered.backup");
        std::fs::write(&path, bytes).unwrap();
        backup::check(&config_to, &path, signers).await.unwrap_err().to_string()
    };
    for at in [0, 20, 200, whole.len() / 2, whole.len() - 300, whole.len() - 17, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        let why = refused(altered, &signer).await;
        assert!(why.contains("no backup, or not as it was written"), "byte {at}: {why}");
    }
    for cut in [0, 10, 1000, whole.len() - 1] {
        assert!(refused(whole[..cut].to_vec(), &signer).await.contains("no backup"), "cut at {cut}");
    }
    let why = refused(whole.clone(), &[]).await;
    assert!(why.contains("--signer") && why.contains(&signer[0]), "{why}");

    let opened = backup::check(&config_to, &file, &signer).await.unwrap();
    let other = target.folder().join("other.key");
    keys::make(&other).unwrap();
    let locked = backup::restore(&config_to, opened, Openers::file(&other).unwrap(), true).await;
    assert!(locked.is_err_and(|error| error.to_string().contains("cannot be opened")));
    let master = config_from.server.data_dir.join("master.key");
    let key = std::fs::read_to_string(&master).unwrap();
    assert!(MasterKey::read(&master, true).unwrap().is_some());
    assert!(!whole.windows(32).any(|bytes| key.as_bytes().windows(32).any(|part| part == bytes)), "keys lie sealed");
}
