//! Links made on the machine itself: for the first owner, and for who is locked out.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::accounts::Accounts;
use crate::accounts::mail::Post;
use crate::app::{Foundation, SystemClock, accounts, api_port};
use crate::config::Config;
use crate::domain::account::{LAST_RESORT, Login};
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::ports::{AuditStore, Clock};

#[derive(Args)]
pub struct Reset {
    /// Login name.
    #[arg(long)]
    login: String,
    /// Remove the second factor too, if it is lost as well.
    #[arg(long)]
    remove_second_factor: bool,
}

async fn open(config: &Config) -> Result<(Foundation, Accounts)> {
    let foundation = Foundation::open(config, &SystemClock).await?;
    let made = accounts(config, &foundation, Arc::new(SystemClock), Post::none(), api_port(config))?;
    Ok((foundation, made))
}

async fn note(foundation: &Foundation, action: &str, target: String) -> Result<()> {
    let entry = AuditEntry {
        at: SystemClock.now(),
        actor: "cli".into(),
        action: action.into(),
        target,
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    foundation.store.audit(&entry).await?;
    foundation.store.close().await;
    Ok(())
}

/// Prints a one-time link for the owner.
pub async fn bootstrap(config: &Config) -> Result<()> {
    let (foundation, accounts) = open(config).await?;
    if accounts.book.has_owner().await? {
        bail!(
            "somebody owns this installation already; an owner can invite others, and `admin reset-password` helps one who is locked out"
        );
    }
    let made = accounts.invite(vec![LAST_RESORT], None, "cli".into()).await?;
    note(&foundation, "invitation.create", format!("invitation:{}", made.id)).await?;
    println!("Open this link to make the owner's account. It serves once, until {}:\n", made.expires_at.to_rfc3339());
    println!("  {}", *made.link);
    Ok(())
}

/// Prints a one-time link for a new password.
pub async fn reset(config: &Config, reset: Reset) -> Result<()> {
    let (foundation, accounts) = open(config).await?;
    let login = Login::parse(&reset.login).context("--login")?;
    let known = accounts.book.credentials(&login).await?.with_context(|| format!("there is no account {login}"))?;
    if reset.remove_second_factor {
        accounts.book.remove_second_factor(known.account).await?;
    }
    let made = accounts.reset_link(known.account).await?;
    note(&foundation, "account.password_reset", format!("user:{}", known.account)).await?;
    println!("Open this link to choose a new password. It serves once, until {}:\n", made.expires_at.to_rfc3339());
    println!("  {}", *made.link);
    Ok(())
}
