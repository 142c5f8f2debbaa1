//! Visitors nobody knows. Groups are seen within a reach (`seen`), visits join and change them as the grouping says
//! (`grouping`), people put them together and take them apart (`by_hand`), make persons of them (`promote`), and time
//! has them forgotten (`forget`).

mod by_hand;
mod forget;
mod grouping;
mod promote;
mod seen;

use async_trait::async_trait;
use ostiary_common::ids::{EventId, PackId, UnknownId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::again::again;
use super::pictures::{EventSeal, unknown_key};
use super::values::Flag;
use super::{SqlStore, columns};
use crate::domain::access::Reach;
use crate::domain::audit::AuditNote;
use crate::domain::unknown::{
    GroupingPlace, HeldFace, Joining, Membership, NewFace, Promoted, Promotion, Regrouping, Unknown, UnknownDeed,
    UnknownFilter, UnknownPosition,
};
use crate::ports::StoreError;
use crate::ports::unknowns::UnknownStore;

/// How far the grouping has come, as the connection sees it.
async fn place(conn: &mut AnyConnection) -> Result<GroupingPlace, StoreError> {
    let (upto, edit): (i64, i64) = sqlx::query_as("SELECT upto, edit FROM face_grouping").fetch_one(conn).await?;
    Ok(GroupingPlace { upto, edit: columns::unsigned("grouping", edit)? })
}

/// Notes that who belongs to which group has changed.
pub(super) async fn edited(tx: &mut AnyConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE face_grouping SET edit = edit + 1").execute(tx).await?;
    Ok(())
}

/// What seals the things of a group's visits; `None` if there is no such group.
async fn seal(
    store: &SqlStore,
    tx: &mut AnyConnection,
    id: UnknownId,
) -> Result<Option<EventSeal<'static>>, StoreError> {
    let wrapped: Option<Vec<u8>> = sqlx::query_scalar("SELECT wrapped FROM unknowns WHERE id = $1")
        .bind(id.as_bytes().to_vec())
        .fetch_optional(tx)
        .await?;
    wrapped.map(|wrapped| unknown_key(&store.master, id, &wrapped).map(EventSeal::Unknown)).transpose()
}

/// Makes a group nobody is in yet, with a key of its own.
async fn make(
    store: &SqlStore,
    tx: &mut AnyConnection,
    id: UnknownId,
    pack: &str,
    now: UnixMillis,
) -> Result<EventSeal<'static>, StoreError> {
    let (key, wrapped) = store.master.new_unknown_key(id);
    sqlx::query(
        "INSERT INTO unknowns (id, state, pack, wrapped, created_at, version) VALUES ($1, 'open', $2, $3, $4, 1)",
    )
    .bind(id.as_bytes().to_vec())
    .bind(pack)
    .bind(wrapped)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(EventSeal::Unknown(key))
}

/// Has a visit change groups: what came with it is sealed anew.
async fn move_visit(
    store: &SqlStore,
    tx: &mut AnyConnection,
    cursor: i64,
    (to, seal): (UnknownId, &EventSeal<'_>),
    pinned: Option<bool>,
) -> Result<(), StoreError> {
    store.reseal(&mut *tx, cursor, seal).await?;
    sqlx::query("UPDATE unknown_visits SET visitor = $1, pinned = coalesce($2, pinned) WHERE cursor = $3")
        .bind(to.as_bytes().to_vec())
        .bind(pinned.map(i64::from))
        .bind(cursor)
        .execute(tx)
        .await?;
    Ok(())
}

/// Says that somebody works on a group.
async fn risen(tx: &mut AnyConnection, id: UnknownId) -> Result<bool, StoreError> {
    let changed = sqlx::query("UPDATE unknowns SET version = version + 1 WHERE id = $1")
        .bind(id.as_bytes().to_vec())
        .execute(tx)
        .await?;
    Ok(changed.rows_affected() == 1)
}

/// Keeps every visit of a group where it is.
async fn pin_all(tx: &mut AnyConnection, id: UnknownId) -> Result<(), StoreError> {
    sqlx::query("UPDATE unknown_visits SET pinned = $1 WHERE visitor = $2")
        .bind(Flag(true))
        .bind(id.as_bytes().to_vec())
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes a group out that nobody is left in, its key with it; its id, and those that led to it, lead on.
async fn dissolve(
    tx: &mut AnyConnection,
    gone: UnknownId,
    became: UnknownId,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE unknown_aliases SET became = $1 WHERE became = $2")
        .bind(became.as_bytes().to_vec())
        .bind(gone.as_bytes().to_vec())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO unknown_aliases (id, became, at) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET became = excluded.became, at = excluded.at",
    )
    .bind(gone.as_bytes().to_vec())
    .bind(became.as_bytes().to_vec())
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM unknowns WHERE id = $1").bind(gone.as_bytes().to_vec()).execute(tx).await?;
    Ok(())
}

/// The visits of a group.
async fn visits(tx: &mut AnyConnection, id: UnknownId) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT cursor FROM unknown_visits WHERE visitor = $1 ORDER BY cursor")
        .bind(id.as_bytes().to_vec())
        .fetch_all(tx)
        .await?)
}

#[async_trait]
impl UnknownStore for SqlStore {
    async fn grouping_place(&self) -> Result<GroupingPlace, StoreError> {
        place(&mut *self.read.acquire().await?).await
    }

    async fn new_faces(&self, after: i64, limit: u32) -> Result<Vec<NewFace>, StoreError> {
        self.faces_behind(after, limit).await
    }

    async fn memberships(&self, pack: &PackId) -> Result<Vec<Membership>, StoreError> {
        self.members_of_groups(pack).await
    }

    async fn held_faces(&self, cursors: &[i64]) -> Result<Vec<HeldFace>, StoreError> {
        self.faces_at(cursors).await
    }

    async fn join_unknowns(&self, joining: &Joining) -> Result<bool, StoreError> {
        again(|| self.join(joining)).await
    }

    async fn regroup(&self, plan: &Regrouping) -> Result<bool, StoreError> {
        again(|| self.move_between(plan)).await
    }

    async fn unknowns_within(
        &self,
        reach: &Reach,
        filter: &UnknownFilter,
        before: Option<UnknownPosition>,
        limit: u32,
    ) -> Result<Vec<Unknown>, StoreError> {
        self.list_unknowns(reach, filter, before, limit).await
    }

    async fn unknown_within(&self, reach: &Reach, id: UnknownId) -> Result<Option<Unknown>, StoreError> {
        self.one_unknown(reach, id).await
    }

    async fn do_by_hand(&self, deed: &UnknownDeed, now: UnixMillis, note: &AuditNote) -> Result<bool, StoreError> {
        again(|| self.deed(deed, now, note)).await
    }

    async fn faces_of_unknown(&self, id: UnknownId, limit: u32) -> Result<Vec<(HeldFace, f32)>, StoreError> {
        self.best_faces(id, limit).await
    }

    async fn promote_unknown(&self, promotion: &Promotion) -> Result<Option<Promoted>, StoreError> {
        again(|| self.promote(promotion)).await
    }

    async fn forget_unknowns(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError> {
        again(|| self.forget_visits(before, at_most)).await
    }

    async fn event_face(&self, reach: &Reach, id: EventId) -> Result<Option<(PackId, Vec<u8>)>, StoreError> {
        let Some(face) = self.face_of(reach, id).await? else { return Ok(None) };
        let event = self.event_of(reach, id).await?;
        Ok(event.and_then(|event| event.record.visit).map(|visit| (visit.pack, face)))
    }
}
