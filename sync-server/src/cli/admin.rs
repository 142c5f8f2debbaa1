//! `admin`: accounts, made on the machine itself.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use ostiary_common::ids::UserId;
use zeroize::Zeroizing;

use crate::app::SystemClock;
use crate::app::open_store;
use crate::config::Config;
use crate::domain::account::{Role, User};
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::domain::name::Name;
use crate::identity::password::{Password, Passwords};
use crate::ports::{AccountStore, AuditStore, Clock};

#[derive(Subcommand)]
pub enum Command {
    /// Add an account.
    Create(Create),
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
    /// `admin` or `operator`.
    #[arg(long, default_value = "admin", value_parser = parse_role)]
    role: Role,
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be owner, admin, operator, viewer or auditor".to_owned())
}

/// Runs an account command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    let Command::Create(create) = command;
    let login = Name::parse(&create.login).context("--login")?.into_string().to_lowercase();
    let password = read_password(&create)?;
    password.acceptable()?;
    let store = open_store(config).await?;
    let now = SystemClock.now();
    let password_hash = Passwords::new()?.hash(password).await?;
    let user = User { id: UserId::generate(), login, password_hash, role: create.role, created_at: now };
    store.add_user(&user).await.with_context(|| format!("adding the account {}", user.login))?;
    let entry = AuditEntry {
        at: now,
        actor: "cli".into(),
        action: "account.create".into(),
        target: format!("user:{}", user.id),
        source: String::new(),
        result: AuditResult::Ok,
        detail: format!("role {}", user.role.as_str()),
    };
    store.audit(&entry).await?;
    store.close().await;
    println!("{} {} is ready to log in", user.role.as_str(), user.login);
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
