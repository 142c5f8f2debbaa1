//! A webhook as it is sent and shown.

use garde::Validate;
use ostiary_common::ids::{DoorId, SiteId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::Scope;
use crate::http::problem::ApiError;
use crate::http::rules;
use crate::ports::notify::Webhook;
use crate::ports::poster::Poster;

fn yes() -> bool {
    true
}

/// Another program that is told, by HTTP.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    /// What people call it, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Ticket system")]
    pub(super) name: String,
    /// Where to, `https://…`; left out of a change, it stays. It is never shown whole again.
    #[garde(inner(length(max = 1000)))]
    pub(super) url: Option<String>,
    /// Told what happens at this site; not with `door`. Without either, anywhere.
    #[garde(skip)]
    pub(super) site: Option<Uuid>,
    /// Told what happens at this door.
    #[garde(skip)]
    pub(super) door: Option<Uuid>,
    /// Whether it is in use.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

impl WebhookBody {
    pub(super) fn place(&self) -> Result<Scope, ApiError> {
        match (self.site, self.door) {
            (Some(_), Some(_)) => Err(ApiError::Invalid { field: "door", detail: "a site or a door, not both".into() }),
            (Some(site), None) => Ok(Scope::Site(SiteId(site))),
            (None, door) => Ok(door.map_or(Scope::Everything, |door| Scope::Door(DoorId(door)))),
        }
    }

    /// The address, if one was sent, checked as far as it can be without calling it.
    pub(super) fn checked_url(&self, poster: &dyn Poster) -> Result<Option<String>, ApiError> {
        let Some(url) = self.url.clone() else { return Ok(None) };
        poster.check(&url).map_err(|e| ApiError::Invalid { field: "url", detail: e.to_string() })?;
        Ok(Some(url))
    }
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub struct WebhookView {
    /// Id.
    id: Uuid,
    /// What people call it.
    name: String,
    /// The beginning of the address, up to its host: what follows may be a secret.
    origin: String,
    /// The site it is told of.
    site: Option<Uuid>,
    /// The door it is told of.
    door: Option<Uuid>,
    /// Whether it is in use.
    enabled: bool,
    /// Made at.
    created_at: String,
    /// Changed at.
    changed_at: String,
    /// Rises with every change; also the `ETag`.
    version: u64,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let (site, door) = match webhook.place {
            Scope::Everything => (None, None),
            Scope::Site(site) => (Some(site.0), None),
            Scope::Door(door) => (None, Some(door.0)),
        };
        Self {
            id: webhook.id.0,
            name: webhook.name.clone(),
            origin: origin(&webhook.url),
            site,
            door,
            enabled: webhook.enabled,
            created_at: webhook.created_at.to_rfc3339(),
            changed_at: webhook.changed_at.to_rfc3339(),
            version: webhook.version,
        }
    }
}

/// A webhook with its secret, which is shown only here.
#[derive(Serialize, ToSchema)]
pub struct WebhookMade {
    /// The webhook.
    #[serde(flatten)]
    pub(super) webhook: WebhookView,
    /// Checks signatures, as "Standard Webhooks" writes it: `whsec_` and base64.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(super) secret: String,
}

fn origin(url: &str) -> String {
    let behind_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[behind_scheme..].find(['/', '?', '#']).map_or(url.len(), |at| behind_scheme + at);
    url[..end].to_owned()
}

/// What the audit log is told: everything but address and secret.
pub(super) fn noted(webhook: &Webhook) -> Value {
    json!({"name": webhook.name, "origin": origin(&webhook.url), "enabled": webhook.enabled,
        "place": format!("{:?}", webhook.place)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_an_address_is_shown() {
        let check = |url: &str, expected: &str| assert_eq!(origin(url), expected);
        check("https://hooks.example/T0/secret", "https://hooks.example");
        check("https://hooks.example:8443?token=secret", "https://hooks.example:8443");
        check("https://hooks.example", "https://hooks.example");
    }
}
