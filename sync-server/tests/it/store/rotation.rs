//! The master key is changed while servers work, and may be cut off at any step.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::account::{Kind, LAST_RESORT, Login, NewAccount};
use ostiary_server::keyring::KeyFile;
use ostiary_server::ports::accounts::AccountStore;
use ostiary_server::ports::rotation::{KeyRotationStore, MasterKeySource};
use ostiary_server::ports::{Clock, GalleryKeyStore, PersonStore, StoreError};
use ostiary_server::rotation::{KeyChange, KeyKeeper, Step};
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::{Engine, SqlStore};
use tempfile::TempDir;
use uuid::Uuid;

use super::place::{Place, on_both};
use super::sample::{NOW, device, person, template};

on_both!(a_change_cut_off_at_any_step_goes_on, a_server_that_lacks_the_key_is_waited_for, every_wrapped_key_is_known);

const PERSONS: usize = 5;
/// Fewer than there are persons, so that a table takes several turns.
const AT_ONCE: u32 = 2;

struct At(UnixMillis);

impl Clock for At {
    fn now(&self) -> UnixMillis {
        self.0
    }
}

struct Scene {
    place: Place,
    dir: TempDir,
    first: MasterKey,
    persons: Vec<PersonId>,
}

impl Scene {
    async fn new(place: Place) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let first = KeyFile::own(dir.path().join("master.key")).create().await.unwrap();
        let scene = Self { place, dir, first, persons: Vec::new() };
        let store = scene.open().await;
        let mut persons = Vec::new();
        for number in 0..PERSONS {
            let someone = person(&format!("Person {number}"));
            store.add_person(&someone).await.unwrap();
            persons.push(someone.id);
        }
        store.add_template(&template(persons[0], 3)).await.unwrap();
        let cam = device(&*store, "cam").await;
        store.give_gallery_key(cam.id).await.unwrap();
        let login = Login::parse("ada").unwrap();
        store.add_account(&NewAccount::person(login, "hash".into(), vec![LAST_RESORT], NOW)).await.unwrap();
        store.close().await;
        Self { persons, ..scene }
    }

    fn source(&self) -> Arc<KeyFile> {
        Arc::new(KeyFile::own(self.dir.path().join("master.key")))
    }

    /// As a server or command that starts now opens it.
    async fn open(&self) -> Arc<SqlStore> {
        let held = self.source().read().await.unwrap().unwrap();
        Arc::new(SqlStore::open(&self.place.url, &held.all()).await.unwrap())
    }

    fn change(&self, store: &Arc<SqlStore>) -> KeyChange {
        KeyChange::new(store.clone(), self.source(), Arc::new(At(NOW))).at_once(AT_ONCE)
    }

    fn keeper(&self, store: &Arc<SqlStore>) -> KeyKeeper {
        let holder = Uuid::from_bytes([1; 16]);
        KeyKeeper { store: store.clone(), source: self.source(), clock: Arc::new(At(NOW)), holder }
    }

    /// Everything can be read, and somebody new is taken in.
    async fn works(&self, store: &SqlStore, number: usize) -> PersonId {
        assert_eq!(store.person(self.persons[0]).await.unwrap().unwrap().name, "Person 0");
        assert_eq!(store.person(self.persons[PERSONS - 1]).await.unwrap().unwrap().name, "Person 4");
        assert_eq!(store.templates(self.persons[0]).await.unwrap().len(), 1);
        let new = person(&format!("New {number}"));
        store.add_person(&new).await.unwrap();
        new.id
    }
}

async fn a_change_cut_off_at_any_step_goes_on(place: Place) {
    let mut cut_after = 0;
    loop {
        let scene = Scene::new(place.another().await).await;
        let running = scene.open().await;
        scene.keeper(&running).look(true).await.unwrap();
        let command = scene.open().await;
        let mut change = scene.change(&command);
        let mut ended = false;
        for taken in 0..cut_after {
            scene.keeper(&running).look(false).await.unwrap();
            ended |= matches!(change.step().await.unwrap(), Step::Settled { .. });
            scene.works(&running, taken).await;
        }
        // Cut off: nothing of the command is left, and a server starts anew beside the one that runs.
        drop(change);
        command.close().await;
        let fresh = scene.open().await;
        let added = scene.works(&fresh, 1_000).await;
        if !ended {
            let again = scene.open().await;
            let mut change = scene.change(&again);
            while !matches!(change.step().await.unwrap(), Step::Settled { .. }) {
                scene.keeper(&running).look(false).await.unwrap();
                scene.keeper(&fresh).look(false).await.unwrap();
            }
            again.close().await;
        }
        scene.keeper(&running).look(true).await.unwrap();
        scene.works(&running, 2_000).await;
        running.close().await;
        fresh.close().await;
        let first = MasterKey::from_hex(scene.first.to_hex().as_bytes()).unwrap();
        let former = SqlStore::open(&scene.place.url, &first);
        assert!(matches!(former.await, Err(StoreError::OtherMasterKey)), "cut off after {cut_after}");
        let store = scene.open().await;
        assert!(store.person(added).await.unwrap().is_some());
        assert_eq!(store.accounts(Kind::Person, None, 9).await.unwrap().len(), 1);
        store.close().await;
        if ended {
            return;
        }
        cut_after += 1;
    }
}

async fn a_server_that_lacks_the_key_is_waited_for(place: Place) {
    let scene = Scene::new(place).await;
    let (running, command) = (scene.open().await, scene.open().await);
    scene.keeper(&running).look(true).await.unwrap();
    let mut change = scene.change(&command);
    assert!(matches!(change.step().await.unwrap(), Step::Prepared(_)));
    assert_eq!(change.step().await.unwrap(), Step::Announced);
    assert_eq!(change.step().await.unwrap(), Step::Waiting(1));
    assert_eq!(change.step().await.unwrap(), Step::Waiting(1));
    scene.keeper(&running).look(false).await.unwrap();
    assert_eq!(change.step().await.unwrap(), Step::Switched);
    // A server that was not heard of: it says so rather than wrap with a key that is no longer in force.
    let alone = MasterKey::from_hex(scene.first.to_hex().as_bytes()).unwrap();
    let opened = SqlStore::open(&scene.place.url, &alone).await;
    assert!(matches!(opened, Err(StoreError::OtherMasterKey)));
    let silent = NOW.plus(Duration::from_secs(600));
    assert!(command.key_holders(silent).await.unwrap().is_empty());
    assert!(matches!(
        command.begin_rotation(&MasterKey::generate().fingerprint(), NOW).await,
        Err(StoreError::Conflict(_))
    ));
}

/// A column of wrapped keys that the change does not know of would be lost with the former key.
async fn every_wrapped_key_is_known(place: Place) {
    let store = place.open().await;
    store.close().await;
    let pool = place.pool().await;
    let columns = match place.url.engine() {
        Engine::Sqlite => {
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
             AND c.name IN ('wrapped', 'media_key', 'root')"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name IN ('wrapped', 'media_key', 'root')"
        }
    };
    let found: Vec<(String, String)> = sqlx::query_as(columns).fetch_all(&pool).await.unwrap();
    let mut found: Vec<String> = found.into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
    // Wrapped by a person's key or the directory key, which the change leaves as they are.
    found.retain(|column| column != "threads.wrapped");
    found.sort();
    assert_eq!(
        found,
        [
            "accounts.wrapped",
            "gallery_keys.wrapped",
            "installation.wrapped",
            "jobs.wrapped",
            "person_keys.wrapped",
            "sealing.media_key",
            "sealing.root",
            "unknowns.wrapped"
        ]
    );
    pool.close().await;
}
