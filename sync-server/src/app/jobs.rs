//! Jobs, wired: the queue in the store, the spool on the disk, and who works them off.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use uuid::Uuid;

use super::foundation::Foundation;
use super::lifecycle::Lifecycle;
use super::nightly::BackupWork;
use crate::clip::Clips;
use crate::clip::work::ClipWork;
use crate::config::Config;
use crate::enroll::Enrollment;
use crate::enroll::asked::Circles;
use crate::enroll::batch::PhotoWork;
use crate::identity::files::write_public;
use crate::imports::work::ImportWork;
use crate::jobs::Jobs;
use crate::jobs::feed::Feed;
use crate::jobs::sharing::Sharing;
use crate::jobs::spool::Spool;
use crate::jobs::under_way::UnderWay;
use crate::jobs::work::Work;
use crate::jobs::worker::Worker;
use crate::ports::{Clock, DeviceLink};

/// The queue, and the place where uploads wait.
pub(super) fn open(config: &Config, foundation: &Foundation, clock: Arc<dyn Clock>) -> Result<Arc<Jobs>> {
    let data_dir = &config.server.data_dir;
    Ok(Arc::new(Jobs {
        store: foundation.store.clone(),
        spool: Spool::open(config.jobs.spool(data_dir)).context("opening the spool of jobs")?,
        sharing: config.cluster.enabled.then(|| Sharing::new(foundation.store.clone())),
        under_way: UnderWay::default(),
        feed: Feed::default(),
        clock,
        node: node(data_dir)?,
        keep: config.jobs.keep(),
    }))
}

/// Works jobs off until everything stops.
pub(super) fn work(
    config: &Config,
    foundation: &Foundation,
    lifecycle: &Lifecycle,
    jobs: &Arc<Jobs>,
    (enrollment, clips): (&Arc<Enrollment>, &Arc<Clips>),
    link: Arc<dyn DeviceLink>,
    of_packs: Arc<dyn Work>,
) {
    let circles = Circles { accounts: foundation.store.clone(), reach: foundation.store.clone() };
    let photo_max_bytes = config.limits.photo_max_bytes() as u64;
    let import = ImportWork::new(enrollment.clone(), jobs.clone(), circles.clone(), photo_max_bytes);
    let photos = PhotoWork { enrollment: enrollment.clone(), jobs: jobs.clone(), circles: circles.clone() };
    let clip = ClipWork { clips: clips.clone(), enrollment: enrollment.clone(), jobs: jobs.clone(), circles };
    let mut works: Vec<Arc<dyn Work>> = vec![Arc::new(photos), Arc::new(clip), Arc::new(import), of_packs];
    if config.backup.is_on() {
        let (store, clock) = (foundation.store.clone(), jobs.clock.clone());
        works.push(Arc::new(BackupWork { config: config.clone(), store, clock }));
    }
    let worker = Arc::new(Worker::new(jobs.clone(), works, link, config.models.engines));
    lifecycle.spawn("jobs", worker.run(lifecycle.token()));
}

/// This server's name among those that share a store: it lies where its uploads lie, and is made at the first start.
fn node(data_dir: &Path) -> Result<String> {
    let path = data_dir.join("node-id");
    if let Ok(text) = fs::read_to_string(&path)
        && let Ok(id) = Uuid::try_parse(text.trim())
    {
        return Ok(id.to_string());
    }
    let id = Uuid::now_v7().to_string();
    write_public(&path, &format!("{id}\n")).context("writing <data_dir>/node-id")?;
    Ok(id)
}
