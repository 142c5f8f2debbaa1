//! What every operation can answer beyond what its handler says, put into the description in one place.
//!
//! A refusal that comes from an extractor, a layer or the framework belongs to no handler; which ones an operation can meet
//! follows from what it takes: an account, an id in the path, a query, a body.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{
    Content, OpenApi, Ref, RefOr, Required, ResponseBuilder,
    path::{HttpMethod, PathItem},
};

use super::problem::PROBLEM_JSON;

/// A refusal that many operations share.
struct Shared {
    status: &'static str,
    name: &'static str,
    words: &'static str,
}

const BAD_REQUEST: Shared = Shared { status: "400", name: "BadRequest", words: "`bad-request`: it cannot be read" };
const NOT_SIGNED_IN: Shared =
    Shared { status: "401", name: "NotSignedIn", words: "`not-signed-in`: no token, or not a good one" };
const NOT_ALLOWED: Shared =
    Shared { status: "403", name: "NotAllowed", words: "`not-allowed`: not with this account's roles" };
const NOT_FOUND: Shared = Shared {
    status: "404",
    name: "NotFound",
    words: "`not-found`: it is not there, or not within this account's reach",
};
const TOO_SLOW: Shared = Shared { status: "408", name: "TooSlow", words: "`request-timeout`: it took too long" };
const CONFLICT: Shared = Shared {
    status: "409",
    name: "Conflict",
    words: "`taken`, `wrong-state`, `in-use`; with an `Idempotency-Key` also `in-progress`, `answer-gone`",
};
const OUTDATED: Shared = Shared { status: "412", name: "Outdated", words: "`outdated`: changed meanwhile" };
const TOO_LARGE: Shared = Shared { status: "413", name: "TooLarge", words: "`body-too-large`" };
const UNSUPPORTED: Shared =
    Shared { status: "415", name: "UnsupportedMediaType", words: "`unsupported-media-type`: see the request body" };
const INVALID: Shared =
    Shared { status: "422", name: "Invalid", words: "`invalid-value`: `errors` says which values, and why" };
const VERSION_REQUIRED: Shared =
    Shared { status: "428", name: "VersionRequired", words: "`version-required`: send `If-Match`" };
const TOO_MANY: Shared =
    Shared { status: "429", name: "TooMany", words: "`too-many-requests`: come again after `Retry-After` seconds" };
const INTERNAL: Shared =
    Shared { status: "500", name: "Internal", words: "`internal`: the server failed; its log has the cause" };
const UNAVAILABLE: Shared =
    Shared { status: "503", name: "Unavailable", words: "`unavailable`: come again after `Retry-After` seconds" };

const ALL: [&Shared; 14] = [
    &BAD_REQUEST,
    &NOT_SIGNED_IN,
    &NOT_ALLOWED,
    &NOT_FOUND,
    &TOO_SLOW,
    &CONFLICT,
    &OUTDATED,
    &TOO_LARGE,
    &UNSUPPORTED,
    &INVALID,
    &VERSION_REQUIRED,
    &TOO_MANY,
    &INTERNAL,
    &UNAVAILABLE,
];

/// Completes every operation.
pub fn complete(openapi: &mut OpenApi) {
    let components = openapi.components.get_or_insert_with(Default::default);
    for shared in ALL {
        components.responses.insert(shared.name.to_owned(), RefOr::T(shared.response()));
    }
    for item in openapi.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            shared_by(&method, operation).into_iter().for_each(|shared| shared.add_to(operation));
            if method == HttpMethod::Post && is_secured(operation) {
                operation.parameters.get_or_insert_with(Vec::new).push(idempotency_key().into());
            }
        }
    }
}

impl Shared {
    fn response(&self) -> Response {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new().description(self.words).content(PROBLEM_JSON, content).build()
    }

    /// What a handler says of a status itself stays.
    fn add_to(&self, operation: &mut Operation) {
        let there = operation.responses.responses.entry(self.status.to_owned());
        there.or_insert_with(|| RefOr::Ref(Ref::from_response_name(self.name)));
    }
}

fn is_secured(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|needed| !needed.is_empty())
}

fn shared_by(method: &HttpMethod, operation: &Operation) -> Vec<&'static Shared> {
    let mut shared = vec![&TOO_MANY, &INTERNAL, &TOO_SLOW, &UNAVAILABLE];
    if is_secured(operation) {
        shared.extend([&NOT_SIGNED_IN, &NOT_ALLOWED]);
    }
    let has = |place: ParameterIn, name: Option<&str>| {
        let is_it = |it: &Parameter| name.is_none_or(|name| it.name.eq_ignore_ascii_case(name));
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|it| matches!(it, RefOr::T(it) if it.parameter_in == place && is_it(it)))
    };
    if has(ParameterIn::Path, None) {
        shared.extend([&BAD_REQUEST, &NOT_FOUND]);
    }
    if has(ParameterIn::Query, None) {
        shared.extend([&BAD_REQUEST, &INVALID]);
    }
    if has(ParameterIn::Header, Some("If-Match")) {
        shared.extend([&BAD_REQUEST, &OUTDATED, &VERSION_REQUIRED]);
    }
    if operation.request_body.is_some() {
        shared.extend([&BAD_REQUEST, &NOT_FOUND, &TOO_LARGE, &UNSUPPORTED, &INVALID]);
    }
    if !matches!(method, HttpMethod::Get | HttpMethod::Head) {
        shared.extend([&BAD_REQUEST, &CONFLICT]);
    }
    if *method == HttpMethod::Post && is_secured(operation) {
        shared.extend([&TOO_LARGE, &INVALID]);
    }
    shared
}

fn idempotency_key() -> Parameter {
    let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128));
    let words =
        "Carries the request out once, however often it is sent with this key within a day; a UUID is a good key";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(words))
        .schema(Some(key.pattern(Some("^[!-~]+$"))))
        .build()
}

fn operations(item: &mut PathItem) -> Vec<(HttpMethod, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, head, options, trace, .. } = item;
    let all = [
        (HttpMethod::Get, get),
        (HttpMethod::Put, put),
        (HttpMethod::Post, post),
        (HttpMethod::Delete, delete),
        (HttpMethod::Patch, patch),
        (HttpMethod::Head, head),
        (HttpMethod::Options, options),
        (HttpMethod::Trace, trace),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect()
}
