//! The conversation about something.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{DoorId, EventId, PersonId, SiteId, UnknownId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::ThreadView;
use super::{may_see, titles};
use crate::domain::access::Permission;
use crate::domain::access::may::EventsJudge;
use crate::domain::notify::ThreadId;
use crate::domain::talk::{About, Thread, ThreadState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract;
use crate::http::problem::{ApiError, Problem};

/// What it is about; one of these.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// An event.
    #[garde(skip)]
    event: Option<Uuid>,
    /// A person.
    #[garde(skip)]
    person: Option<Uuid>,
    /// A door.
    #[garde(skip)]
    door: Option<Uuid>,
    /// An unknown visitor, all of whose visits are within reach.
    #[garde(skip)]
    unknown: Option<Uuid>,
}

type Whereabouts = (About, Option<PersonId>, Option<(SiteId, DoorId)>);

impl Subject {
    async fn found(&self, api: &Api, may: &May<EventsJudge>) -> Result<Whereabouts, ApiError> {
        match (self.event, self.person, self.door, self.unknown) {
            (Some(event), None, None, None) => {
                let event = may.event(EventId(event)).await?;
                let person = event.record.visit.as_ref().and_then(|visit| visit.matched.as_ref());
                // What is said of a visit ends with whose visit it was.
                let person = event.person_name.as_ref().and(person).map(|matched| matched.person);
                Ok((About::Event(event.record.id), person, Some((event.site, event.door))))
            }
            (None, Some(person), None, None) => {
                let person = PersonId(person);
                let reach = may.caller.access.reach(Permission::PersonsRead);
                let circle = api.within.circle(&reach).await?;
                let known = api.store.person(person).await?.filter(|person| circle.admits(&person.groups));
                may.found(known.filter(|_| !reach.is_nothing()), "person")?;
                Ok((About::Person(person), Some(person), None))
            }
            (None, None, Some(door), None) => {
                let door = may.door(DoorId(door)).await?;
                Ok((About::Door(door.id), None, Some((door.site, door.id))))
            }
            (None, None, None, Some(unknown)) => {
                let unknown = may.unknown(UnknownId(unknown)).await?;
                if unknown.elsewhere > 0 {
                    return Err(may.beyond("every door this visitor was seen at"));
                }
                Ok((About::Unknown(unknown.id), None, None))
            }
            _ => Err(ApiError::Invalid { field: "event", detail: "one of event, person, door and unknown".into() }),
        }
    }
}

/// The conversation about an event, a person, a door or an unknown visitor; it is begun if there is none.
#[utoipa::path(post, path = "/api/v1/threads", operation_id = "threads_open", tag = "conversations",
    security(("bearer" = [])), request_body = Subject,
    responses(
        (status = 200, description = "It was there", body = ThreadView),
        (status = 201, description = "Begun", body = ThreadView),
        (status = 404, description = "No such event, person, door or visitor", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.threads.open", skip_all)]
pub async fn open(
    State(api): State<Api>,
    may: May<EventsJudge>,
    extract::Valid(subject): extract::Valid<Subject>,
) -> Result<(StatusCode, Json<ThreadView>), ApiError> {
    let (about, person, place) = subject.found(&api, &may).await?;
    let now = api.now();
    let thread = Thread {
        id: ThreadId::generate(),
        about,
        person,
        place,
        state: ThreadState::Open,
        assignee: None,
        held: false,
        messages: 0,
        created_at: now,
        last_at: now,
        version: 1,
        unread: 0,
    };
    let (thread, begun) = api.talk.open_thread(&thread).await?;
    // One that was begun elsewhere: the device has moved since.
    let seen = may_see(&api, &may.caller.access, Permission::EventsJudge, &thread).await?;
    may.found(seen.then_some(()), "conversation")?;
    if begun {
        let target = format!("thread:{}", thread.id);
        let detail = format!("about {}:{}", thread.about.as_str(), thread.about.id());
        api.audit_done(&may.caller, "thread.open", target, detail).await?;
    }
    let status = if begun { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(titles::titled(&api, thread).await?)))
}
