//! Model packs, wired: which one this server works with, what keeps the others, and what the API uses of them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use ostiary_common::ids::PackId;
use ostiary_models::pack::MANIFEST_FILE;

use super::foundation::Foundation;
use super::lifecycle::Lifecycle;
use super::models::Models;
use super::replicas::Replicas;
use super::successor::Successor;
use crate::config::Config;
use crate::domain::model_pack::PackState;
use crate::enroll::desk::Desk;
use crate::http::Api;
use crate::jobs::work::Work;
use crate::packs::Packs;
use crate::packs::bench::PackBench;
use crate::packs::files::{FOLDER, PackFiles};
use crate::packs::install::Installer;
use crate::packs::keeper::{PackKeeper, served};
use crate::packs::keys::TrustedKeys;
use crate::packs::served::ServedPacks;
use crate::packs::work::PackWork;
use crate::ports::model_packs::ModelPackStore;
use crate::ports::{Clock, DeviceLink};

/// The packs there are when the server starts.
pub(super) struct Shelf {
    pub(super) files: Arc<PackFiles>,
    pub(super) served: ServedPacks,
}

/// Notes the pack of the configuration, and takes up the one in force if that is another.
pub(super) async fn take_up(
    config: &Config,
    foundation: &Foundation,
    models: Models,
    clock: &dyn Clock,
) -> Result<(Models, Shelf)> {
    let store = foundation.store.clone();
    let own = (models.pack.clone(), config.models.pack_dir.clone());
    store.note_own_pack(&own.0, &manifest(&own.1), clock.now()).await.context("noting the model pack")?;
    let files = Arc::new(PackFiles { store: store.clone(), own, dir: config.server.data_dir.join(FOLDER) });
    let packs = store.model_packs().await.context("reading the model packs")?;
    let is_served = ServedPacks::default();
    is_served.set(served(&packs));
    let in_force = packs.iter().find(|pack| pack.state == PackState::Active).map(|pack| pack.id.clone());
    let models = match in_force.filter(|id| *id != models.pack) {
        Some(id) => other(config, &files, &id, models).await,
        None => models,
    };
    Ok((models, Shelf { files, served: is_served }))
}

/// The models of another pack than the configuration's. What cannot be loaded is no reason not to start: the templates
/// of the configuration's pack are kept complete as long as it is there.
async fn other(config: &Config, files: &PackFiles, id: &PackId, own: Models) -> Models {
    match files.pack(id).await {
        Ok(pack) => {
            tracing::info!("{id} is in force; {} of the configuration stands by", own.pack);
            Models::of(pack, config.models.kernels.into())
        }
        Err(error) => {
            tracing::error!(%error, "{id} is in force and cannot be loaded, {} is used instead: {error}", own.pack);
            own
        }
    }
}

fn manifest(dir: &Path) -> String {
    std::fs::read_to_string(dir.join(MANIFEST_FILE)).unwrap_or_default()
}

/// What the API uses.
pub(super) fn packs(
    config: &Config,
    foundation: &Foundation,
    shelf: &Shelf,
    own: (PackId, Arc<Desk>),
    clock: Arc<dyn Clock>,
) -> Result<Packs> {
    let trusted = TrustedKeys::read(&config.models.pack_keys).context("reading models.pack_keys")?;
    let most_bytes = config.models.pack_max_megabytes * 1024 * 1024;
    let id = own.0.clone();
    let bench = PackBench::new(shelf.files.clone(), own, config.models.kernels.into(), clock);
    Ok(Packs {
        store: foundation.store.clone(),
        installer: Installer { trusted, most_bytes, dir: config.server.data_dir.join(FOLDER) },
        bench: Arc::new(bench),
        served: shelf.served.clone(),
        own: id,
    })
}

/// Takes up another pack that comes into force, when nobody is in the middle of anything.
pub(super) fn succeed(
    config: &Config,
    foundation: &Foundation,
    shelf: &Shelf,
    api: &Api,
    replicas: &Replicas,
    lifecycle: &Arc<Lifecycle>,
) {
    let successor = Successor {
        packs: foundation.store.clone(),
        files: shelf.files.clone(),
        running: api.enrollment.pack.clone(),
        captures: api.captures.clone(),
        leader: replicas.leader.clone(),
        among_others: config.cluster.enabled,
        lifecycle: lifecycle.clone(),
    };
    lifecycle.spawn("taking up packs", successor.run(lifecycle.token()));
}

/// What does jobs of packs, and keeps packs in order until everything stops.
pub(super) fn work(
    foundation: &Foundation,
    api: &Api,
    link: Arc<dyn DeviceLink>,
    replicas: &Replicas,
    lifecycle: &Lifecycle,
) -> Arc<dyn Work> {
    let work = Arc::new(PackWork {
        store: foundation.store.clone(),
        crops: foundation.store.clone(),
        packs: foundation.store.clone(),
        bench: api.packs.bench.clone(),
        clock: api.clock.clone(),
    });
    let keeper = PackKeeper {
        work: work.clone(),
        served: api.packs.served.clone(),
        jobs: foundation.store.clone(),
        link,
        leader: replicas.leader.clone(),
    };
    lifecycle.spawn("model packs", keeper.run(lifecycle.token()));
    work
}
