//! Asks: one list again and again, or as much as the connections carry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Certificate;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::api::Api;

/// Requests before those that count.
const WARM_UP: usize = 10;
/// A list that is slow is asked for no longer than this, once it was asked often enough to tell.
const LONGEST: Duration = Duration::from_secs(6);
const ENOUGH: usize = 50;

/// Who asks.
#[derive(Clone)]
pub(super) struct Client {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
}

/// What a round of load came to.
pub(super) struct Round {
    pub(super) per_second: f64,
}

impl Client {
    /// As whom the API is logged in.
    pub(super) fn new(api: &Api, ca_pem: &str) -> Result<Self> {
        Ok(Self { token: api.token().map(str::to_owned), ..Self::plain(api.base(), ca_pem)? })
    }

    pub(super) fn plain(base: &str, ca_pem: &str) -> Result<Self> {
        let ca = Certificate::from_pem(ca_pem.as_bytes())?;
        let http = reqwest::Client::builder().tls_certs_only([ca]).build()?;
        Ok(Self { base: base.to_owned(), http, token: None })
    }

    async fn ask(&self, path: &str) -> Result<usize> {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let status = answer.status();
        ensure!(status.is_success(), "{path}: {status}: {}", answer.text().await?);
        Ok(answer.bytes().await?.len())
    }

    /// The time that 99 of 100 answers did not exceed, in milliseconds; one request after the other.
    pub(super) async fn list(&self, path: &str, requests: usize) -> Result<f64> {
        let mut took = Vec::with_capacity(requests);
        let ends = Instant::now() + LONGEST;
        for number in 0..requests + WARM_UP {
            let began = Instant::now();
            self.ask(path).await?;
            if number >= WARM_UP {
                took.push(began.elapsed());
            }
            if took.len() >= ENOUGH && Instant::now() > ends {
                break;
            }
        }
        took.sort_unstable();
        let place = (took.len() * 99).div_ceil(100).max(1) - 1;
        Ok(took.get(place).context("at least one request")?.as_secs_f64() * 1e3)
    }

    /// Asks for these in turn on so many connections at once.
    pub(super) async fn load(&self, paths: &[String], connections: usize, lasts: Duration) -> Result<Round> {
        let answers = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let mut askers = JoinSet::new();
        for number in 0..connections {
            let (client, paths, answers) = (self.clone(), paths.to_vec(), answers.clone());
            askers.spawn(async move {
                for path in paths.iter().cycle().skip(number) {
                    if began.elapsed() >= lasts {
                        break;
                    }
                    client.ask(path).await?;
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            });
        }
        while let Some(asked) = askers.join_next().await {
            asked.context("an asker panicked")??;
        }
        let per_second = answers.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
        Ok(Round { per_second })
    }
}
