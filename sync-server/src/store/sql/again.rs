//! Work that is done again if the database broke it off for the sake of somebody else's.

use std::time::{Duration, Instant};

use rand::Rng;

use crate::ports::StoreError;

/// How often it is tried.
const TRIES: u32 = 5;
/// The longest pause before the second try; each further one may be twice as long.
const PAUSE: Duration = Duration::from_millis(20);

/// No further try after this time: each may have waited for a lock as long as the database lets it, and whoever asked
/// for the change does not wait for ever.
const LONGEST: Duration = Duration::from_secs(15);

/// Does the work, and again after a random pause if it was broken off. It must be a single transaction, or statement, of
/// which nothing is committed if it fails. Every change of the store is made within this.
pub(super) async fn again<T, W>(mut work: impl FnMut() -> W) -> Result<T, StoreError>
where
    W: Future<Output = Result<T, StoreError>>,
{
    let began = Instant::now();
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match work().await {
            Err(error @ StoreError::BrokenOff(_)) if began.elapsed() < LONGEST => {
                tracing::debug!(%error, "the database broke a transaction off, which is made again: {error}");
                metrics::counter!("ostiary_server_store_retries_total").increment(1);
            }
            done => return done,
        }
        let share = rand::rng().random_range(0.0..1.0);
        tokio::time::sleep(pause.mul_f64(share)).await;
        pause *= 2;
    }
    work().await
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;
    use std::sync::atomic::{AtomicU32, Ordering};

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    #[derive(Debug)]
    struct Refusal(&'static str);

    impl fmt::Display for Refusal {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Refusal {}

    impl DatabaseError for Refusal {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[tokio::test]
    async fn what_was_broken_off_is_tried_again_and_nothing_else_is() {
        let check = async |code: &'static str, refusals: u32, expected: (u32, bool)| {
            let tried = AtomicU32::new(0);
            let done = again(|| {
                let refused = tried.fetch_add(1, Ordering::Relaxed) < refusals;
                let answer = if refused { Err(sqlx::Error::Database(Box::new(Refusal(code))).into()) } else { Ok(()) };
                async move { answer }
            });
            let done = done.await.is_ok();
            assert_eq!((tried.into_inner(), done), expected, "{code} {refusals}");
        };
        check("40001", 0, (1, true)).await;
        check("40001", 2, (3, true)).await;
        check("40P01", 4, (5, true)).await;
        check("55P03", 9, (5, false)).await;
        check("5", 1, (2, true)).await;
        check("517", 4, (5, true)).await;
        check("23505", 9, (1, false)).await;
    }
}
