//! Errors told to a collector that speaks Sentry's protocol: a stand-in takes them, and finds nothing personal.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::fault::{FaultGroup, FaultKind, Fingerprint};
use ostiary_server::telemetry::reports::Reports;

type Heard = Arc<Mutex<Vec<String>>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_told_what_went_wrong_and_nothing_of_anybody() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let heard = Heard::default();
    async fn take(State(heard): State<Heard>, body: Bytes) -> &'static str {
        heard.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
        "{}"
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/api/1/envelope/", post(take)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let (kind, target, template) = (FaultKind::Panic, "ostiary_server::link", "panicked: index _ is beyond");
    let fault = FaultGroup {
        fingerprint: Fingerprint::of(kind, target, template, &[]),
        kind,
        target: target.into(),
        template: template.into(),
        message: "panicked: index 7 is beyond Ada Lovelace".into(),
        stack: "at src/link/ingest.rs:10 person=Ada\nin http.v1.persons.create token=secret".into(),
        version: "1.2.3".into(),
        count: 3,
        first_at: UnixMillis(0),
        last_at: UnixMillis(0),
        resolved: None,
    };
    let reports = Reports::begin(&format!("http://key@{address}/1")).unwrap();
    tokio::task::spawn_blocking(move || {
        reports.tell(&[fault]);
        reports.finish();
    })
    .await
    .unwrap();
    let heard = heard.lock().unwrap();
    let [envelope] = heard.as_slice() else { panic!("{} envelopes", heard.len()) };
    for told in ["panicked: index _ is beyond", "src/link/ingest.rs:10", "http.v1.persons.create", "\"fatal\""] {
        assert!(envelope.contains(told), "{told}: {envelope}");
    }
    for secret in ["Ada", "secret"] {
        assert!(!envelope.contains(secret), "{envelope}");
    }
}
