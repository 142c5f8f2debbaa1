//! The certificate for browsers, looked at again and again, and at once with SIGHUP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::HttpConfig;
use crate::identity::current_cert::CurrentCertificate;
use crate::identity::public_cert::{PublicCertificate, Reloaded};
use crate::identity::shown_cert::ShownCertificates;
use crate::ports::Clock;

/// How late a changed file is noticed. Looking is cheap, and works with links, mounts and anything that writes files.
const EVERY: Duration = Duration::from_secs(5);

/// The certificates HTTPS shows. Files that are of no use do not keep the server from starting: doors and devices live
/// by its own certificate.
pub fn open(config: &HttpConfig, own: Arc<CurrentCertificate>, clock: &dyn Clock) -> Arc<ShownCertificates> {
    let is_configured = !config.certificate_file.is_empty();
    let public = is_configured.then(|| {
        let files = (Path::new(&config.certificate_file), Path::new(&config.key_file));
        Arc::new(PublicCertificate::new(files.0, files.1))
    });
    let shown = ShownCertificates { own, public };
    reload(&shown, clock);
    Arc::new(shown)
}

/// Looks at the files until `shutdown`.
pub async fn keep(shown: Arc<ShownCertificates>, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return shutdown.cancelled().await };
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = hang_up.recv() => tracing::info!("SIGHUP: looking at the certificate files"),
            () = shutdown.cancelled() => return,
        }
        reload(&shown, &*clock);
    }
}

fn reload(shown: &ShownCertificates, clock: &dyn Clock) {
    match shown.public.as_ref().map(|public| public.reload(clock.now())) {
        None | Some(Reloaded::Same) => {}
        Some(Reloaded::New { ends_at }) => {
            tracing::info!(%ends_at, "a certificate for browsers is shown, good until {ends_at}");
        }
        Some(Reloaded::Refused(reason)) => {
            tracing::error!(%reason, "the certificate for browsers was refused, what was shown before still is: {reason}");
        }
    }
}
