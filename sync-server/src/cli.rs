//! The command line. Answers go to standard output, logs to standard error.

mod admin;
mod audit;
mod backup;
mod broker;
mod check_config;
mod device;
mod doctor;
mod erasure;
mod generate_docs;
mod keys;
mod migrate;
mod migrate_store;
mod notify;
mod pack;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::config::{COMMENTED_DEFAULTS, Config, ConfigError};
use crate::telemetry;

/// Read if `--config` is not given and it is there.
const DEFAULT_CONFIG: &str = "/etc/ostiary/ostiary-server.toml";

/// Ostiary's server: the central store, device sync, broker and API.
#[derive(Parser)]
#[command(name = "ostiary-server", version, arg_required_else_help = true)]
struct Cli {
    /// Configuration file [default: /etc/ostiary/ostiary-server.toml if it is there].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Overrides server.data_dir.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve,
    /// Bring the database up to date and end, or with --check say what is pending.
    Migrate(migrate::MigrateArgs),
    /// Move the store from its SQLite file to a PostgreSQL database.
    MigrateStore(migrate_store::MigrateStoreArgs),
    /// Write the whole installation into one file, encrypted and signed; the server may be running.
    Backup(backup::BackupArgs),
    /// Make a key that opens backups.
    BackupKey(backup::BackupKeyArgs),
    /// Put a backup back into an empty store and data directory.
    Restore(backup::RestoreArgs),
    /// Accounts.
    #[command(subcommand)]
    Admin(admin::Command),
    /// A broker outside.
    #[command(subcommand)]
    Broker(broker::Command),
    /// Devices.
    #[command(subcommand)]
    Device(device::Command),
    /// Model packs.
    #[command(subcommand)]
    Pack(pack::Command),
    /// Receipts of removals.
    #[command(subcommand)]
    Erasure(erasure::Command),
    /// The log of who did what.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Keys of the server itself.
    #[command(subcommand)]
    Keys(keys::Command),
    /// What telling people needs.
    #[command(subcommand)]
    Notify(notify::Command),
    /// Check the configuration and end.
    CheckConfig,
    /// Print a configuration file with every default and what it means.
    GenerateConfig,
    /// Check everything the server needs, and say how to mend what is missing.
    Doctor,
    /// Print the API's description (OpenAPI 3.1, JSON).
    Openapi,
    /// Write manual pages and what shells complete, for packages.
    #[command(hide = true)]
    GenerateDocs(generate_docs::DocsArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // One provider for all TLS of the process; it can only be set twice by mistake.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("error: a TLS provider was installed before");
        return ExitCode::FAILURE;
    }
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.command {
        Command::GenerateConfig => return print(COMMENTED_DEFAULTS),
        Command::Openapi => return print(&crate::http::router::openapi_json()),
        Command::GenerateDocs(args) => return generate_docs::generate(args).map(|()| ExitCode::SUCCESS),
        _ => {}
    }
    let config = load(&cli);
    if let Command::CheckConfig = cli.command {
        return Ok(check_config::run(config));
    }
    if let Command::Doctor = cli.command {
        return runtime()?.block_on(doctor::run(config));
    }
    let config = config?;
    telemetry::start(&config.log)?;
    match cli.command {
        Command::Serve => runtime()?.block_on(serve::run(config))?,
        Command::Migrate(args) => return runtime()?.block_on(migrate::run(&config, &args)),
        Command::MigrateStore(args) => runtime()?.block_on(migrate_store::run(&config, &args))?,
        Command::Backup(args) => runtime()?.block_on(backup::create(&config, &args))?,
        Command::BackupKey(args) => backup::make_key(&args)?,
        Command::Restore(args) => runtime()?.block_on(backup::restore(&config, &args))?,
        Command::Admin(command) => runtime()?.block_on(admin::run(&config, command))?,
        Command::Device(command) => runtime()?.block_on(device::run(&config, command))?,
        Command::Pack(command) => runtime()?.block_on(pack::run(&config, command))?,
        Command::Broker(command) => runtime()?.block_on(broker::run(&config, command))?,
        Command::Keys(command) => runtime()?.block_on(keys::run(&config, command))?,
        Command::Notify(command) => notify::run(&config, command)?,
        Command::Erasure(command) => runtime()?.block_on(erasure::run(&config, command))?,
        Command::Audit(command) => runtime()?.block_on(audit::run(&config, command))?,
        Command::CheckConfig
        | Command::GenerateConfig
        | Command::Doctor
        | Command::Openapi
        | Command::GenerateDocs(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn load(cli: &Cli) -> Result<Config, ConfigError> {
    let default = Path::new(DEFAULT_CONFIG);
    let file = cli.config.as_deref().or_else(|| default.is_file().then_some(default));
    let mut config = Config::load(file)?;
    if let Some(data_dir) = &cli.data_dir {
        config.server.data_dir.clone_from(data_dir);
    }
    Ok(config)
}

/// Threads for what waits for the disk. Where processors are few tokio starts another one whenever the last has not come to
/// rest yet, up to hundreds, and each keeps some memory of what it had in hand.
const BLOCKING_THREADS: usize = 24;

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let builder = builder.enable_all().max_blocking_threads(BLOCKING_THREADS);
    builder.build().context("starting the async runtime")
}

/// Writes to standard output; a reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<ExitCode> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(e).context("writing to standard output"),
        _ => Ok(ExitCode::SUCCESS),
    }
}
