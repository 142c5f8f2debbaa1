//! A connection whose client has to begin in time.
//!
//! Time-outs of the HTTP library begin once it knows which HTTP is spoken; who says nothing, or the beginning of
//! nothing, would be waited for for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

/// The preface of HTTP/2; every request of HTTP/1 is longer, too.
const TELLING_BYTES: usize = 24;

/// A stream with a deadline for its first bytes, and a place that is free again when it ends.
pub struct Patient<S> {
    stream: S,
    /// Gone once enough was said.
    beginning: Option<Beginning>,
    _place: OwnedSemaphorePermit,
}

struct Beginning {
    deadline: Pin<Box<Sleep>>,
    wanted: usize,
}

impl<S> Patient<S> {
    /// Waits `first_bytes` for the beginning.
    pub fn new(stream: S, first_bytes: Duration, place: OwnedSemaphorePermit) -> Self {
        let deadline = Box::pin(tokio::time::sleep(first_bytes));
        Self { stream, beginning: Some(Beginning { deadline, wanted: TELLING_BYTES }), _place: place }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let Some(beginning) = &mut self.beginning else { return read };
        if read.is_pending() {
            ready!(beginning.deadline.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let came = buf.filled().len() - before;
        beginning.wanted = beginning.wanted.saturating_sub(came);
        if beginning.wanted == 0 {
            self.beginning = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_does_not_begin_is_not_waited_for() {
        let check = async |said: &[u8], expected: Result<(), io::ErrorKind>| {
            let (mut client, server) = tokio::io::duplex(64);
            let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
            let mut server = Patient::new(server, Duration::from_millis(50), place);
            client.write_all(said).await.unwrap();
            let mut heard = vec![0; said.len() + 1];
            let read = tokio::time::timeout(Duration::from_millis(500), server.read_exact(&mut heard)).await;
            match (read, expected) {
                // Still listened to, long after.
                (Err(_), Ok(())) => {}
                (Ok(Err(error)), Err(kind)) => assert_eq!(error.kind(), kind),
                (read, _) => panic!("{read:?}"),
            }
        };
        check(b"", Err(io::ErrorKind::TimedOut)).await;
        check(b"PRI * HTTP/2.0", Err(io::ErrorKind::TimedOut)).await;
        check(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", Ok(())).await;
    }
}
