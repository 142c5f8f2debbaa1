//! Where the server's link hands over what it sends and what it is done with, and where it can be made to die between
//! two of these.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use ostiary_server::link::{Courier, Keep, Outbound, SendError};

/// A message the server sent.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Where to.
    pub topic: String,
    /// Whether the broker keeps it.
    pub keep: bool,
    /// What it says.
    pub payload: Vec<u8>,
}

/// Takes what the link sends.
#[derive(Clone, Default)]
pub struct Outlet(Arc<Mutex<Tray>>);

#[derive(Default)]
struct Tray {
    is_connected: bool,
    sent: Vec<Letter>,
    settled: Vec<u64>,
    /// Messages and receipts until the server dies.
    left: Option<u32>,
    is_dead: bool,
}

impl Outlet {
    /// Whether the link has a connection.
    pub fn connect(&self, is_connected: bool) {
        self.tray().is_connected = is_connected;
    }

    /// The server dies before it hands over the `calls`-th thing from now; 1 is the next.
    pub fn arm(&self, calls: u32) {
        self.tray().left = Some(calls);
    }

    /// Nothing is going to happen by itself any more.
    pub fn disarm(&self) {
        self.tray().left = None;
    }

    /// What was sent since this was last asked.
    pub fn take_sent(&self) -> Vec<Letter> {
        std::mem::take(&mut self.tray().sent)
    }

    /// The numbers of the messages dealt with since this was last asked.
    pub fn take_settled(&self) -> Vec<u64> {
        std::mem::take(&mut self.tray().settled)
    }

    /// A receipt that tells this number.
    pub fn receipt(&self, number: u64) -> impl Courier + 'static {
        Slip { outlet: self.clone(), number }
    }

    /// Runs what the server does; `None` if it died in between, and then it did nothing more.
    pub async fn unless_it_dies<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.tray().is_dead => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Does `call` unless this is where the server dies.
    async fn call<T>(&self, call: impl FnOnce(&mut Tray) -> T) -> T {
        let done = {
            let mut tray = self.tray();
            match tray.left {
                Some(left) if left <= 1 => {
                    tray.is_dead = true;
                    None
                }
                left => {
                    tray.left = left.map(|left| left - 1);
                    Some(call(&mut tray))
                }
            }
        };
        match done {
            Some(done) => done,
            None => pending().await,
        }
    }

    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Outbound for Outlet {
    async fn send(&self, topic: String, keep: Keep, payload: Vec<u8>) -> Result<(), SendError> {
        let letter = Letter { topic, keep: keep == Keep::Yes, payload };
        self.call(|tray| {
            if !tray.is_connected {
                return Err(SendError::Offline);
            }
            tray.sent.push(letter);
            Ok(())
        })
        .await
    }
}

struct Slip {
    outlet: Outlet,
    number: u64,
}

#[async_trait]
impl Courier for Slip {
    async fn settled(self: Box<Self>) {
        let number = self.number;
        self.outlet.call(|tray| tray.settled.push(number)).await;
    }
}
