//! Conversations and messages as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::titles::Title;
use crate::domain::talk::{Message, Thread};

/// A conversation.
#[derive(Serialize, ToSchema)]
pub struct ThreadView {
    /// Id.
    pub(super) id: Uuid,
    /// What it is about: `event`, `person`, `door`, `unknown`.
    #[schema(value_type = String)]
    about: &'static str,
    /// The event, person, door or unknown visitor.
    subject: Uuid,
    /// What it is called: the person's or the door's name, or of an event the name of who was named, if anybody was.
    name: Option<String>,
    /// Of an event, its kind; absent if the event is no longer kept.
    #[schema(value_type = Option<String>)]
    kind: Option<&'static str>,
    /// Of an event, when it happened.
    happened_at: Option<String>,
    /// The site; absent of one about a person or an unknown visitor.
    site: Option<Uuid>,
    /// The door.
    door: Option<Uuid>,
    /// `open` or `resolved`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Whose turn it is.
    assignee: Option<Uuid>,
    /// Whether it is kept however old it is.
    held: bool,
    /// How many messages there are.
    messages: u64,
    /// How many of them, of others, you have not read.
    unread: u64,
    /// Begun at.
    created_at: String,
    /// When something was last said or changed.
    last_at: String,
    /// Rises with every change of state, assignee and hold; also the `ETag`.
    version: u64,
}

impl ThreadView {
    /// A conversation with what it is about in words.
    pub(super) fn new(thread: &Thread, title: Title) -> Self {
        Self {
            id: thread.id.0,
            about: thread.about.as_str(),
            subject: thread.about.id(),
            name: title.name,
            kind: title.kind,
            happened_at: title.at.map(|at| at.to_rfc3339()),
            site: thread.place.map(|(site, _)| site.0),
            door: thread.place.map(|(_, door)| door.0),
            state: thread.state.as_str(),
            assignee: thread.assignee.map(|account| account.0),
            held: thread.held,
            messages: thread.messages,
            unread: thread.unread,
            created_at: thread.created_at.to_rfc3339(),
            last_at: thread.last_at.to_rfc3339(),
            version: thread.version,
        }
    }
}

/// What somebody said.
#[derive(Serialize, ToSchema)]
pub struct MessageView {
    /// Id; rises with the time it was written.
    pub(super) id: Uuid,
    /// The conversation.
    thread: Uuid,
    /// Who wrote it; absent if the account is gone.
    author: Option<Uuid>,
    /// What that account is called.
    author_name: Option<String>,
    /// When.
    at: String,
    /// When it was last changed; what it said before is at `/api/v1/messages/{id}/history`.
    edited_at: Option<String>,
    /// What it says, plain text; absent if it was taken back.
    text: Option<String>,
    /// Whom it names.
    mentions: Vec<Uuid>,
    /// Events it points to.
    events: Vec<Uuid>,
}

impl MessageView {
    /// A message, with what its author is called.
    pub(super) fn new(message: Message, author_name: Option<String>) -> Self {
        Self {
            author_name,
            id: message.id.0,
            thread: message.thread.0,
            author: message.author.map(|account| account.0),
            at: message.at.to_rfc3339(),
            edited_at: message.edited_at.map(|at| at.to_rfc3339()),
            text: message.text,
            mentions: message.mentions.into_iter().map(|account| account.0).collect(),
            events: message.events.into_iter().map(|event| event.0).collect(),
        }
    }
}
