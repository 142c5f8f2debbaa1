//! `admin`: accounts, made on the machine itself.

mod link;

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::app::SystemClock;
use crate::app::open_store;
use crate::config::Config;
use crate::domain::access::{Grant, Role, Scope};
use crate::domain::account::{Login, NewAccount};
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::identity::password::{Guard, Password, Passwords};
use crate::ports::accounts::AccountStore;
use crate::ports::{AuditStore, Clock};

#[derive(Subcommand)]
pub enum Command {
    /// Print a one-time link for the owner of an installation that has none.
    Bootstrap,
    /// Add an account.
    Create(Create),
    /// Print a one-time link for a new password.
    ResetPassword(link::Reset),
}

#[derive(Args)]
pub struct Create {
    /// Login name.
    #[arg(long)]
    login: String,
    /// File with the password on its first line; without it, it is asked for or read from standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// `owner`, `admin`, `operator`, `viewer` or `auditor`, over everything. The first admin becomes owner.
    #[arg(long, default_value = "admin", value_parser = parse_role)]
    role: Role,
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be owner, admin, operator, viewer or auditor".to_owned())
}

/// Runs an account command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    let create = match command {
        Command::Bootstrap => return link::bootstrap(config).await,
        Command::ResetPassword(reset) => return link::reset(config, reset).await,
        Command::Create(create) => create,
    };
    let login = Login::parse(&create.login).context("--login")?;
    let password = read_password(&create)?;
    password.acceptable(Guard::Alone, &[login.as_str()])?;
    let store = open_store(config).await?;
    let now = SystemClock.now();
    let password_hash = Passwords::new(config.accounts.hash_cost())?.hash(password).await?;
    // Somebody must be able to make admins: the first one is the owner.
    let role = if create.role == Role::Admin && !store.has_owner().await? { Role::Owner } else { create.role };
    let grants = vec![Grant { role, scope: Scope::Everything }];
    let user = NewAccount::person(login, password_hash, grants, now);
    store.add_account(&user).await.with_context(|| format!("adding the account {}", user.login))?;
    let entry = AuditEntry {
        at: now,
        actor: "cli".into(),
        action: "account.create".into(),
        target: format!("user:{}", user.id),
        source: String::new(),
        result: AuditResult::Ok,
        detail: format!("role {}", role.as_str()),
    };
    store.audit(&entry).await?;
    store.close().await;
    println!("{} {} is ready to log in", role.as_str(), user.login);
    Ok(())
}

fn read_password(create: &Create) -> Result<Password> {
    if let Some(path) = &create.password_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let first = text.lines().next().unwrap_or_default();
        return Ok(Password::new(first.to_owned()));
    }
    if !create.password_stdin && std::io::stdin().is_terminal() {
        return ask(&create.login);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password: use --password-file FILE, or pass it on standard input");
    }
    Ok(Password::new(password.to_owned()))
}

/// Asks twice, since nobody sees what is typed.
fn ask(login: &str) -> Result<Password> {
    let first = Zeroizing::new(rpassword::prompt_password(format!("Password for {login}: "))?);
    let second = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
    anyhow::ensure!(first == second, "the two passwords differ");
    Ok(Password::new(first.to_string()))
}
