//! Accounts, wired: store, tokens, passwords, mail, links.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::sync::watch;

use super::foundation::Foundation;
use super::lifecycle::Lifecycle;
use crate::accounts::Accounts;
use crate::accounts::links::Links;
use crate::accounts::mail::Post;
use crate::accounts::standings::Standings;
use crate::config::Config;
use crate::identity::password::Passwords;
use crate::mail::Smtp;
use crate::ports::Clock;
use crate::ports::accounts::AccountStore;
use crate::ports::mailer::Mailer;

/// Everything about accounts; `port` is the one the API listens on.
///
/// # Errors
/// If this machine cannot hash a password.
pub fn accounts(
    config: &Config,
    foundation: &Foundation,
    clock: Arc<dyn Clock>,
    post: Post,
    port: u16,
) -> Result<Accounts> {
    let changes = watch::Sender::new(0);
    Ok(Accounts {
        book: foundation.store.clone(),
        clock,
        passwords: Passwords::new(config.accounts.hash_cost()).context("hashing a password")?,
        tokens: foundation.tokens.clone(),
        rules: config.accounts.clone(),
        post,
        links: Links::new(config, port),
        standings: Standings::new(changes.subscribe()),
        changes,
    })
}

/// The mail server, if there is one.
pub(super) fn mailer(config: &Config) -> Result<Option<Arc<dyn Mailer>>> {
    if !config.mail.is_configured() {
        return Ok(None);
    }
    let smtp = Smtp::new(&config.mail).context("opening the way to the mail server")?;
    Ok(Some(Arc::new(smtp)))
}

/// Where messages about accounts go, and who brings them there.
pub(super) fn post(mailer: Option<Arc<dyn Mailer>>, lifecycle: &Lifecycle) -> Post {
    let Some(mailer) = mailer else { return Post::none() };
    let (post, postman) = Post::over(mailer);
    lifecycle.spawn("mail", postman.run(lifecycle.token()));
    post
}

/// Says where to begin, as long as nobody can.
pub(super) async fn greet(foundation: &Foundation) -> Result<()> {
    if !foundation.store.has_owner().await? {
        tracing::warn!(
            "nobody owns this installation yet: `ostiary-server admin bootstrap` prints a link for its owner"
        );
    }
    Ok(())
}

/// The port the API is reached at: that of the running server, or the one configured.
pub fn api_port(config: &Config) -> u16 {
    #[derive(Deserialize)]
    struct Written {
        https: std::net::SocketAddr,
    }
    let read = |path: &Path| serde_json::from_slice::<Written>(&std::fs::read(path).ok()?).ok();
    let running = read(&super::endpoints::path(&config.server.data_dir)).map(|written| written.https.port());
    running.unwrap_or_else(|| config.server.listen.port())
}
