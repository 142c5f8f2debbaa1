//! Groups as a reach sees them: only visits within count.

use std::collections::HashMap;

use ostiary_common::ids::{DoorId, EventId, UnknownId};
use ostiary_common::time::UnixMillis;

use super::grouping::{FaceRow, faces};
use crate::domain::access::Reach;
use crate::domain::unknown::{HeldFace, Unknown, UnknownFilter, UnknownPosition, UnknownState};
use crate::ports::StoreError;
use crate::store::sql::error::corrupt;
use crate::store::sql::reach::within;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct GroupRow {
    id: Vec<u8>,
    state: String,
    version: i64,
    visits: i64,
    all_visits: i64,
    first_at: i64,
    last_at: i64,
}

#[derive(sqlx::FromRow)]
struct DoorRow {
    visitor: Vec<u8>,
    door: Vec<u8>,
    visits: i64,
}

#[derive(sqlx::FromRow)]
struct ShotRow {
    visitor: Vec<u8>,
    event_id: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct BestRow {
    quality: f64,
    #[sqlx(flatten)]
    face: FaceRow,
}

const GROUPS: &str = "SELECT v.visitor AS id, u.state, u.version, count(*) AS visits,
    (SELECT count(*) FROM unknown_visits a WHERE a.visitor = v.visitor) AS all_visits,
    min(v.at) AS first_at, max(v.at) AS last_at
    FROM unknown_visits v JOIN unknowns u ON u.id = v.visitor WHERE ";
const GROUPED: &str = " GROUP BY v.visitor, u.state, u.version";

impl TryFrom<GroupRow> for Unknown {
    type Error = StoreError;
    fn try_from(row: GroupRow) -> Result<Self, StoreError> {
        let visits = columns::unsigned("visits", row.visits)?;
        Ok(Self {
            id: columns::id(UnknownId, &row.id)?,
            state: UnknownState::parse(&row.state).ok_or_else(|| corrupt("unknown visitor's state", &row.state))?,
            version: columns::unsigned("version", row.version)?,
            visits,
            elsewhere: columns::unsigned("visits", row.all_visits)?.saturating_sub(visits),
            first_at: UnixMillis(row.first_at),
            last_at: UnixMillis(row.last_at),
            doors: Vec::new(),
            best_shot: None,
        })
    }
}

impl SqlStore {
    pub(super) async fn list_unknowns(
        &self,
        reach: &Reach,
        filter: &UnknownFilter,
        before: Option<UnknownPosition>,
        limit: u32,
    ) -> Result<Vec<Unknown>, StoreError> {
        let mut statement = Statement::new(GROUPS);
        statement.push("u.state = ").bind(filter.state.as_str());
        let seen_at = [
            ("door", filter.door.map(|door| door.as_bytes().to_vec())),
            ("site", filter.site.map(|site| site.as_bytes().to_vec())),
        ];
        for (column, id) in seen_at {
            let Some(id) = id else { continue };
            statement.push(" AND EXISTS (SELECT 1 FROM unknown_visits s WHERE s.visitor = v.visitor AND s.");
            statement.push(column).push(" = ").bind(id);
            within(&mut statement, reach, "s.site", "s.door");
            statement.push(")");
        }
        within(&mut statement, reach, "v.site", "v.door");
        statement.push(GROUPED).push(" HAVING count(*) >= ").bind(columns::to_column(filter.least_visits));
        if let Some(UnknownPosition { last_at, id }) = before {
            statement.push(" AND (max(v.at) < ").bind(last_at.0).push(" OR (max(v.at) = ").bind(last_at.0);
            statement.push(" AND v.visitor < ").bind(id.as_bytes().to_vec()).push("))");
        }
        statement.push(" ORDER BY max(v.at) DESC, v.visitor DESC").limit(limit);
        self.with_places(reach, statement.query_as().fetch_all(&self.read).await?).await
    }

    pub(super) async fn one_unknown(&self, reach: &Reach, id: UnknownId) -> Result<Option<Unknown>, StoreError> {
        let became: Option<Vec<u8>> = sqlx::query_scalar("SELECT became FROM unknown_aliases WHERE id = $1")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.read)
            .await?;
        let mut statement = Statement::new(GROUPS);
        statement.push("v.visitor = ").bind(became.unwrap_or_else(|| id.as_bytes().to_vec()));
        within(&mut statement, reach, "v.site", "v.door");
        statement.push(GROUPED);
        Ok(self.with_places(reach, statement.query_as().fetch_all(&self.read).await?).await?.pop())
    }

    async fn with_places(&self, reach: &Reach, rows: Vec<GroupRow>) -> Result<Vec<Unknown>, StoreError> {
        let mut found = rows.into_iter().map(Unknown::try_from).collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            return Ok(found);
        }
        let (mut doors, mut shots) = (self.doors_seen(reach, &found).await?, self.best_shots(reach, &found).await?);
        for unknown in &mut found {
            unknown.doors = doors.remove(&unknown.id).unwrap_or_default();
            unknown.best_shot = shots.remove(&unknown.id);
        }
        Ok(found)
    }

    async fn doors_seen(
        &self,
        reach: &Reach,
        of: &[Unknown],
    ) -> Result<HashMap<UnknownId, Vec<(DoorId, u64)>>, StoreError> {
        let mut statement =
            Statement::new("SELECT v.visitor, v.door, count(*) AS visits FROM unknown_visits v WHERE v.visitor IN ");
        statement.bind_list(of.iter().map(|unknown| unknown.id.as_bytes().to_vec()));
        within(&mut statement, reach, "v.site", "v.door");
        statement.push(" GROUP BY v.visitor, v.door ORDER BY visits DESC, v.door");
        let rows: Vec<DoorRow> = statement.query_as().fetch_all(&self.read).await?;
        let mut doors: HashMap<UnknownId, Vec<(DoorId, u64)>> = HashMap::new();
        for row in rows {
            let seen = (columns::id(DoorId, &row.door)?, columns::unsigned("visits", row.visits)?);
            doors.entry(columns::id(UnknownId, &row.visitor)?).or_default().push(seen);
        }
        Ok(doors)
    }

    async fn best_shots(&self, reach: &Reach, of: &[Unknown]) -> Result<HashMap<UnknownId, EventId>, StoreError> {
        let mut statement = Statement::new(
            "SELECT v.visitor, e.event_id FROM unknown_visits v JOIN events e ON e.cursor = v.cursor
             WHERE e.has_crop = 1 AND v.visitor IN ",
        );
        statement.bind_list(of.iter().map(|unknown| unknown.id.as_bytes().to_vec()));
        within(&mut statement, reach, "v.site", "v.door");
        statement.push(" ORDER BY v.quality DESC, v.cursor");
        let rows: Vec<ShotRow> = statement.query_as().fetch_all(&self.read).await?;
        let mut shots = HashMap::new();
        for row in rows {
            let event = columns::id(EventId, &row.event_id)?;
            shots.entry(columns::id(UnknownId, &row.visitor)?).or_insert(event);
        }
        Ok(shots)
    }

    pub(super) async fn best_faces(&self, id: UnknownId, limit: u32) -> Result<Vec<(HeldFace, f32)>, StoreError> {
        let mut statement = Statement::new(&faces().replacen("SELECT", "SELECT v.quality,", 1));
        statement.push(" WHERE v.visitor = ").bind(id.as_bytes().to_vec());
        statement.push(" ORDER BY v.quality DESC, v.cursor").limit(limit);
        let rows: Vec<BestRow> = statement.query_as().fetch_all(&self.read).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            #[expect(clippy::cast_possible_truncation, reason = "it was an f32 before the store widened it")]
            let quality = row.quality as f32;
            found.extend(self.opened_face(row.face).await?.map(|face| (face, quality)));
        }
        Ok(found)
    }
}
