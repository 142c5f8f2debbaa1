//! Persons within a reach.
//!
//! A page is read by the groups that a reach shows, each by its index; who is in several comes once.

use std::collections::{BTreeMap, BTreeSet};

use ostiary_common::ids::{DoorId, GroupId, PackId, PersonId, TemplateId};

use super::conditions::{one_of, within};
use crate::domain::access::{Circle, Reach};
use crate::domain::gallery::GalleryRule;
use crate::domain::person::Person;
use crate::ports::{GalleryStore, PersonStore, ScopeStore, StoreError};
use crate::store::sql::opener::Opener;
use crate::store::sql::persons::{PersonRow, select};
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns};

/// Groups, or ids, of one statement: databases bound the parts of a compound and the values of a statement.
const AT_ONCE: usize = 100;

impl SqlStore {
    pub(super) async fn circle_of(&self, reach: &Reach) -> Result<Circle, StoreError> {
        if reach.is_everything() {
            return Ok(Circle::Everything);
        }
        let found = self.groups_of(reach).await?;
        let is_own = |site: &Option<_>| site.is_some_and(|site| reach.covers_site(site));
        let own = found.iter().filter(|group| is_own(&group.site)).map(|group| group.id).collect();
        let groups = found.iter().map(|group| group.id).collect();
        Ok(Circle::Within { everyone: self.knows_everyone(reach).await?, groups, own })
    }

    /// Whether a door within knows everyone enrolled, which is what doors say that nobody told otherwise.
    async fn knows_everyone(&self, reach: &Reach) -> Result<bool, StoreError> {
        let mut statement = Statement::new(
            "SELECT count(*) FROM doors o LEFT JOIN door_gallery r ON r.door = o.id
             WHERE coalesce(r.everyone, 1) <> 0",
        );
        within(&mut statement, reach, "o.site", "o.id");
        let (doors,): (i64,) = statement.query_as().fetch_one(&self.read).await?;
        Ok(doors > 0)
    }

    pub(super) async fn persons_of(
        &self,
        circle: &Circle,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, StoreError> {
        let groups = match circle {
            Circle::Everything | Circle::Within { everyone: true, .. } => return self.persons(after, limit).await,
            Circle::Within { groups, .. } => groups.iter().copied().collect::<Vec<_>>(),
        };
        let mut found = BTreeMap::new();
        for some in groups.chunks(AT_ONCE) {
            let rows: Vec<PersonRow> = page(some, after, limit).query_as().fetch_all(&self.read).await?;
            let mut opener = Opener::new(&self.master);
            for row in rows {
                let person = row.open(&mut opener)?;
                found.insert(person.id, person);
            }
        }
        Ok(found.into_values().take(limit as usize).collect())
    }

    pub(super) async fn owner_of_template(&self, template: TemplateId) -> Result<Option<PersonId>, StoreError> {
        let mut statement = Statement::new("SELECT person FROM templates WHERE id = ");
        statement.bind(template.as_bytes().to_vec());
        let row: Option<(Vec<u8>,)> = statement.query_as().fetch_optional(&self.read).await?;
        row.map(|(person,)| columns::id(PersonId, &person)).transpose()
    }

    pub(super) async fn are_all_of(&self, circle: &Circle, persons: &[PersonId]) -> Result<bool, StoreError> {
        let wanted: Vec<PersonId> = persons.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for some in wanted.chunks(AT_ONCE) {
            let (there,): (i64,) = count_of(circle, some).query_as().fetch_one(&self.read).await?;
            if usize::try_from(there) != Ok(some.len()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn count_known_at(&self, door: DoorId, pack: &PackId) -> Result<u64, StoreError> {
        let rule = self.door_gallery(door).await?;
        if rule.is_none_or(|rule| rule.value == GalleryRule::Everyone) {
            return Ok(self.gallery_size(pack).await?.persons);
        }
        let mut statement = Statement::new(
            "SELECT count(DISTINCT t.person) FROM doors o JOIN door_gallery_groups x ON x.door = o.id
             JOIN person_groups g ON g.id = x.in_group AND (g.site IS NULL OR g.site = o.site)
             JOIN memberships m ON m.in_group = g.id JOIN templates t ON t.person = m.person WHERE o.id = ",
        );
        statement.bind(door.as_bytes().to_vec()).push(" AND t.pack = ").bind(pack.as_str().to_owned());
        let (persons,): (i64,) = statement.query_as().fetch_one(&self.read).await?;
        columns::unsigned("count", persons)
    }
}

/// The next persons of these groups, in order of id.
fn page(groups: &[GroupId], after: Option<PersonId>, limit: u32) -> Statement {
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let mut statement = Statement::new(&select(""));
    statement.push(" WHERE p.id IN (");
    for (at, group) in groups.iter().enumerate() {
        statement.push(if at == 0 { "" } else { " UNION " });
        statement.push("SELECT person FROM (SELECT person FROM memberships WHERE in_group = ");
        statement.bind(group.as_bytes().to_vec()).push(" AND person > ").bind(after.clone());
        statement.push(" ORDER BY person").limit(limit).push(&format!(") AS part{at}"));
    }
    statement.push(") ORDER BY p.id").limit(limit);
    statement
}

/// How many of these persons are there and of the circle.
fn count_of(circle: &Circle, persons: &[PersonId]) -> Statement {
    let mut statement = Statement::new("SELECT count(*) FROM persons p WHERE p.merged_into IS NULL AND ");
    one_of(&mut statement, "p.id", persons.iter().map(|person| person.as_bytes().to_vec()));
    if let Circle::Within { everyone: false, groups, .. } = circle {
        statement.push(" AND EXISTS (SELECT 1 FROM memberships m WHERE m.person = p.id AND ");
        one_of(&mut statement, "m.in_group", groups.iter().map(|group| group.as_bytes().to_vec()));
        statement.push(")");
    }
    statement
}
