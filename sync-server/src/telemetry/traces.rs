//! Traces for a collector that speaks OTLP over HTTP, where one is configured: the log's spans, and nothing else.
//!
//! Spans are gathered on a thread of the library's own and handed over in batches; what a collector does not take in time
//! is dropped, and nobody waits for it. Start reading at [`Traces::begin`].

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

/// Spans that wait for the collector; more are dropped.
const WAITING: usize = 4_096;
/// Spans of one request.
const TOGETHER: usize = 512;
const EVERY: Duration = Duration::from_secs(5);
const HAND_OVER_WITHIN: Duration = Duration::from_secs(5);
/// A collector's answer is not read beyond this.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
const SERVICE: &str = "ostiary-server";

/// Where spans go.
pub struct Traces {
    provider: SdkTracerProvider,
    carrier: Carrier,
}

impl Traces {
    /// To the collector at `url`, `http(s)://host:4318/v1/traces`; of all traces so large a share, 0 to 1.
    ///
    /// # Errors
    /// If the address or the share is none.
    pub fn begin(url: &str, share: f64) -> Result<Self> {
        let carrier = Carrier::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(carrier.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .with_timeout(HAND_OVER_WITHIN)
            .build()
            .context("log.traces_url")?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(EVERY)
            .build();
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
            .with_resource(resource)
            .build();
        Ok(Self { provider, carrier })
    }

    /// Makes spans of ours known to it.
    #[must_use]
    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer(SERVICE)
    }

    /// Lets spans go out from now on, over this runtime; until then there is none to carry them.
    pub fn carry_over(&self, runtime: Handle) {
        // A second runtime of one process does not take the first one's place.
        let _ = self.carrier.0.runtime.set(runtime);
    }

    /// Hands over what waits. Blocks until that is done or given up.
    pub fn finish(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(HAND_OVER_WITHIN) {
            tracing::debug!(%error, "the last spans were not handed over: {error}");
        }
    }
}

/// Carries spans by the program's own HTTP client. The library calls it from a thread without a runtime.
#[derive(Clone, Debug, Default)]
struct Carrier(Arc<Way>);

#[derive(Debug, Default)]
struct Way {
    runtime: OnceLock<Handle>,
    client: OnceLock<reqwest::Client>,
    /// Why the last batch was not taken, so that the log hears of it once.
    trouble: Mutex<Option<String>>,
}

#[async_trait]
impl HttpClient for Carrier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let runtime = self.0.runtime.get().ok_or("the server is not running yet")?;
        let client = self.0.client()?.clone();
        let sent = runtime.spawn(async move { tokio::time::timeout(HAND_OVER_WITHIN, send(client, request)).await });
        let answer = match sent.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("no answer in time".into()),
            Err(error) => Err(error.into()),
        };
        self.0.note(match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        });
        answer
    }
}

impl Way {
    fn client(&self) -> Result<&reqwest::Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder().connect_timeout(HAND_OVER_WITHIN).build()?;
        Ok(self.client.get_or_init(|| client))
    }

    fn note(&self, trouble: Option<String>) {
        if trouble.is_some() {
            metrics::counter!("ostiary_server_traces_refused_total").increment(1);
        }
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (known.is_some(), &trouble) {
            (false, Some(why)) => tracing::warn!("the collector of traces takes nothing, spans are dropped: {why}"),
            (true, None) => tracing::info!("the collector of traces takes spans again"),
            _ => {}
        }
        *known = trouble;
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > ANSWER_MAX_BYTES {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&piece);
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::extract::State;
    use axum::routing::post;
    use tokio::sync::mpsc;
    use tracing_subscriber::prelude::*;

    use super::*;

    async fn collector() -> (SocketAddr, mpsc::UnboundedReceiver<Bytes>) {
        let (sender, received) = mpsc::unbounded_channel();
        let take = async |State(sender): State<mpsc::UnboundedSender<Bytes>>, body: Bytes| {
            sender.send(body).unwrap();
        };
        let app = Router::new().route("/v1/traces", post(take)).with_state(sender);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        (at, received)
    }

    fn say(traces: &Traces, number: u64) {
        let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(spans), || {
            let _inside = tracing::info_span!("http.v1.tried", number).entered();
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn spans_reach_a_collector() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (at, mut received) = collector().await;
        let traces = Traces::begin(&format!("http://{at}/v1/traces"), 1.0).unwrap();
        traces.carry_over(Handle::current());
        say(&traces, 7);
        tokio::task::spawn_blocking(move || traces.finish()).await.unwrap();
        let body = received.try_recv().expect("a batch");
        let holds = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("http.v1.tried") && holds("ostiary-server") && holds("number"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lost_collector_is_told_of_once_and_holds_up_nobody() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let traces = Traces::begin(&format!("http://{closed}/v1/traces"), 1.0).unwrap();
        traces.carry_over(Handle::current());
        let way = traces.carrier.0.clone();
        let began = std::time::Instant::now();
        (0..2 * WAITING as u64).for_each(|number| say(&traces, number));
        assert!(began.elapsed() < Duration::from_secs(20), "nobody waits for the collector");
        tokio::task::spawn_blocking(move || traces.finish()).await.unwrap();
        assert!(way.trouble.lock().unwrap().is_some());
    }
}
