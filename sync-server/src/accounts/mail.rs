//! Messages on their way: queued, tried again while the mail server is away, given up after a while.
//!
//! The queue is in memory. What is lost with it is a link, which whoever wanted it asks for again; that is why nobody is
//! told that a message has arrived, only that one is under way.

mod words;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::words::{invitation, password_changed, password_reset};
use crate::domain::health::Finding;
use crate::ports::mailer::{MailError, Mailer, Message};

/// Messages that may wait; more are dropped and counted, so that a flood of requests fills no memory.
const QUEUE: usize = 256;
/// Pauses between tries; after the last, the message is given up.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];

/// Takes messages without waiting.
#[derive(Clone)]
pub struct Post {
    queue: Option<mpsc::Sender<Message>>,
    trouble: Trouble,
}

/// Why the last message was not taken, if it was not.
type Trouble = Arc<Mutex<Option<MailError>>>;

/// Brings to the mail server what [`Post`] takes.
pub struct Postman {
    queue: mpsc::Receiver<Message>,
    mailer: Arc<dyn Mailer>,
    pauses: &'static [Duration],
    trouble: Trouble,
}

impl Post {
    /// Without a mail server: nothing is taken.
    pub fn none() -> Self {
        Self { queue: None, trouble: Trouble::default() }
    }

    /// With one, and who must run for messages to reach it.
    pub fn over(mailer: Arc<dyn Mailer>) -> (Self, Postman) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let trouble = Trouble::default();
        let postman = Postman { queue, mailer, pauses: &PAUSES, trouble: trouble.clone() };
        (Self { queue: Some(sender), trouble }, postman)
    }

    /// Whether there is a mail server.
    pub const fn is_there(&self) -> bool {
        self.queue.is_some()
    }

    /// How the way to the mail server is, by the last message that went it.
    pub fn finding(&self) -> Finding {
        match &*self.trouble.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Finding::ok(),
            Some(MailError::Later(why)) => {
                Finding::degraded(format!("messages wait: {why}"), "see that the mail server runs; see [mail]")
            }
            Some(MailError::Refused(why)) => {
                let advice = "see [mail], and what the mail server says of this sender";
                Finding::degraded(format!("the last message was refused: {why}"), advice)
            }
        }
    }

    /// Takes a message; `false` if there is no mail server or too many wait.
    pub fn take(&self, message: Message) -> bool {
        let taken = self.queue.as_ref().is_some_and(|queue| queue.try_send(message).is_ok());
        if self.is_there() && !taken {
            metrics::counter!("ostiary_server_mail_total", "result" => "dropped").increment(1);
        }
        taken
    }
}

impl Postman {
    /// Brings messages until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        while let Some(Some(message)) = shutdown.run_until_cancelled(self.queue.recv()).await {
            if shutdown.run_until_cancelled(self.bring(&message)).await.is_none() {
                break;
            }
        }
        shutdown.cancelled().await;
    }

    async fn bring(&self, message: &Message) {
        let mut pauses = self.pauses.iter();
        let result = loop {
            match (self.mailer.send(message).await, pauses.next()) {
                (Ok(()), _) => {
                    self.note(None);
                    break "sent";
                }
                (Err(error @ MailError::Refused(_)), _) | (Err(error), None) => {
                    tracing::error!(%error, "a message is given up: {error}");
                    self.note(Some(error));
                    break "failed";
                }
                (Err(error), Some(pause)) => {
                    tracing::warn!(%error, "a message is tried again in {} s: {error}", pause.as_secs());
                    self.note(Some(error));
                    tokio::time::sleep(*pause).await;
                }
            }
        };
        metrics::counter!("ostiary_server_mail_total", "result" => result).increment(1);
    }

    fn note(&self, trouble: Option<MailError>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Email;

    /// Is busy a few times, then takes what comes.
    struct Moody {
        busy: Mutex<u32>,
        taken: Mutex<Vec<String>>,
    }

    #[async_trait::async_trait]
    impl Mailer for Moody {
        async fn send(&self, message: &Message) -> Result<(), MailError> {
            if message.to.as_str() == "refused@example.org" {
                return Err(MailError::Refused("no such mailbox".into()));
            }
            let mut busy = self.busy.lock().unwrap();
            if *busy > 0 {
                *busy -= 1;
                return Err(MailError::Later("greylisted".into()));
            }
            self.taken.lock().unwrap().push(message.to.to_string());
            Ok(())
        }
    }

    fn to(address: &str) -> Message {
        let to = Email::parse(address).unwrap();
        Message::plain(to, "x", "y".into())
    }

    #[tokio::test]
    async fn what_is_refused_for_now_is_tried_again_and_what_is_refused_for_good_is_not() {
        let mailer = Arc::new(Moody { busy: Mutex::new(3), taken: Mutex::default() });
        let (post, mut postman) = Post::over(mailer.clone());
        postman.pauses = const { &[Duration::from_millis(1); 4] };
        assert!(post.take(to("refused@example.org")) && post.take(to("ada@example.org")));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(postman.run(shutdown.clone()));
        while mailer.taken.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*mailer.taken.lock().unwrap(), ["ada@example.org"]);
        while post.finding() != Finding::ok() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        running.await.unwrap();
    }

    #[test]
    fn a_flood_is_dropped() {
        let (post, _postman) = Post::over(Arc::new(Moody { busy: Mutex::new(0), taken: Mutex::default() }));
        let taken = (0..QUEUE + 5).filter(|_| post.take(to("ada@example.org"))).count();
        assert_eq!(taken, QUEUE);
        assert!(!Post::none().take(to("ada@example.org")));
    }
}
