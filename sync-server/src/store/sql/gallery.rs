//! The gallery as devices are to hold it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, PackId, SiteId};
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::{PersonChange, Revision};
use sqlx::AnyConnection;

use super::device_rows::HeldRow;
use super::gallery_memory::PageKey;
use super::opener::Opener;
use super::scopes::{DeviceScope, Head, head, of_all, of_device};
use super::{SqlStore, columns, gallery_rows};
use crate::domain::device::DeviceState;
use crate::domain::gallery::walk::{begin, nothing};
use crate::domain::gallery::{GalleryPage, GallerySize, GalleryStanding, GalleryTruth, Scope, WalkQuestion};
use crate::ports::{GalleryStore, ScopeStore, StoreError};

/// An active device and what it said it holds.
#[derive(sqlx::FromRow)]
struct StandingRow {
    id: Vec<u8>,
    site: Vec<u8>,
    state: String,
    session: i64,
    held_pack: Option<String>,
    #[sqlx(flatten)]
    held: HeldRow,
}

impl SqlStore {
    /// A device's scope as of `head`, which `conn` sees.
    async fn device_scope(
        &self,
        conn: &mut AnyConnection,
        head: Head,
        device: DeviceId,
    ) -> Result<DeviceScope, StoreError> {
        if let Some(scope) = self.memory.scope(head, device) {
            return Ok(scope);
        }
        let scope = of_device(conn, device).await?.ok_or(StoreError::NoSuch("device"))?;
        self.memory.keep_scope(head, device, &scope);
        Ok(scope)
    }

    /// What scopes must hold at `rev`, which must be the revision `conn`'s transaction sees. `None` if the sums are
    /// at a newer one already: then a new transaction sees that, too.
    async fn truths_at(
        &self,
        conn: &mut AnyConnection,
        rev: Revision,
        pack: &PackId,
        of: &[&DeviceScope],
    ) -> Result<Option<Vec<GalleryTruth>>, StoreError> {
        let mut books = self.memory.books.lock().await;
        let book = books.entry(pack.clone()).or_default();
        if book.rev() > rev {
            return Ok(None);
        }
        if book.rev() < rev {
            let changed = gallery_rows::states(conn, pack, book.rev()).await?;
            book.advance(changed, rev);
        }
        Ok(Some(of.iter().map(|of| book.truth(&of.scope, of.since)).collect()))
    }

    /// The same where each scope is asked about a pack of its own.
    async fn truths_of_packs(
        &self,
        conn: &mut AnyConnection,
        rev: Revision,
        packs: &[PackId],
        of: &[&DeviceScope],
    ) -> Result<Option<Vec<GalleryTruth>>, StoreError> {
        let mut found: Vec<Option<GalleryTruth>> = vec![None; of.len()];
        for pack in packs.iter().collect::<BTreeSet<_>>() {
            let asked: Vec<usize> = (0..of.len()).filter(|at| packs.get(*at) == Some(pack)).collect();
            let scopes: Vec<&DeviceScope> = asked.iter().map(|at| of[*at]).collect();
            let Some(truths) = self.truths_at(&mut *conn, rev, pack, &scopes).await? else { return Ok(None) };
            asked.into_iter().zip(truths).for_each(|(at, truth)| found[at] = Some(truth));
        }
        Ok(Some(found.into_iter().flatten().collect()))
    }

    /// What a device is told from `walk` on, from memory or read in `conn`'s transaction.
    async fn page(
        &self,
        conn: &mut AnyConnection,
        question: &WalkQuestion,
        of: &DeviceScope,
        truth: &GalleryTruth,
    ) -> Result<Arc<GalleryPage>, StoreError> {
        let pack = question.pack.clone();
        let page = |walk, (persons, last)| {
            Arc::new(GalleryPage { walk, to_rev: truth.rev, digest: truth.digest, pack: pack.clone(), persons, last })
        };
        let Some(walk) = begin(question, truth, of.since) else {
            return Ok(page(nothing(truth), (Vec::new(), true)));
        };
        let key = PageKey { pack: pack.clone(), scope: of.scope.clone(), walk, most_bytes: question.most_bytes };
        if let Some(known) = self.memory.page(truth.rev, &key) {
            return Ok(known);
        }
        let mut opener = Opener::new(&self.master);
        let read = gallery_rows::page(conn, &mut opener, &key).await?;
        let page = page(walk, read);
        self.memory.keep_page(key, &page);
        Ok(page)
    }

    /// The answer from memory alone, as most devices get it after a change that concerns many.
    fn remembered(&self, head: Head, question: &WalkQuestion) -> Option<Arc<GalleryPage>> {
        let of = self.memory.scope(head, question.device)?;
        let truth = self.memory.truth(head, &question.pack, &of)?;
        let walk = begin(question, &truth, of.since)?;
        let (pack, scope) = (question.pack.clone(), of.scope);
        self.memory.page(head.rev, &PageKey { pack, scope, walk, most_bytes: question.most_bytes })
    }

    /// What a device must hold, where memory has everything but the device's pack: after a change all devices ask at about
    /// the same time.
    async fn known_truth(&self, pack: &PackId, device: DeviceId) -> Result<Option<GalleryTruth>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let seen = head(&mut conn).await?;
        let Some(of) = self.memory.scope(seen, device) else { return Ok(None) };
        let held = held_pack(&mut conn, device).await?;
        Ok(self.memory.truth(seen, held.as_ref().unwrap_or(pack), &of))
    }

    async fn truth_of(&self, pack: &PackId, device: Option<DeviceId>) -> Result<GalleryTruth, StoreError> {
        if let Some(device) = device
            && let Some(known) = self.known_truth(pack, device).await?
        {
            return Ok(known);
        }
        let everyone = DeviceScope { scope: Scope::Everyone, since: Revision(0) };
        loop {
            let mut tx = self.begin_reading().await?;
            let head = head(&mut tx).await?;
            let (of, pack) = match device {
                Some(device) => {
                    let of = self.device_scope(&mut tx, head, device).await?;
                    (of, held_pack(&mut tx, device).await?.unwrap_or_else(|| pack.clone()))
                }
                None => (everyone.clone(), pack.clone()),
            };
            if let Some(truths) = self.truths_at(&mut tx, head.rev, &pack, &[&of]).await? {
                return Ok(truths[0]);
            }
        }
    }
}

/// The pack a device's gallery is of, if it said so.
async fn held_pack(conn: &mut AnyConnection, device: DeviceId) -> Result<Option<PackId>, StoreError> {
    let pack: Option<Option<String>> = sqlx::query_scalar("SELECT held_pack FROM devices WHERE id = $1")
        .bind(device.as_bytes().as_slice())
        .fetch_optional(conn)
        .await?;
    pack.flatten().as_deref().map(columns::pack).transpose()
}

#[async_trait]
impl GalleryStore for SqlStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        Ok(head(&mut *self.read.acquire().await?).await?.rev)
    }

    async fn walk(&self, question: &WalkQuestion) -> Result<Arc<GalleryPage>, StoreError> {
        if self.memory.flip_is_due(question.now) {
            self.settle_validity(question.now).await?;
        }
        loop {
            let mut conn = self.read.acquire().await?;
            let seen = head(&mut conn).await?;
            if let Some(page) = self.remembered(seen, question) {
                return Ok(page);
            }
            drop(conn);
            let mut tx = self.begin_reading().await?;
            let seen = head(&mut tx).await?;
            let of = self.device_scope(&mut tx, seen, question.device).await?;
            if let Some(truths) = self.truths_at(&mut tx, seen.rev, &question.pack, &[&of]).await? {
                return self.page(&mut tx, question, &of, &truths[0]).await;
            }
        }
    }

    async fn changes_since(&self, pack: &PackId, since: Revision) -> Result<(Revision, Vec<PersonChange>), StoreError> {
        // Each statement by itself: what the second one sees is not older than what the first one saw.
        let rev = self.revision().await?;
        if rev <= since {
            return Ok((rev, Vec::new()));
        }
        let mut opener = Opener::new(&self.master);
        Ok((rev, gallery_rows::changed_persons(&self.read, &mut opener, pack, since).await?))
    }

    async fn truth(&self, device: DeviceId, pack: &PackId) -> Result<GalleryTruth, StoreError> {
        self.truth_of(pack, Some(device)).await
    }

    async fn truth_of_all(&self, pack: &PackId) -> Result<GalleryTruth, StoreError> {
        self.truth_of(pack, None).await
    }

    async fn standings(&self, pack: &PackId) -> Result<Vec<GalleryStanding>, StoreError> {
        loop {
            let mut tx = self.begin_reading().await?;
            let rev = head(&mut tx).await?.rev;
            let scopes = of_all(&mut tx).await?;
            let rows: Vec<StandingRow> = sqlx::query_as(
                "SELECT id, site, state, session, held_pack, held_rev, held_digest, held_persons, held_templates, held_at
                 FROM devices",
            )
            .fetch_all(&mut *tx)
            .await?;
            let devices = rows.iter().map(|row| columns::id(DeviceId, &row.id)).collect::<Result<Vec<_>, _>>()?;
            let of: Vec<&DeviceScope> = devices.iter().filter_map(|device| scopes.get(device)).collect();
            let packs = rows.iter().map(|row| row.held_pack.as_deref().map_or_else(|| Ok(pack.clone()), columns::pack));
            let packs = packs.collect::<Result<Vec<_>, _>>()?;
            let Some(truths) = self.truths_of_packs(&mut tx, rev, &packs, &of).await? else { continue };
            let standing = |((row, device), truth): ((StandingRow, DeviceId), GalleryTruth)| {
                let root = DeviceRoot { site: columns::id(SiteId, &row.site)?, device };
                let session = columns::unsigned("session", row.session)?;
                let is_active = row.state == DeviceState::Active.as_str();
                Ok(GalleryStanding { root, is_active, session, held: row.held.read()?, truth })
            };
            return rows.into_iter().zip(devices).zip(truths).map(standing).collect();
        }
    }

    async fn gallery_size(&self, pack: &PackId) -> Result<GallerySize, StoreError> {
        let (persons, templates): (i64, i64) =
            sqlx::query_as("SELECT count(DISTINCT person), count(*) FROM templates WHERE pack = $1")
                .bind(pack.as_str())
                .fetch_one(&self.read)
                .await?;
        let count = |column| columns::unsigned("count", column);
        Ok(GallerySize { persons: count(persons)?, templates: count(templates)? })
    }
}
