//! `/api/v1/threads`: conversations about events, persons, doors and unknown visitors.
//!
//! Who may see the door sees what is said about it and its events, and says something with `events.judge`; what is said
//! about a person is for those who may see the person, and about an unknown visitor for those who may see every door the
//! visitor was at.

pub mod create;
pub mod item;
pub mod list;
pub mod messages;
pub mod people;
pub mod read;
pub mod search;
mod titles;
mod view;

use crate::domain::access::Permission;
use crate::domain::access::may::Needs;
use crate::domain::notify::ThreadId;
use crate::domain::talk::{About, Thread};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::problem::ApiError;
use crate::ports::talk::TalkSight;

/// What of conversations a caller sees.
async fn sight<P: Needs>(api: &Api, may: &May<P>) -> Result<TalkSight, ApiError> {
    let persons = may.caller.access.reach(Permission::PersonsRead);
    let circle = api.within.circle(&persons).await?;
    Ok(TalkSight { account: may.caller.account, reach: may.reach.clone(), circle })
}

/// A conversation the caller may see, with this permission at its door.
async fn found<P: Needs>(api: &Api, may: &May<P>, id: ThreadId) -> Result<Thread, ApiError> {
    let thread = api.talk.thread(id, may.caller.account).await?;
    let seen = match &thread {
        Some(thread) => may_see(api, &may.caller.access, P::PERMISSION, thread).await?,
        None => false,
    };
    may.found(thread.filter(|_| seen), "conversation")
}

/// Whether an access lets see a conversation, with a permission at its door.
async fn may_see(
    api: &Api,
    access: &crate::domain::access::Access,
    needs: Permission,
    thread: &Thread,
) -> Result<bool, ApiError> {
    match (thread.about, thread.place) {
        (About::Person(person), _) => {
            let reach = access.reach(Permission::PersonsRead);
            if reach.is_nothing() || access.reach(needs).is_nothing() {
                return Ok(false);
            }
            let circle = api.within.circle(&reach).await?;
            let person = api.store.person(person).await?;
            Ok(person.is_some_and(|person| circle.admits(&person.groups)))
        }
        (About::Unknown(unknown), _) => {
            let reach = access.reach(needs);
            if reach.is_everything() {
                return Ok(true);
            }
            let unknown = api.store.unknown_within(&reach, unknown).await?;
            Ok(unknown.is_some_and(|unknown| unknown.elsewhere == 0))
        }
        (_, Some((site, door))) => Ok(access.reach(needs).covers(site, door)),
        (_, None) => Ok(false),
    }
}
