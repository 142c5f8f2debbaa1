//! Every route, and the description generated from them.

use axum::Router;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use super::access::{guarded, open};
use super::api::Api;
use super::{describe, health, layers, panel, v1};

#[derive(OpenApi)]
#[openapi(
    info(title = "Ostiary", description = "Self-hosted face recognition for doors: the server's API.
Errors are problem+json (RFC 9457) with a stable `type`; times are RFC 3339 in UTC; lists are paged by cursor.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")),
    modifiers(&BearerTokens),
    components(schemas(super::problem::Problem)),
    tags(
        (name = "auth", description = "Signing in"),
        (name = "me", description = "The account signed in"),
        (name = "accounts", description = "Accounts of people and services, and what they may"),
        (name = "analytics", description = "Figures about visits and use"),
        (name = "conversations", description = "What people say about events, persons and doors"),
        (name = "notifications", description = "Who is told of what, and what became of it"),
        (name = "devices", description = "Sites, doors and the camera units at them"),
        (name = "device", description = "What devices themselves use"),
        (name = "recognition", description = "How strict recognition is, and what follows"),
        (name = "persons", description = "Who is enrolled"),
        (name = "groups", description = "Who may be known at which door"),
        (name = "captures", description = "Enrolling before a camera: guided, by a clip, at a door"),
        (name = "model-packs", description = "Model packs, from the archive to the doors"),
        (name = "gallery", description = "What devices are to hold"),
        (name = "events", description = "What cameras saw"),
        (name = "settings", description = "What holds for the installation as a whole"),
        (name = "audit", description = "Who did what"),
        (name = "health", description = "Whether the server works"),
    )
)]
struct Description;

struct BearerTokens;

impl Modify for BearerTokens {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The API, ready to be served.
pub fn router(api: Api) -> Router {
    let (routes, _) = routes().split_for_parts();
    let routes = routes.merge(undescribed()).merge(panel::routes()).fallback(panel::missing).with_state(api.clone());
    layers::apply(routes, &api)
}

/// The API's description, OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut openapi = routes().into_openapi();
    openapi.info.version = env!("CARGO_PKG_VERSION").into();
    describe::complete(&mut openapi);
    openapi
}

/// The description as pretty JSON with a line end, as it is committed.
pub fn openapi_json() -> String {
    let mut json = openapi().to_pretty_json().expect("an OpenAPI document has a JSON form");
    json.push('\n');
    json
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(open!(health::healthz))
        .routes(open!(health::readyz))
        .routes(guarded!(health::metrics))
        .merge(v1::routes())
}

/// Not in the description, since it is the description.
fn undescribed() -> Router<Api> {
    let describe = || async { ([("content-type", "application/json")], openapi_json()) };
    Router::new().route("/api/v1/openapi.json", axum::routing::get(describe))
}
