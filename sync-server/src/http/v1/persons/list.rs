//! A page of persons.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::PersonView;
use crate::domain::access::may::PersonsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Queried;
use crate::http::paging;
use crate::http::problem::ApiError;

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Persons of a page, 1 to 500.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<Uuid>,
}

/// A page of persons, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Persons {
    /// The persons.
    items: Vec<PersonView>,
    /// Pass it as `after` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// A page of persons, the oldest first.
#[utoipa::path(get, path = "/api/v1/persons", operation_id = "persons_list", tag = "persons", security(("bearer" = [])), params(Page),
    responses((status = 200, description = "The persons", body = Persons)))]
pub async fn list(
    State(api): State<Api>,
    may: May<PersonsRead>,
    Queried(page): Queried<Page>,
) -> Result<Json<Persons>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let circle = may.circle().await?;
    let persons = api.within.persons_within(&circle, page.after.map(PersonId), limit).await?;
    let full = persons.len() == limit as usize;
    let next = persons.last().filter(|_| full).map(|person| person.id.0);
    Ok(Json(Persons { items: persons.into_iter().map(|person| PersonView::new(person, &circle)).collect(), next }))
}
