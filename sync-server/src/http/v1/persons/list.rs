//! A page of persons, by name and by filters.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{GroupId, PersonId};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::PersonView;
use crate::domain::access::Circle;
use crate::domain::access::may::PersonsRead;
use crate::domain::person::Person;
use crate::domain::profile::{PersonFilter, ValidAt};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;
use crate::http::rules::{self, Rfc3339};

/// Persons found by name whose other filters are looked at in one query.
const AT_ONCE: usize = 400;

/// Which persons.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Persons of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
    /// Whose name has all of these words in it, whatever case and accents; at most 100 characters.
    #[garde(length(chars, max = 100))]
    #[param(max_length = 100)]
    name: Option<String>,
    /// Who is in this group.
    #[garde(skip)]
    group: Option<Uuid>,
    /// `now`: who may be known now; `later`: whose time has not come; `over`: whose time is over.
    #[garde(custom(rules::one_of(&["now", "later", "over"])))]
    valid: Option<String>,
    /// Who has consented, or has not.
    #[garde(skip)]
    consent: Option<bool>,
    /// Who has templates, or has none.
    #[garde(skip)]
    templates: Option<bool>,
    /// Who was added from this time on, RFC 3339.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    created_from: Option<Rfc3339>,
    /// Who was added before this time, RFC 3339.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    created_until: Option<Rfc3339>,
}

/// A page of persons, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Persons {
    /// The persons.
    items: Vec<PersonView>,
    /// Pass it as `after` for the next page; absent on the last.
    next: Option<Uuid>,
}

impl Wanted {
    fn filter(&self, now: UnixMillis, circle: &Circle) -> PersonFilter {
        let state = |word: &str| match word {
            "later" => ValidAt::Before,
            "over" => ValidAt::After,
            _ => ValidAt::During,
        };
        PersonFilter {
            group: self.group.map(GroupId).filter(|group| circle.shows(*group)),
            in_one_of: within(circle, self.group.map(GroupId)),
            validity: self.valid.as_deref().map(|word| (state(word), now)),
            consent: self.consent,
            has_templates: self.templates,
            created_from: self.created_from.map(|at| at.0),
            created_until: self.created_until.map(|at| at.0),
            ..PersonFilter::default()
        }
    }
}

/// A page of persons, the oldest first, by name and by filters, all of which must fit.
#[utoipa::path(get, path = "/api/v1/persons", operation_id = "persons_list", tag = "persons", security(("bearer" = [])),
    params(Wanted), responses((status = 200, description = "The persons", body = Persons)))]
#[tracing::instrument(name = "http.v1.persons.list", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<PersonsRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<Persons>, ApiError> {
    let limit = paging::limit(wanted.limit)?;
    let circle = may.circle().await?;
    let filter = wanted.filter(api.now(), &circle);
    let after = wanted.after.map(PersonId);
    // One more than asked for tells whether there is another page.
    let mut persons = match wanted.name.as_deref().filter(|name| !name.trim().is_empty()) {
        Some(name) => named(&api, name, filter, after, limit + 1).await?,
        None => api.store.persons_where(&filter, after, limit + 1).await?,
    };
    let more = persons.len() > limit as usize;
    persons.truncate(limit as usize);
    let next = persons.last().filter(|_| more).map(|person| person.id.0);
    Ok(Json(Persons { items: persons.into_iter().map(|person| PersonView::new(person, &circle)).collect(), next }))
}

/// The groups one of which somebody must be in to be within reach; a group out of reach has nobody in it.
fn within(circle: &Circle, asked: Option<GroupId>) -> Option<BTreeSet<GroupId>> {
    match circle {
        _ if asked.is_some_and(|group| !circle.shows(group)) => Some(BTreeSet::new()),
        Circle::Everything | Circle::Within { everyone: true, .. } => None,
        Circle::Within { groups, .. } => Some(groups.clone()),
    }
}

/// Those of the persons found by name who fit the other filters as well.
async fn named(
    api: &Api,
    name: &str,
    filter: PersonFilter,
    after: Option<PersonId>,
    limit: u32,
) -> Result<Vec<Person>, ApiError> {
    let found = api.names.find(name).await?;
    let rest = after.map_or(0, |after| found.partition_point(|id| *id <= after));
    let mut persons = Vec::new();
    for some in found[rest..].chunks(AT_ONCE) {
        let left = limit - u32::try_from(persons.len()).unwrap_or(limit);
        if left == 0 {
            break;
        }
        let among = PersonFilter { among: Some(some.to_vec()), ..filter.clone() };
        persons.extend(api.store.persons_where(&among, None, left).await?);
    }
    Ok(persons)
}
