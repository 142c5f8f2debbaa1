//! A merge or a split as the API shows it.

use ostiary_common::time::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::mending::Mending;

/// A merge or a split of persons.
#[derive(Serialize, ToSchema)]
pub struct PersonChangeView {
    /// Id.
    id: Uuid,
    /// `merge`: `source` went into `target`. `split`: `target` was made of a part of `source`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// Who there was.
    source: Uuid,
    /// Who there is.
    target: Uuid,
    /// By whom: `user:<id>` or `service:<id>`.
    made_by: String,
    /// When.
    made_at: String,
    /// Whether it can be undone now, by `/api/v1/person-changes/{id}/undo`.
    can_be_undone: bool,
    /// Until when it can be undone.
    undo_until: String,
    /// When it was undone.
    undone_at: Option<String>,
}

impl PersonChangeView {
    /// Of a change, as of now.
    pub fn new(change: Mending, now: UnixMillis) -> Self {
        Self {
            can_be_undone: change.is_open(now),
            id: change.id.0,
            kind: change.kind.as_str(),
            source: change.source.0,
            target: change.target.0,
            made_by: change.made_by,
            made_at: change.made_at.to_rfc3339(),
            undo_until: change.undo_until.to_rfc3339(),
            undone_at: change.undone_at.map(|at| at.to_rfc3339()),
        }
    }
}
