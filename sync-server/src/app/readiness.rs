//! What `/readyz` asks.

use std::sync::Arc;

use tokio::sync::watch;

use super::broker::Embedded;
use crate::enroll::desk::Desk;
use crate::http::health::{Check, Readiness};
use crate::recognition::Recognition;
use crate::store::sql::SqlStore;

/// Store, broker, link, models; and whether the gallery outgrows its model pack.
pub fn of(
    store: Arc<SqlStore>,
    embedded: Option<&Embedded>,
    linked: watch::Receiver<bool>,
    desk: Arc<Desk>,
    recognition: Arc<Recognition>,
) -> Readiness {
    let readiness = Readiness::default().with("store", store_check(store)).with("link", link_check(linked));
    let readiness = readiness.with("model", answer(move || desk.check()));
    let readiness = readiness.with_hint("gallery", Arc::new(move || recognition.warning()));
    let Some(broker) = embedded.map(|embedded| embedded.broker.clone()) else { return readiness };
    let listening = move || if broker.is_listening() { Ok(()) } else { Err("it does not listen".to_owned()) };
    readiness.with("broker", answer(listening))
}

fn store_check(store: Arc<SqlStore>) -> Check {
    Arc::new(move || {
        let store = Arc::clone(&store);
        Box::pin(async move { store.check().await.map_err(|e| e.to_string()) })
    })
}

fn link_check(linked: watch::Receiver<bool>) -> Check {
    answer(move || if *linked.borrow() { Ok(()) } else { Err("not connected to the MQTT broker".to_owned()) })
}

/// A check that needs no waiting.
fn answer(ask: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Check {
    Arc::new(move || {
        let answer = ask();
        Box::pin(async move { answer })
    })
}
