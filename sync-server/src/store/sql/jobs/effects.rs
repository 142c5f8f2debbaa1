//! What items change, each within the transaction of its item's end.

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_models::face_crop::FaceCrop;
use sqlx::{Any, AnyConnection, Executor};

use crate::domain::consent::Consent;
use crate::domain::gallery::TermsChange;
use crate::domain::import::ImportedPerson;
use crate::domain::job::Effect;
use crate::domain::person::{Person, Template};
use crate::domain::profile::PersonPatch;
use crate::domain::recognition::Change;
use crate::ports::StoreError;
use crate::sealing::{DirectoryKey, Lookup};
use crate::store::sql::error::{corrupt, on_insert};
use crate::store::sql::opener::{key_of, unwrap};
use crate::store::sql::persons::{next_revision, touch};
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns, consent_rows, consents, model_packs, profiles, templates, terms};

/// What an item has changed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    /// Whom it was about.
    pub(super) person: Option<PersonId>,
    /// The gallery's new revision.
    pub(super) rev: Option<Revision>,
    /// When the clock changes something of it.
    pub(super) flips_at: Option<UnixMillis>,
}

#[derive(sqlx::FromRow)]
struct ExternalRow {
    person: Vec<u8>,
    wrapped: Vec<u8>,
    external: Vec<u8>,
}

impl SqlStore {
    pub(super) async fn apply(
        &self,
        tx: &mut AnyConnection,
        effect: &Effect,
        changed: &mut Changed,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        match effect {
            Effect::Template { add, crop, instead_of } => {
                let rev = self.replace_templates(tx, add, crop.as_ref(), instead_of).await?;
                (changed.person, changed.rev) = (Some(add.person), Some(rev));
            }
            Effect::Shadow(template) => {
                changed.person = Some(template.person);
                changed.rev = self.insert_shadow(tx, template).await?.or(changed.rev);
            }
            Effect::ShadowRefused { pack, refusal } => {
                changed.person = Some(refusal.place.person);
                model_packs::refuse(tx, pack, refusal).await?;
            }
            Effect::Compared { pack, report } => model_packs::compared(tx, pack, report, now).await?,
            Effect::Person(person) => {
                let (id, rev, flips_at) = self.put_imported(tx, person, now).await?;
                (changed.person, changed.flips_at) = (Some(id), flips_at);
                changed.rev = rev.or(changed.rev);
            }
            // Appended together with those of other items, at the end.
            Effect::Note(_) => {}
        }
        Ok(())
    }

    /// Adds a template in place of others of the same person, in one revision.
    pub(in crate::store::sql) async fn replace_templates(
        &self,
        tx: &mut AnyConnection,
        add: &Template,
        crop: Option<&FaceCrop>,
        instead_of: &[TemplateId],
    ) -> Result<Revision, StoreError> {
        if templates::same_photo(tx, add).await?.is_some() {
            return Err(StoreError::Conflict("photo"));
        }
        for old in instead_of {
            templates::delete(tx, *old).await?;
        }
        templates::insert_with(tx, &self.master, add, crop).await?;
        let rev = next_revision(tx).await?;
        touch(tx, add.person.as_bytes(), rev).await?;
        Ok(rev)
    }

    async fn put_imported(
        &self,
        tx: &mut AnyConnection,
        person: &ImportedPerson,
        now: UnixMillis,
    ) -> Result<(PersonId, Option<Revision>, Option<UnixMillis>), StoreError> {
        match find_imported(tx, &self.directory.key, person).await? {
            Some(known) => {
                let (rev, flips_at) = self.change_imported(tx, known, person, now).await?;
                Ok((known, rev, flips_at))
            }
            None => Ok((person.id, None, self.add_imported(tx, person).await?)),
        }
    }

    async fn add_imported(
        &self,
        tx: &mut AnyConnection,
        person: &ImportedPerson,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let groups = person.groups.clone().unwrap_or_default();
        let consented_at = person.consent.as_ref().map(|consent| consent.given_at);
        let mut new = Person::new(person.id, person.name.clone(), person.at, consented_at);
        (new.groups, new.validity) = (groups, person.validity.unwrap_or(new.validity));
        let (key, flips_at) = self.insert_person(tx, &new).await?;
        if let Some(consent) = &person.consent {
            consent_rows::insert(tx, &key, consent).await?;
        }
        let patch =
            PersonPatch { notes: person.notes.clone(), fields: person.fields.clone(), ..PersonPatch::default() };
        profiles::write(tx, person.id, &key, &patch).await?;
        sqlx::query("INSERT INTO person_externals (person, lookup, external) VALUES ($1, $2, $3)")
            .bind(person.id.as_bytes().as_slice())
            .bind(lookup(&self.directory.key, &person.external))
            .bind(key.seal_text("external", &person.external))
            .execute(tx)
            .await
            .map_err(on_insert("external id", "person"))?;
        Ok(flips_at)
    }

    async fn change_imported(
        &self,
        tx: &mut AnyConnection,
        id: PersonId,
        person: &ImportedPerson,
        now: UnixMillis,
    ) -> Result<(Option<Revision>, Option<UnixMillis>), StoreError> {
        let key = key_of(tx, &self.master, id).await?.ok_or(StoreError::NoSuch("person"))?;
        let patch = PersonPatch {
            name: Some(person.name.clone()),
            notes: person.notes.clone(),
            fields: person.fields.clone(),
            terms: None,
        };
        profiles::write(tx, id, &key, &patch).await?;
        profiles::mark_edited(tx, id).await?;
        let readmitted = match &person.consent {
            // Somebody else may have made the person meanwhile, under another id.
            Some(consent) => consents::record(tx, &key, &Consent { person: id, ..consent.clone() }).await?,
            None => None,
        };
        let wanted = TermsChange { validity: person.validity, groups: person.groups.clone() };
        let done = terms::change(tx, id, &wanted, Change { expected: None, now }).await?;
        let (rescoped, flips_at) = done.ok_or(StoreError::NoSuch("person"))?;
        Ok((rescoped.rev.or(readmitted), flips_at))
    }

    pub(super) async fn externals_of(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, String)>, StoreError> {
        if persons.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::new(
            "SELECT e.person, e.external, k.wrapped FROM person_externals e JOIN person_keys k ON k.person = e.person
             WHERE e.person IN ",
        );
        statement.bind_list(persons.iter().map(|person| person.as_bytes().to_vec()));
        let rows: Vec<ExternalRow> = statement.query_as().fetch_all(&self.read).await?;
        let open = |row: ExternalRow| {
            let id = columns::id(PersonId, &row.person)?;
            let key = unwrap(&self.master, id, &row.wrapped)?;
            let text = key.open_text("external", &row.external).map_err(|e| corrupt("external id", e))?;
            Ok((id, text))
        };
        rows.into_iter().map(open).collect()
    }
}

/// The person whom a row means: exports name those by their own id whom no other system has named.
async fn find_imported(
    tx: &mut AnyConnection,
    directory: &DirectoryKey,
    person: &ImportedPerson,
) -> Result<Option<PersonId>, StoreError> {
    let id: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT coalesce((SELECT id FROM persons WHERE id = $1),
             (SELECT person FROM person_externals WHERE lookup = $2)) AS known",
    )
    .bind(person.id.as_bytes().as_slice())
    .bind(lookup(directory, &person.external))
    .fetch_one(tx)
    .await?;
    id.map(|id| columns::id(PersonId, &id)).transpose()
}

/// The person that another system calls so.
pub(super) async fn find_external(
    conn: impl Executor<'_, Database = Any>,
    directory: &DirectoryKey,
    external: &str,
) -> Result<Option<PersonId>, StoreError> {
    let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT person FROM person_externals WHERE lookup = $1")
        .bind(lookup(directory, external))
        .fetch_optional(conn)
        .await?;
    id.map(|id| columns::id(PersonId, &id)).transpose()
}

fn lookup(directory: &DirectoryKey, external: &str) -> Vec<u8> {
    directory.lookup(Lookup::External, &[external.as_bytes()])
}
