//! What an operation demands of who calls it, read from its handler's arguments.
//!
//! A route is registered by `guarded!`, `open!` or `device!`. The first reads the demand from the type of the
//! handler, so that what the description says (`x-permission`) and what the extractor asks cannot differ; the other
//! two only compile for handlers that demand nothing.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::handler::Handler;
use serde_json::{Value, json};
use utoipa::openapi::Paths;
use utoipa::openapi::extensions::Extensions;

use super::api::Api;
use super::auth::{Caller, May, Throughout};
use super::etag::{IfMatch, IfMatchPerson, MustMatch};
use super::extract::{ClientAddress, InPath, TextInPath, Valid, ValidQuery};
use crate::domain::access::Permission;
use crate::domain::access::may::Needs;

/// What is demanded of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// To be signed in.
    SignedIn,
    /// A permission over something; what is answered is limited to that.
    Within(Permission),
    /// A permission over the whole installation.
    Throughout(Permission),
}

impl Demand {
    /// As it stands in the description, under `x-permission`.
    fn described(self) -> Value {
        match self {
            Self::SignedIn => json!({"name": null, "over": "self"}),
            Self::Within(permission) => json!({"name": permission.as_str(), "over": "reach"}),
            Self::Throughout(permission) => json!({"name": permission.as_str(), "over": "everything"}),
        }
    }
}

/// An argument of a handler, with what it demands; most demand nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it demands of a caller",
    note = "add `impl Asks for {Self} {{}}` beside the extractor, if it demands nothing"
)]
pub trait Asks {
    /// What it demands.
    const DEMAND: Option<Demand> = None;
}

impl<S> Asks for State<S> {}
impl<T> Asks for Valid<T> {}
impl<T> Asks for ValidQuery<T> {}
impl<T> Asks for InPath<T> {}
impl Asks for TextInPath {}
impl Asks for IfMatch {}
impl Asks for IfMatchPerson {}
impl Asks for MustMatch {}
impl Asks for ClientAddress {}
impl Asks for Request {}
impl Asks for Result<WebSocketUpgrade, WebSocketUpgradeRejection> {}

impl Asks for Caller {
    const DEMAND: Option<Demand> = Some(Demand::SignedIn);
}

impl<P: Needs> Asks for May<P> {
    const DEMAND: Option<Demand> = Some(Demand::Within(P::PERMISSION));
}

impl<P: Needs> Asks for Throughout<P> {
    const DEMAND: Option<Demand> = Some(Demand::Throughout(P::PERMISSION));
}

/// All arguments of a handler together: the first demand among them.
pub trait Demands {
    /// The demand.
    const DEMAND: Option<Demand>;
}

impl Demands for ((),) {
    const DEMAND: Option<Demand> = None;
}

/// The first of two demands.
const fn either(first: Option<Demand>, second: Option<Demand>) -> Option<Demand> {
    if first.is_some() { first } else { second }
}

macro_rules! demands_of_arguments {
    ($($name:ident)*) => {
        impl<M, $($name: Asks),*> Demands for (M, $($name,)*) {
            const DEMAND: Option<Demand> = demands_of_arguments!(@first $($name)*);
        }
    };
    (@first) => { None };
    (@first $name:ident $($rest:ident)*) => { either($name::DEMAND, demands_of_arguments!(@first $($rest)*)) };
}

demands_of_arguments!(A);
demands_of_arguments!(A B);
demands_of_arguments!(A B C);
demands_of_arguments!(A B C D);
demands_of_arguments!(A B C D E);
demands_of_arguments!(A B C D E F);
demands_of_arguments!(A B C D E F G);
demands_of_arguments!(A B C D E F G H);

/// Writes a handler's demand into its operation; does not compile for a handler without one.
pub fn guard<H, T>(_handler: &H, paths: &mut Paths)
where
    H: Handler<T, Api>,
    T: Demands,
{
    let demand = const { T::DEMAND.expect("a guarded handler takes `May`, `Throughout` or `Caller`") };
    declare(paths, "x-permission", demand.described());
}

/// Writes down that an operation is for everybody, or for devices; does not compile for a handler with a demand.
pub fn free<H, T>(_handler: &H, paths: &mut Paths, word: &str)
where
    H: Handler<T, Api>,
    T: Demands,
{
    const { assert!(T::DEMAND.is_none(), "a handler that demands something is registered by `guarded!`") };
    declare(paths, word, Value::Bool(true));
}

fn declare(paths: &mut Paths, word: &str, value: Value) {
    for item in paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let said = Extensions::from_iter([(word.to_owned(), value.clone())]);
            operation.extensions.get_or_insert_default().merge(said);
        }
    }
}

/// Registers a handler that demands something of its caller.
macro_rules! guarded {
    ($handler:path) => {{
        let mut routes = utoipa_axum::routes!($handler);
        $crate::http::access::guard(&$handler, &mut routes.1);
        routes
    }};
}

/// Registers a handler that is for everybody.
macro_rules! open {
    ($handler:path) => {{
        let mut routes = utoipa_axum::routes!($handler);
        $crate::http::access::free(&$handler, &mut routes.1, "x-public");
        routes
    }};
}

/// Registers a handler that is for devices, which prove themselves in the body.
macro_rules! device {
    ($handler:path) => {{
        let mut routes = utoipa_axum::routes!($handler);
        $crate::http::access::free(&$handler, &mut routes.1, "x-device");
        routes
    }};
}

pub(crate) use {device, guarded, open};
