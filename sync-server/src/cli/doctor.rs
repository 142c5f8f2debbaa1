//! `doctor`: check everything the server needs, one line each, with the way to mend it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use ostiary_common::time::UnixMillis;
use ostiary_models::pack::{Severity, check_dir};

use crate::app::{Foundation, SystemClock, open_store};
use crate::config::{BrokerMode, Config, ConfigError};
use crate::ports::Clock;
use crate::ports::accounts::AccountStore;

/// Before this moment the program did not exist, so the clock is wrong.
const NOT_BEFORE: UnixMillis = UnixMillis(1_760_000_000_000);

/// How a check ended.
enum Finding {
    Ok(String),
    Warn(String, String),
    Fail(String, String),
}

/// Prints what was found; a failure is exit code 1.
pub async fn run(config: Result<Config, ConfigError>) -> Result<ExitCode> {
    let findings = match config {
        Ok(config) => findings(&config).await,
        Err(error) => vec![Finding::Fail(format!("configuration: {error}"), "correct the file".into())],
    };
    let failed = findings.iter().any(|finding| matches!(finding, Finding::Fail(..)));
    for finding in findings {
        match finding {
            Finding::Ok(what) => println!("ok    {what}"),
            Finding::Warn(what, fix) => println!("warn  {what}\n      {fix}"),
            Finding::Fail(what, fix) => println!("FAIL  {what}\n      {fix}"),
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn findings(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::Ok("configuration: all right".into()), clock()];
    findings.push(data_dir(&config.server.data_dir));
    findings.extend(store(config).await);
    findings.extend(pack(&config.models.pack_dir));
    findings.push(port("server.listen", config.server.listen));
    if config.broker.mode == BrokerMode::Embedded {
        findings.push(port("broker.listen", config.broker.listen));
    }
    findings.push(names(config));
    findings
}

fn clock() -> Finding {
    let now = SystemClock.now();
    if now > NOT_BEFORE {
        return Finding::Ok(format!("clock: {now}"));
    }
    Finding::Fail(format!("clock: {now} is in the past"), "set the clock; without it no token is valid".into())
}

fn data_dir(dir: &Path) -> Finding {
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Finding::Warn(
            format!("data directory: others may read {shown}"),
            format!("chmod 700 {shown}: keys lie there"),
        ),
        Ok(_) => Finding::Ok(format!("data directory: {shown}")),
        Err(e) => Finding::Warn(format!("data directory: {shown}: {e}"), "`serve` makes it if it may".into()),
    }
}

async fn store(config: &Config) -> Vec<Finding> {
    if !config.server.data_dir.is_dir() {
        return Vec::new();
    }
    let fix = "run as the server's user; restore a backup if the file is damaged".to_owned();
    let store = match open_store(config).await {
        Ok(store) => store,
        Err(e) => return vec![Finding::Fail(format!("store: {e:#}"), fix)],
    };
    let mut findings = vec![match store.check().await {
        Ok(()) => Finding::Ok(format!("store: {}", store.url())),
        Err(e) => Finding::Fail(format!("store: {e}"), fix),
    }];
    if matches!(store.count_people().await, Ok(0)) {
        let fix = "ostiary-server admin bootstrap".to_owned();
        findings.push(Finding::Warn("accounts: there is none, nobody can log in".into(), fix));
    }
    store.close().await;
    findings.push(match Foundation::open(config, &SystemClock).await {
        Ok(foundation) => Finding::Ok(format!("identity: CA {}", foundation.authority.certificate_sha256())),
        Err(e) => Finding::Fail(format!("identity: {e:#}"), "restore <data_dir>/tls and keys from a backup".into()),
    });
    findings
}

fn pack(dir: &Path) -> Vec<Finding> {
    let found = |finding: ostiary_models::pack::Finding| {
        let what = format!("model pack: {}", finding.what);
        match finding.severity {
            Severity::Ok => Finding::Ok(what),
            Severity::Warning => Finding::Warn(what, finding.fix),
            Severity::Error => Finding::Fail(what, finding.fix),
        }
    };
    check_dir(dir).into_iter().map(found).collect()
}

fn port(key: &str, listen: SocketAddr) -> Finding {
    match TcpListener::bind(listen) {
        Ok(_) => Finding::Ok(format!("{key}: {listen} is free")),
        Err(e) => Finding::Warn(
            format!("{key}: {listen}: {e}"),
            "all right if the server is running; else stop what listens there, or choose another port".into(),
        ),
    }
}

fn names(config: &Config) -> Finding {
    if config.server.public_names.is_empty() {
        return Finding::Warn(
            "server.public_names is empty: devices on other machines cannot check the certificate".into(),
            "set it to the names or addresses by which they reach this server".into(),
        );
    }
    Finding::Ok(format!("names: {}", config.server.public_names.join(", ")))
}
