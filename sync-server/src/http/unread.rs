//! What a handler left of a request's body, because it knew its answer without it.
//!
//! Over HTTP/1.1 a connection with unread bytes cannot carry another request, and closing it may lose the answer on the
//! way. So the rest is read within bounds; beyond them the client is told that the connection ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt};

/// Most bytes read for nothing.
const MOST_BYTES: usize = 4 << 20;
/// Longest time spent on it.
const LONGEST: Duration = Duration::from_secs(2);

/// Where the rest of a body is left.
type Rest = Arc<Mutex<Option<BodyDataStream>>>;

/// A body that gives back what was not read of it.
struct Lent {
    body: Option<BodyDataStream>,
    rest: Rest,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = body.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}

/// Reads what was left of the body, so that the connection can go on, or says that it ends.
pub async fn finish(request: Request, next: Next) -> Response {
    // HTTP/2 ends a stream without ending the connection.
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let rest = Rest::default();
    let lend = |body: Body| Body::from_stream(Lent { body: Some(body.into_data_stream()), rest: Arc::clone(&rest) });
    let mut response = next.run(request.map(lend)).await;
    let left = rest.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(left) = left
        && !read_up(left).await
    {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the end was reached.
async fn read_up(mut left: BodyDataStream) -> bool {
    let mut bytes = 0;
    let reading = async {
        while let Some(read) = left.next().await {
            bytes += read.ok()?.len();
            (bytes <= MOST_BYTES).then_some(())?;
        }
        Some(())
    };
    tokio::time::timeout(LONGEST, reading).await.is_ok_and(|read| read.is_some())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn refuse(_request: Request) -> &'static str {
        "no"
    }

    async fn server() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", post(refuse)).layer(from_fn(finish));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        TcpStream::connect(address).await.unwrap()
    }

    /// Sends a head that promises `promised` bytes and `sent` of them; the answer's head.
    async fn ask(stream: &mut TcpStream, promised: usize, sent: usize) -> String {
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {promised}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase()
    }

    #[tokio::test]
    async fn a_body_nobody_read_does_not_end_the_connection() {
        let mut stream = server().await;
        for size in [0, 10, 300_000, 2_000_000] {
            let answer = ask(&mut stream, size, size).await;
            assert!(answer.contains("200 ok") && !answer.contains("connection: close"), "{size}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_body_without_end_does() {
        let mut stream = server().await;
        let answer = ask(&mut stream, 2 * MOST_BYTES, 1000).await;
        assert!(answer.contains("200 ok") && answer.contains("connection: close"), "{answer}");
    }
}
