//! The audit log as a chain, in a real database that somebody tampers with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_server::domain::account::InstallationId;
use ostiary_server::domain::audit::chain::Broken;
use ostiary_server::domain::audit::{AuditEntry, AuditFilter, AuditResult, AuditTrace};
use ostiary_server::identity::signing::SigningKeys;
use ostiary_server::identity::tokens::{TokenLives, Tokens};
use ostiary_server::ledger::{Ledger, Proof, VerifyError, head_file, verify};
use ostiary_server::ports::{AuditStore, Clock, LedgerStore};
use ostiary_server::replicas::Leader;
use ostiary_server::store::sql::{Engine, SqlStore};

use super::place::{Place, on_both};
use super::sample::NOW;

on_both!(
    tampering_is_found,
    a_log_written_anew_is_not_as_signed,
    the_database_itself_refuses_changes,
    what_is_left_after_a_cut_can_still_be_proved,
    lines_are_found_by_what_they_say,
    lines_of_before_the_chain_are_taken_into_it
);

struct At(UnixMillis);
impl Clock for At {
    fn now(&self) -> UnixMillis {
        self.0
    }
}

fn line(number: i64, result: AuditResult) -> AuditEntry {
    AuditEntry {
        at: UnixMillis(NOW.0 + number * 1000),
        actor: if number % 2 == 0 { "user:even".into() } else { "user:odd".into() },
        action: format!("test.{}", number % 3),
        target: format!("door:{number}"),
        source: "10.0.0.1:2".into(),
        result,
        detail: String::new(),
    }
}

fn keys(dir: &Path) -> SigningKeys {
    SigningKeys::open(&dir.join("keys"), NOW).unwrap()
}

fn ledger(dir: &Path, store: Arc<SqlStore>, now: UnixMillis, keep: Option<Duration>) -> Ledger {
    let life = Duration::from_secs(60);
    let tokens =
        Arc::new(Tokens::new(keys(dir), TokenLives { device: life, access: life }, InstallationId::generate()));
    Ledger { store, tokens, clock: Arc::new(At(now)), head_file: head_file(dir), keep, leader: Leader::alone() }
}

/// Ten lines, signed after the sixth.
async fn written(place: &Place) -> Arc<SqlStore> {
    let store = Arc::new(place.open().await);
    for number in 1..=10 {
        let trace = AuditTrace { was: Some("{}".into()), ..AuditTrace::default() };
        store.audit_traced(&line(number, AuditResult::Ok), &trace).await.unwrap();
        if number == 6 {
            ledger(place.folder(), store.clone(), NOW, None).sign_head().await.unwrap();
        }
    }
    store
}

async fn prove(dir: &Path, store: &SqlStore) -> Result<Proof, VerifyError> {
    verify(store, &keys(dir), &head_file(dir)).await
}

/// Does something to the database that the server never would, past its triggers.
async fn tamper(place: &Place, sql: &str) {
    let pool = place.pool().await;
    let of = if place.url.engine() == Engine::Postgres { " ON audit_lines" } else { "" };
    for trigger in ["audit_lines_are_not_changed", "audit_lines_are_not_removed"] {
        let dropped = format!("DROP TRIGGER {trigger}{of}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(dropped)).execute(&pool).await.unwrap();
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await.unwrap();
    pool.close().await;
}

async fn tampering_is_found(place: Place) {
    let check = async |sql: &str, expected: Broken| {
        let place = place.another().await;
        let store = written(&place).await;
        assert_eq!(prove(place.folder(), &store).await.unwrap().head.seq, 10);
        tamper(&place, sql).await;
        match prove(place.folder(), &store).await {
            Err(VerifyError::Broken(found)) => assert_eq!(found, expected, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    };
    let altered = |seq| Broken::Altered { seq };
    check("UPDATE audit_lines SET actor = 'user:other' WHERE seq = 4", altered(4)).await;
    check("UPDATE audit_lines SET was = NULL WHERE seq = 10", altered(10)).await;
    check("DELETE FROM audit_lines WHERE seq = 4", Broken::Missing { from: 4, to: 4 }).await;
    check("DELETE FROM audit_lines WHERE seq > 8", Broken::CutShort { end: 8, known: 10 }).await;
    check(
        "UPDATE audit_lines SET seq = seq + 100 WHERE seq > 4;
         INSERT INTO audit_lines SELECT 5, at, actor, action, target, source, result, detail, request, was, became, hash
         FROM audit_lines WHERE seq = 2;
         UPDATE audit_lines SET seq = seq - 99 WHERE seq > 100;",
        altered(5),
    )
    .await;
    check(
        "UPDATE audit_lines SET seq = 99 WHERE seq = 3; UPDATE audit_lines SET seq = 3 WHERE seq = 4;
         UPDATE audit_lines SET seq = 4 WHERE seq = 99;",
        altered(3),
    )
    .await;
    // The end cut off and the head set back to match: the signature, in the database and beside it, remembers.
    let set_back = "DELETE FROM audit_lines WHERE seq > 5; DELETE FROM audit_checkpoints;
         UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit_lines WHERE seq = 5)";
    check(set_back, Broken::CutShort { end: 5, known: 6 }).await;
    check("UPDATE audit_head SET hash = (SELECT hash FROM audit_lines WHERE seq = 5)", Broken::NotAsSigned { seq: 10 })
        .await;
}

async fn a_log_written_anew_is_not_as_signed(place: Place) {
    let store = written(&place).await;
    let elsewhere = place.another().await;
    let other = elsewhere.open().await;
    for number in 1..=10 {
        other.audit(&line(number, AuditResult::Refused)).await.unwrap();
    }
    std::fs::copy(head_file(place.folder()), head_file(elsewhere.folder())).unwrap();
    let found = verify(&other, &keys(place.folder()), &head_file(elsewhere.folder())).await;
    assert!(matches!(found, Err(VerifyError::Broken(Broken::NotAsSigned { seq: 6 }))), "{found:?}");
    let strange = verify(&*store, &keys(elsewhere.folder()), &head_file(place.folder())).await;
    assert!(matches!(strange, Err(VerifyError::Forged { .. })), "signed by another server: {strange:?}");
}

async fn the_database_itself_refuses_changes(place: Place) {
    let store = written(&place).await;
    let db = place.pool().await;
    for sql in ["UPDATE audit_lines SET actor = 'x' WHERE seq = 1", "DELETE FROM audit_lines WHERE seq = 1"] {
        let refused = sqlx::raw_sql(sql).execute(&db).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
    assert!(prove(place.folder(), &store).await.is_ok());
}

async fn what_is_left_after_a_cut_can_still_be_proved(place: Place) {
    let store = written(&place).await;
    let later = NOW.plus(Duration::from_millis(4_500 + 60_000));
    let before = NOW.plus(Duration::from_millis(4_500));
    let keeper = ledger(place.folder(), store.clone(), later, None);
    assert_eq!(keeper.cut_before(before).await.unwrap(), 4);
    let proof = prove(place.folder(), &store).await.unwrap();
    assert_eq!((proof.first, proof.head.seq, proof.checkpoints), (5, 11, 1), "the cut itself is a line");
    keeper.sign_head().await.unwrap();
    assert_eq!(prove(place.folder(), &store).await.unwrap().signed_upto, 11);
    assert_eq!(keeper.cut_before(before).await.unwrap(), 0, "nothing more is old enough");
    tamper(&place, "DELETE FROM audit_lines WHERE seq = 5").await;
    assert!(prove(place.folder(), &store).await.is_err());
}

async fn lines_are_found_by_what_they_say(place: Place) {
    let store = place.open().await;
    for number in 1..=9 {
        let result = if number == 7 { AuditResult::Refused } else { AuditResult::Ok };
        store.audit(&line(number, result)).await.unwrap();
    }
    let check = async |filter: AuditFilter, expected: &[u64]| {
        let lines = store.audit_lines(&filter, None, 100).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.point.seq).collect::<Vec<_>>(), expected, "{filter:?}");
    };
    let at = |number: i64| Some(UnixMillis(NOW.0 + number * 1000));
    let any = AuditFilter::default;
    check(any(), &[9, 8, 7, 6, 5, 4, 3, 2, 1]).await;
    check(AuditFilter { actor: Some("user:even".into()), ..any() }, &[8, 6, 4, 2]).await;
    check(AuditFilter { actions: vec!["test.0".into(), "test.1".into()], ..any() }, &[9, 7, 6, 4, 3, 1]).await;
    check(AuditFilter { target: Some("door:3".into()), ..any() }, &[3]).await;
    check(AuditFilter { result: Some(AuditResult::Refused), ..any() }, &[7]).await;
    check(AuditFilter { from: at(3), until: at(6), ..any() }, &[5, 4, 3]).await;
    check(AuditFilter { from: at(5), actor: Some("user:odd".into()), ..any() }, &[9, 7, 5]).await;
}

async fn lines_of_before_the_chain_are_taken_into_it(place: Place) {
    place.open().await.close().await;
    let db = place.pool().await;
    let old = "INSERT INTO audit (at, actor, action, target, source, result, detail)
               VALUES (1, 'cli', 'account.create', 'user:a', '', 'ok', ''), (2, 'cli', 'x', '', '', 'refused', 'y')";
    sqlx::raw_sql(old).execute(&db).await.unwrap();
    db.close().await;
    let store = place.open().await;
    let lines = store.audit_walk(0, 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.entry.action.as_str()).collect::<Vec<_>>(), ["account.create", "x"]);
    assert_eq!(prove(place.folder(), &store).await.unwrap().head.seq, 2);
}
