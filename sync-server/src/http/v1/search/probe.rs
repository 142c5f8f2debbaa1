//! What is looked for: a picture in the body, or JSON that names an event or a person.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use garde::Validate;
use ostiary_common::ids::{EventId, PersonId};
use ostiary_models::embed::Embedding;
use serde::Deserialize;
use serde_json::Map;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::Permission;
use crate::domain::access::may::Recognize;
use crate::enroll::problem::PhotoProblem;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::ApiError;
use crate::http::v1::persons::photo_body::read_body;
use crate::http::v1::persons::photos::failed;

/// An event or a person, one of them.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The event whose face is looked for.
    #[garde(skip)]
    event: Option<Uuid>,
    /// The person whose faces are looked for.
    #[garde(skip)]
    person: Option<Uuid>,
}

/// What is looked for.
pub(super) enum Probe {
    Photo(Bytes),
    Event(EventId),
    Person(PersonId),
}

/// The faces of what is looked for, and how the audit log names it.
pub(super) struct Probed {
    pub(super) faces: Vec<Embedding>,
    pub(super) event: Option<EventId>,
    pub(super) person: Option<PersonId>,
    pub(super) target: String,
}

impl Probe {
    pub(super) async fn read(api: &Api, request: Request) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().ends_with("json") {
            let mut photos = read_body(api, request).await?;
            return match (photos.pop(), photos.is_empty()) {
                (Some(photo), true) => Ok(Self::Photo(photo)),
                _ => Err(ApiError::BadRequest("send one picture".into())),
            };
        }
        let Valid(Named { event, person }) = Valid::<Named>::from_request(request, api).await?;
        match (event, person) {
            (Some(event), None) => Ok(Self::Event(EventId(event))),
            (None, Some(person)) => Ok(Self::Person(PersonId(person))),
            _ => Err(ApiError::Invalid { field: "event", detail: "name an event or a person, one of them".into() }),
        }
    }

    /// The faces, as far as the caller may use them.
    pub(super) async fn faces(self, api: &Api, may: &May<Recognize>) -> Result<Probed, ApiError> {
        let none = Probed { faces: Vec::new(), event: None, person: None, target: String::new() };
        match self {
            Self::Photo(photo) => {
                let read = api.enrollment.desk.read(photo).await.map_err(|error| failed(error.into()))?;
                Ok(Probed { faces: vec![read.map_err(refused)?.embedding], ..none })
            }
            Self::Event(id) => {
                // Its face is part of the event: whoever may not see events may not look for theirs.
                let seen = may.caller.access.reach(Permission::EventsRead);
                let known = api.within.event_within(&may.reach, id).await?;
                may.found(known.filter(|event| seen.covers(event.site, event.door)), "event")?;
                let face = api.store.event_face(&may.reach, id).await?;
                let face = face.and_then(|(pack, bytes)| api.faces.read(&pack, &bytes));
                let faces = vec![face.ok_or_else(no_face_kept)?];
                Ok(Probed { faces, event: Some(id), target: format!("event:{id}"), ..none })
            }
            Self::Person(id) => {
                may.person(id).await?;
                let faces = api.enrollment.faces_of(id).await?;
                if faces.is_empty() {
                    return Err(no_face_kept());
                }
                Ok(Probed { faces, person: Some(id), target: format!("person:{id}"), ..none })
            }
        }
    }
}

fn refused(problem: PhotoProblem) -> ApiError {
    let (slug, title, detail) = (problem.slug(), problem.title(), problem.detail());
    ApiError::Refused { slug, title, detail, more: Map::new() }
}

fn no_face_kept() -> ApiError {
    ApiError::Refused {
        slug: "no-face-kept",
        title: "There is no face to look for",
        detail: "No face of the present model pack is kept of it. Faces of visits are forgotten in time; a person has \
                 one once a photo was accepted. Send a picture instead."
            .into(),
        more: Map::new(),
    }
}
