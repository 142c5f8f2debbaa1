//! Errors of the program told to a collector that speaks Sentry's protocol, where one is configured.
//!
//! Told are groups of faults as they are written down: what part of the program, its words without what differs from time to
//! time, where in the source, within which spans, how often. Values of any kind (names, ids, addresses, tokens, bodies)
//! are not: they are left out here, rather than filtered by a list of what is secret. Start reading at `report`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use sentry::protocol::{Event, Value};
use sentry::transports::DefaultTransportFactory;
use sentry::types::Dsn;
use sentry::{Client, ClientOptions, Level};

use crate::domain::fault::{FaultGroup, FaultKind};

/// What waits for the collector at the end of the program is handed over within this.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// Where errors are told. Reports wait in a bounded queue on a thread of the library's own; what a collector does not take is
/// dropped, and nobody waits for it.
pub struct Reports(Client);

impl Reports {
    /// To the collector that a DSN names.
    ///
    /// # Errors
    /// If it is none.
    pub fn begin(dsn: &str) -> Result<Self> {
        let dsn: Dsn = dsn.parse().context("telemetry.sentry_dsn")?;
        let mut options = ClientOptions::new();
        options.dsn = Some(dsn);
        options.release = Some(Cow::Borrowed(concat!("ostiary-server@", env!("CARGO_PKG_VERSION"))));
        options.transport = Some(Arc::new(DefaultTransportFactory));
        options.default_integrations = false;
        options.send_default_pii = false;
        options.max_breadcrumbs = 0;
        options.shutdown_timeout = HAND_OVER_WITHIN;
        Ok(Self(Client::from(options)))
    }

    /// Tells of faults that came together.
    pub fn tell(&self, faults: &[FaultGroup]) {
        for fault in faults {
            self.0.capture_event(report(fault), None);
        }
    }

    /// Hands over what waits. Blocks until that is done or given up.
    pub fn finish(&self) {
        self.0.close(Some(HAND_OVER_WITHIN));
    }
}

/// What is told of a fault.
fn report(fault: &FaultGroup) -> Event<'static> {
    let (place, spans) = whereabouts(&fault.stack);
    let extra =
        BTreeMap::from([("count".to_owned(), Value::from(fault.count)), ("within".to_owned(), Value::from(spans))]);
    Event {
        message: Some(fault.template.clone()),
        level: if fault.kind == FaultKind::Panic { Level::Fatal } else { Level::Error },
        logger: Some(fault.target.clone()),
        culprit: Some(place),
        fingerprint: Cow::Owned(vec![Cow::Owned(fault.fingerprint.to_string())]),
        release: Some(Cow::Owned(format!("ostiary-server@{}", fault.version))),
        extra: extra.into_iter().collect(),
        ..Event::default()
    }
}

/// Of a stack, the place in the source and the spans' names; of their fields nothing.
fn whereabouts(stack: &str) -> (String, Vec<String>) {
    let word =
        |line: &str, lead: &str| line.strip_prefix(lead).and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    let place = stack.lines().find_map(|line| word(line, "at ")).unwrap_or_default();
    (place, stack.lines().filter_map(|line| word(line, "in ")).collect())
}

#[cfg(test)]
mod tests {
    use ostiary_common::time::UnixMillis;

    use super::*;
    use crate::domain::fault::Fingerprint;

    #[test]
    fn no_value_is_told() {
        let (kind, target, template) = (FaultKind::Error, "ostiary_server::link", "row _ could not be written");
        let fault = FaultGroup {
            fingerprint: Fingerprint::of(kind, target, template, &[]),
            kind,
            target: target.into(),
            template: template.into(),
            message: "row 2 of Ada Lovelace could not be written".into(),
            stack: "at src/link.rs:10 error=Ada Lovelace\nin http.v1.persons.create name=Ada\nin http token=secret"
                .into(),
            version: "1.2.3".into(),
            count: 7,
            first_at: UnixMillis(0),
            last_at: UnixMillis(0),
            resolved: None,
        };
        let told = report(&fault);
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("Ada") && !text.contains("secret"), "{text}");
        assert_eq!((told.culprit.as_deref(), told.message.as_deref()), (Some("src/link.rs:10"), Some(template)));
        assert!(text.contains("http.v1.persons.create") && text.contains("\"count\":7"), "{text}");
    }

    #[test]
    fn what_is_no_dsn_is_refused() {
        for wrong in ["", "https://sentry.example/1", "nonsense"] {
            assert!(Reports::begin(wrong).is_err(), "{wrong}");
        }
    }
}
