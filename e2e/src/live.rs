//! The live feed: events as they are committed, over a WebSocket.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::api::Api;
use crate::tls;

/// What a connection goes over.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection to the live feed.
#[derive(Debug)]
pub struct Live {
    socket: Socket,
}

impl Live {
    /// Connects; events after `cursor` come first.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn connect(api: &Api, ca_pem: &str, cursor: i64) -> Result<Self> {
        Self::connect_with(api, ca_pem, &format!("after={cursor}")).await
    }

    /// Connects with a query of one's own.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn connect_with(api: &Api, ca_pem: &str, query: &str) -> Result<Self> {
        let url = format!("{}/api/v1/events/live?{query}", api.base().replacen("https", "wss", 1));
        let mut request = url.into_client_request()?;
        let bearer = format!("Bearer {}", api.token().context("logged in")?);
        request.headers_mut().insert("authorization", bearer.parse()?);
        let connector = Connector::Rustls(tls::client(ca_pem)?);
        let (socket, _) = connect_async_tls_with_config(request, None, false, Some(connector))
            .await
            .context("connecting to the live feed")?;
        Ok(Self { socket })
    }

    /// The socket itself, for who reads it in another way.
    #[must_use]
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// The next event.
    ///
    /// # Errors
    /// If the feed ends, or none comes in time.
    pub async fn next(&mut self, deadline: Duration) -> Result<Value> {
        let end = Instant::now() + deadline;
        loop {
            let message = timeout_at(end, self.socket.next()).await;
            let message = message.with_context(|| format!("no event within {:.0} s", deadline.as_secs_f64()))?;
            match message.context("the live feed ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(frame) => bail!("the server closed the live feed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The next event of which `wanted` holds; others are passed over.
    ///
    /// # Errors
    /// As [`Live::next`].
    pub async fn find(&mut self, deadline: Duration, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let end = Instant::now() + deadline;
        let mut last = None;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let event = self.next(left).await.with_context(|| {
                let last = last.as_ref().map_or_else(|| "none at all".to_owned(), Value::to_string);
                format!("what was waited for did not come in {:.0} s; the last was {last}", deadline.as_secs_f64())
            })?;
            if wanted(&event) {
                return Ok(event);
            }
            last = Some(event);
        }
    }
}
