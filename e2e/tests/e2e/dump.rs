//! Whoever carries off everything that lies on the disks, but for the master key, learns nobody's name and sees no face:
//! the database, its log and a copy of it, both programs' logs, the devices' folders. On either database.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::cluster::parts::Database;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::leaks::Leaks;
use ostiary_e2e::ledger;
use ostiary_e2e::live::Live;
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_server::ports::PersonStore;
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::{SqlStore, StoreUrl};
use serde_json::json;
use sqlx::Connection;

use crate::{LATER, SOON, media};

const NAME: &str = "Zacharias Quillfeather";
const NOTE: &str = "allergic to marzipan figurines";
const EMAIL: &str = "quillfeather@marker.example";
const GUARDIAN: &str = "Philomena Oddsworthy";

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_on_the_disks_tells_nobody_s_name_and_shows_no_face() {
    scenario("dump", async |stage| play(stage, None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_postgresql_tells_nobody_s_name_and_shows_no_face() {
    scenario("dump of PostgreSQL", async |stage| play(stage, Some(Database::start(stage)?)).await).await;
}

async fn play(stage: &Stage, database: Option<Database>) -> Result<()> {
    let store = database.as_ref().map_or_else(String::new, |it| format!("\n[store]\nurl = \"{}\"\n", it.url));
    let mut server =
        Server::start_with(stage, &format!("[log]\nlevel = \"debug\"\nformat = \"json\"\n{store}")).await?;
    let url = match &database {
        Some(database) => StoreUrl::parse(&database.url)?,
        None => StoreUrl::sqlite(&server.database()),
    };
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let person = enrolled(&server).await?;
    ledger::same_gallery(&server.api, &daemon.device, SOON).await.ok();
    let mut live = Live::connect(&server.api, &server.ca_pem, 0).await?;
    daemon.run(&View::Loop { path: media::two_visits()?, true_speed: true })?;
    let matched = live.find(LATER, |event| event["kind"] == "match").await?;
    let stranger = live.find(LATER, |event| event["kind"] == "unknown").await?;
    let mut leaks = Leaks::new().text(NAME).text(NOTE).text(EMAIL).text(GUARDIAN);
    for event in [&matched, &stranger] {
        let id = event["id"].as_str().context("an event's id")?;
        leaks = leaks.jpeg(&server.api.get_bytes(&format!("/api/v1/events/{id}/crop")).await?);
    }
    // As they lie while everything runs.
    let embeddings = embeddings(&url, &server.master_key_file(), &person).await?;
    ensure!(!embeddings.is_empty(), "there is no template");
    leaks = embeddings.iter().fold(leaks, |leaks, values| leaks.embedding(values));
    ensure_nothing(&leaks, stage.path())?;
    match &database {
        Some(database) => dumped(stage, database)?,
        None => copied(stage, &server).await?,
    }
    daemon.kill()?;
    server.stop().await?;
    // As they lie when all has ended, with a copy beside them.
    ensure_nothing(&leaks, stage.path())?;
    if let Some(database) = &database {
        ensure_nothing(&leaks, &database.folder)?;
    }
    std::fs::write(stage.file("planted"), format!("something about {NAME} in the middle"))?;
    ensure!(leaks.in_folder(stage.path())?.len() == 1, "the search does not find what does lie open");
    Ok(())
}

fn ensure_nothing(leaks: &Leaks, folder: &Path) -> Result<()> {
    let found = leaks.in_folder(folder)?;
    ensure!(found.is_empty(), "lies open: {found:?}");
    Ok(())
}

/// Somebody of whom as much is known as can be.
async fn enrolled(server: &Server) -> Result<String> {
    let fields = json!({"fields": [{"key": "email", "label": "E-mail", "kind": "text"}]});
    let set = server.api.put_matching("/api/v1/settings/person-fields", "*", &fields).await?;
    set.ok()?;
    let person = server.api.add_person(NAME).await?;
    let told = json!({"notes": NOTE, "fields": {"email": EMAIL}});
    server.api.patch(&format!("/api/v1/persons/{person}"), &told).await?.ok()?;
    let consent = json!({"method": "written", "given_by": GUARDIAN, "note": NOTE});
    server.api.post(&format!("/api/v1/persons/{person}/consents"), &consent).await?.ok()?;
    server.api.enroll(&person, portrait(Sitter::Obama2012)?).await?;
    Ok(person)
}

/// The person's embeddings, opened with the master key, which the search must not need.
async fn embeddings(url: &StoreUrl, master_key: &Path, person: &str) -> Result<Vec<Vec<f32>>> {
    let key = MasterKey::read(master_key, true)?.context("there is a master key")?;
    let store = SqlStore::open(url, &key).await?;
    let templates = store.templates(person.parse()?).await?;
    store.close().await;
    Ok(templates.into_iter().map(|template| template.embedding).collect())
}

/// A copy of the database as backups make it.
async fn copied(stage: &Stage, server: &Server) -> Result<()> {
    sqlx::any::install_default_drivers();
    let mut database = sqlx::AnyConnection::connect(&format!("sqlite:{}", server.database().display())).await?;
    let to = stage.file("copy.sqlite");
    sqlx::query("VACUUM INTO $1").bind(to.display().to_string()).execute(&mut database).await?;
    database.close().await?;
    ensure!(std::fs::metadata(&to)?.len() > 10_000, "the copy is empty");
    Ok(())
}

/// Every table as PostgreSQL copies it out, in its bytes, beside a dump as people make them; and what it still held in
/// memory goes to its files. Whose names may be read there is found there, or nothing would be said by what is not.
fn dumped(stage: &Stage, database: &Database) -> Result<()> {
    let dump = stage.file("dump.sql");
    run(Command::new("pg_dump").arg("--dbname").arg(&database.url).arg("--file").arg(&dump))?;
    let tables = asked(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")?;
    let tables = String::from_utf8(tables)?;
    ensure!(tables.lines().count() > 20, "only these tables were found: {tables}");
    for table in tables.lines() {
        let bytes = asked(database, &format!("COPY {table} TO STDOUT WITH (FORMAT binary)"))?;
        std::fs::write(stage.file(&format!("{table}.copy")), bytes)?;
    }
    asked(database, "CHECKPOINT")?;
    let door = Leaks::new().text("Head office");
    ensure!(door.in_folder(stage.path())?.len() > 1, "a door's name lies open in a dump and was not found");
    ensure!(!door.in_folder(&database.folder)?.is_empty(), "a door's name lies open in the files and was not found");
    Ok(())
}

/// What PostgreSQL answers, bare.
fn asked(database: &Database, statement: &str) -> Result<Vec<u8>> {
    run(Command::new("psql").args([&database.url, "--no-psqlrc", "--tuples-only", "--no-align", "-c", statement]))
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let done = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(done.stdout)
}
