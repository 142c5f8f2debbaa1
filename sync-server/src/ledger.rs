//! Keeps the audit log provable: signs its head now and then, cuts off what is old enough, and proves the whole.
//!
//! Who can write to the database can forge lines that were written since the last signed head, and nothing before it.
//! The last signed head also lies beside the database, in a file: whoever cuts the log short, or puts an older copy of
//! the database in place, must have both. Start reading at [`verify`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;

use crate::domain::audit::chain::{Broken, ChainPoint, Walker};
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::identity::IdentityError;
use crate::identity::audit_seal::{AuditSeal, SealKind};
use crate::identity::files;
use crate::identity::signing::SigningKeys;
use crate::identity::tokens::{TokenRefused, Tokens};
use crate::ports::{Clock, LedgerStore, Store, StoreError};
use crate::replicas::Leader;

/// How often the head is signed, if it has moved.
const EVERY: Duration = Duration::from_secs(60);
/// Lines read at once.
const PAGE: u32 = 1000;

/// Why a log is not proved.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The chain is broken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A signature is not this server's.
    #[error("the signature on {what} is not good: {reason}")]
    Forged {
        /// Which.
        what: &'static str,
        /// Why.
        reason: TokenRefused,
    },
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file beside the database could not be read or written.
    #[error(transparent)]
    File(#[from] IdentityError),
}

/// What was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Lines before this one were cut off, with the server's signature.
    pub first: u64,
    /// The last line and its hash.
    pub head: ChainPoint,
    /// Signed heads that agree.
    pub checkpoints: usize,
    /// The last line that stands under a signature.
    pub signed_upto: u64,
}

/// Where the last signed head lies beside the database.
pub fn head_file(data_dir: &Path) -> PathBuf {
    data_dir.join("audit-head.jws")
}

/// Signs heads and cuts old lines.
pub struct Ledger {
    /// The log.
    pub store: Arc<dyn Store>,
    /// Holds the keys that sign.
    pub tokens: Arc<Tokens>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the last signed head lies.
    pub head_file: PathBuf,
    /// Lines older than this are cut off if nothing else is set; `None` keeps them for good.
    pub keep: Option<Duration>,
    /// One server does this for all.
    pub leader: Leader,
}

impl Ledger {
    /// Signs until `shutdown` while this server leads, and once more then. Old lines are cut by [`crate::retainer`].
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            if !self.leader.leads() {
                continue;
            }
            note(self.sign_head().await);
        }
        if self.leader.leads() {
            note(self.sign_head().await);
        }
    }

    /// Signs the head if it has moved.
    ///
    /// # Errors
    /// [`VerifyError::Store`], [`VerifyError::File`].
    pub async fn sign_head(&self) -> Result<(), VerifyError> {
        let head = self.store.audit_head().await?;
        if head.seq == 0 {
            return Ok(());
        }
        let token = AuditSeal::new(SealKind::Head, head, self.clock.now()).sign(&self.tokens.keys());
        if self.store.add_audit_checkpoint(head.seq, &token).await? {
            files::write_public(&self.head_file, &token)?;
        }
        Ok(())
    }

    /// How many days lines are kept by the configuration, as long as nobody sets it otherwise; `None` for good.
    pub fn configured_days(&self) -> Option<u32> {
        self.keep.map(|keep| u32::try_from(keep.as_secs() / 86_400).unwrap_or(u32::MAX))
    }

    /// Cuts off lines of before a moment, and says so in the log.
    ///
    /// # Errors
    /// [`VerifyError::Store`].
    pub async fn cut_before(&self, before: UnixMillis) -> Result<u64, VerifyError> {
        let now = self.clock.now();
        let Some(upto) = self.store.audit_last_before(before).await? else { return Ok(0) };
        let token = AuditSeal::new(SealKind::Cut, upto, now).sign(&self.tokens.keys());
        let gone = self.store.cut_audit(upto.seq, &token).await?;
        self.store.audit(&cut_line(now, upto, gone)).await?;
        Ok(gone)
    }
}

fn cut_line(at: UnixMillis, upto: ChainPoint, gone: u64) -> AuditEntry {
    AuditEntry {
        at,
        actor: "server".into(),
        action: "audit.cut".into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: format!("{gone} lines up to {}, which were old enough", upto.seq),
    }
}

fn note<T>(result: Result<T, VerifyError>) {
    if let Err(error) = result {
        tracing::error!(%error, "the audit log could not be signed: {error}");
    }
}

/// Proves a log: every line follows the one before, from the last signed cut or the very first line on; every signed
/// head, in the database and in `head_file`, is the one of its line; and none is missing at the end.
///
/// # Errors
/// [`VerifyError`] says which line is wrong.
pub async fn verify(store: &dyn LedgerStore, keys: &SigningKeys, head_file: &Path) -> Result<Proof, VerifyError> {
    let check = |what, kind, token: &str| {
        AuditSeal::check(token.trim(), kind, |kid| keys.find_ever(kid).map(|key| key.key.clone()))
            .map_err(|reason| VerifyError::Forged { what, reason })
    };
    let start = match store.audit_cut().await? {
        Some(token) => check("a cut", SealKind::Cut, &token)?,
        None => ChainPoint::START,
    };
    // Read before the lines: what is appended meanwhile only makes the log longer.
    let head = store.audit_head().await?;
    let mut signed = BTreeMap::new();
    for token in store.audit_checkpoints().await? {
        let point = check("a signed head", SealKind::Head, &token)?;
        signed.insert(point.seq, point);
    }
    let checkpoints = signed.len();
    if let Some(token) = files::read(head_file)? {
        let point = check("the signed head beside the database", SealKind::Head, &token)?;
        if signed.insert(point.seq, point).is_some_and(|other| other != point) {
            return Err(Broken::NotAsSigned { seq: point.seq }.into());
        }
    }
    let signed_upto = signed.keys().next_back().copied().unwrap_or(start.seq);
    // A head signed before a cut is behind it.
    let mut known: BTreeMap<u64, ChainPoint> = signed.into_iter().filter(|(seq, _)| *seq >= start.seq).collect();
    known.entry(head.seq).or_insert(head);
    let walked = walk(store, start, &mut known).await?;
    known.values().try_for_each(|point| walked.compare(*point))?;
    if walked.at().seq == head.seq && walked.at() != head {
        return Err(Broken::NotAsSigned { seq: head.seq }.into());
    }
    Ok(Proof { first: start.seq + 1, head: walked.at(), checkpoints, signed_upto })
}

/// Walks every line, and takes those places out of `known` that were reached and agree.
async fn walk(
    store: &dyn LedgerStore,
    start: ChainPoint,
    known: &mut BTreeMap<u64, ChainPoint>,
) -> Result<Walker, VerifyError> {
    let mut walker = Walker::after(start);
    loop {
        if let Some(point) = known.remove(&walker.at().seq) {
            walker.compare(point)?;
        }
        let page = store.audit_walk(walker.at().seq, PAGE).await?;
        if page.is_empty() {
            return Ok(walker);
        }
        for line in &page {
            walker.take(line)?;
            if let Some(point) = known.remove(&line.point.seq) {
                walker.compare(point)?;
            }
        }
    }
}
