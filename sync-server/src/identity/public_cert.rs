//! A certificate for browsers, from files that an ACME client or an admin keeps. A changed file is taken while the
//! server runs; one that is of no use is told of, and the one before goes on being shown.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use ostiary_common::time::UnixMillis;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::reading::{self, Reading};

/// The files, and what they held last that was of use.
pub struct PublicCertificate {
    chain: PathBuf,
    key: PathBuf,
    shown: ArcSwapOption<Shown>,
    seen: Mutex<Option<Seen>>,
}

struct Shown {
    key: Arc<CertifiedKey>,
    reading: Reading,
}

/// The files as they were when they were read last.
struct Seen {
    stamp: Stamp,
    fault: Option<String>,
}

/// Tells whether a file was written or replaced since; for the chain and the key.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// What looking at the files came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// They are as they were.
    Same,
    /// They are new, and shown from now on.
    New {
        /// When the certificate ends.
        ends_at: UnixMillis,
    },
    /// They are new and of no use; what was shown before still is.
    Refused(String),
}

impl PublicCertificate {
    /// Of these files, not read yet.
    pub fn new(chain: &Path, key: &Path) -> Self {
        let (chain, key) = (chain.to_owned(), key.to_owned());
        Self { chain, key, shown: ArcSwapOption::empty(), seen: Mutex::new(None) }
    }

    /// Reads the files if they changed since the last time.
    pub fn reload(&self, now: UnixMillis) -> Reloaded {
        let stamp = [stamp(&self.chain), stamp(&self.key)];
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref().is_some_and(|seen| seen.stamp == stamp) {
            return Reloaded::Same;
        }
        let read = self.read(now);
        let fault = read.as_ref().err().cloned();
        *seen = Some(Seen { stamp, fault });
        match read {
            Ok(shown) => {
                let ends_at = shown.reading.ends_at;
                self.shown.store(Some(Arc::new(shown)));
                Reloaded::New { ends_at }
            }
            Err(reason) => Reloaded::Refused(reason),
        }
    }

    /// The certificate, if it is for this name.
    pub fn for_name(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.load();
        shown.as_ref().filter(|shown| shown.reading.is_for(name)).map(|shown| shown.key.clone())
    }

    /// When the certificate that is shown ends; nothing if none is.
    pub fn ends_at(&self) -> Option<UnixMillis> {
        self.shown.load().as_ref().map(|shown| shown.reading.ends_at)
    }

    /// Why the files as they are now are not shown.
    pub fn fault(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|seen| seen.fault.clone())
    }

    fn read(&self, now: UnixMillis) -> Result<Shown, String> {
        let text = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let chain = CertificateDer::pem_slice_iter(&text(&self.chain)?).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| format!("{}: {error}", self.chain.display()))?;
        let key = PrivateKeyDer::from_pem_slice(&text(&self.key)?);
        let key = key.map_err(|error| format!("{}: {error}", self.key.display()))?;
        let reading = chain.first().and_then(reading::of_der);
        let reading = reading.ok_or_else(|| format!("{}: there is no certificate in it", self.chain.display()))?;
        if reading.ends_at < now || reading.begins_at > now {
            let (from, to) = (reading.begins_at, reading.ends_at);
            return Err(format!("{}: the certificate is good from {from} to {to} only", self.chain.display()));
        }
        if reading.names.is_empty() {
            return Err(format!("{}: the certificate is for no DNS name", self.chain.display()));
        }
        let provider =
            CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let key = CertifiedKey::from_der(chain, key, &provider);
        let key =
            key.map_err(|error| format!("{} does not fit {}: {error}", self.key.display(), self.chain.display()))?;
        Ok(Shown { key: Arc::new(key), reading })
    }
}

impl std::fmt::Debug for PublicCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicCertificate({})", self.chain.display())
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    // Links are followed: ACME clients replace what a link points to.
    let there = fs::metadata(path).ok()?;
    Some((there.modified().ok()?, there.len()))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn write(dir: &Path, name: &str, days: i64) -> KeyPair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let now = time::OffsetDateTime::from_unix_timestamp(NOW.0 / 1000).unwrap();
        params.not_before = now - time::Duration::days(1);
        params.not_after = now + time::Duration::days(days);
        fs::write(dir.join("chain.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
        key
    }

    /// Files written within one tick of the file system's clock look alike if they are as long.
    fn touch(dir: &Path, seconds: u64) {
        for name in ["chain.pem", "key.pem"] {
            let file = fs::File::options().append(true).open(dir.join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        }
    }

    #[test]
    fn a_new_file_is_taken_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let certificate = PublicCertificate::new(&dir.path().join("chain.pem"), &dir.path().join("key.pem"));
        let refused = |found: Reloaded, why: &str| match found {
            Reloaded::Refused(reason) => assert!(reason.contains(why), "`{reason}` does not say `{why}`"),
            other => panic!("{other:?}"),
        };
        refused(certificate.reload(NOW), "No such file");
        assert!(certificate.for_name("panel.example").is_none());

        write(dir.path(), "panel.example", 90);
        let ends_at = UnixMillis(NOW.0 + 90 * 86_400_000);
        assert_eq!(certificate.reload(NOW), Reloaded::New { ends_at });
        assert_eq!((certificate.reload(NOW), certificate.fault()), (Reloaded::Same, None));
        assert!(certificate.for_name("panel.example").is_some() && certificate.for_name("other.example").is_none());

        fs::write(dir.path().join("chain.pem"), "half a certifica").unwrap();
        refused(certificate.reload(NOW), "no certificate");
        assert!(certificate.fault().is_some() && certificate.for_name("panel.example").is_some(), "the one before");
        assert_eq!(certificate.reload(NOW), Reloaded::Same, "told once");

        write(dir.path(), "panel.example", 90);
        let other = KeyPair::generate().unwrap().serialize_pem();
        fs::write(dir.path().join("key.pem"), other).unwrap();
        touch(dir.path(), 1_000);
        refused(certificate.reload(NOW), "does not fit");
        write(dir.path(), "panel.example", -1);
        touch(dir.path(), 2_000);
        refused(certificate.reload(NOW), "only");

        write(dir.path(), "new.example", 30);
        touch(dir.path(), 3_000);
        assert!(matches!(certificate.reload(NOW), Reloaded::New { .. }));
        assert!(certificate.for_name("new.example").is_some() && certificate.fault().is_none());
    }
}
