//! Backups every night: the leader queues a job when the time has come, and its one item makes the file and removes old
//! ones, on any server that is told where to put them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::backup;
use crate::backup::Recipients;
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use crate::domain::job::{ClaimedItem, Effect, JobKind};
use crate::enroll::batch::json as to_json;
use crate::jobs::Jobs;
use crate::jobs::nightly::Nightly;
use crate::jobs::work::{Finished, Work, WorkError};
use crate::ports::Clock;
use crate::replicas::Leader;
use crate::store::sql::SqlStore;

/// What a nightly backup's file is called, around the time it was made.
const NAME: (&str, &str) = ("ostiary-", ".backup");

/// Makes backups.
pub(super) struct BackupWork {
    pub(super) config: Config,
    pub(super) store: Arc<SqlStore>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Work for BackupWork {
    fn kind(&self) -> JobKind {
        JobKind::Backup
    }

    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError> {
        let failed = |error: anyhow::Error| WorkError::Failed(format!("{error:#}"));
        let (dir, keep) = (&self.config.backup.dir, self.config.backup.keep);
        let recipients =
            Recipients::keys(&self.config.backup.recipients).map_err(|e| WorkError::Failed(e.to_string()))?;
        fs::create_dir_all(dir).map_err(|error| WorkError::Failed(error.to_string()))?;
        let path = dir.join(format!("{}{}{}", NAME.0, self.clock.now().to_rfc3339().replace(':', ""), NAME.1));
        let made = backup::create(&self.config, &self.store, &*self.clock, &path, recipients).await.map_err(failed)?;
        let removed = remove_old(dir, keep);
        let sha256 = made.manifest.sha256.clone();
        let outcome = json!({
            "file": path.display().to_string(), "bytes": made.size_bytes, "sha256": sha256,
            "signer": made.manifest.signer(), "removed": removed,
        });
        let entry = AuditEntry {
            at: self.clock.now(),
            actor: "server".into(),
            action: "backup.create".into(),
            target: format!("job:{}", item.lease.job),
            source: String::new(),
            result: AuditResult::Ok,
            detail: format!("sha256:{sha256}"),
        };
        let note = AuditNote { entry, trace: AuditTrace::default() };
        Ok(Finished::done("made", to_json(&outcome), vec![Effect::Note(Box::new(note))]))
    }
}

/// Removes all but the newest; their names sort by time. Returns how many.
fn remove_old(dir: &Path, keep: usize) -> usize {
    let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut ours: Vec<PathBuf> =
        entries.filter(|path| name(path).starts_with(NAME.0) && name(path).ends_with(NAME.1)).collect();
    ours.sort();
    let surplus = ours.len().saturating_sub(keep);
    ours.iter().take(surplus).filter(|path| fs::remove_file(path).is_ok()).count()
}

/// Queues a backup every night.
pub(super) async fn run(config: Config, jobs: Arc<Jobs>, leader: Leader, shutdown: CancellationToken) {
    let Some(minute) = config.backup.minute_of_day().filter(|_| config.backup.is_on()) else {
        shutdown.cancelled().await;
        return;
    };
    let since = jobs.clock.now();
    Nightly { jobs, kind: JobKind::Backup, minute, since, leader }.run(shutdown).await;
}
