//! The story, act by act. Each act shows what happened and fails if something else did.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::PHOTO;
use super::latency::Latencies;
use super::print::{more, step};
use super::visit::Visit;
use crate::daemon::{Daemon, View};
use crate::live::Live;
use crate::photos;
use crate::server::Server;
use crate::stage::Stage;
use crate::wait;

/// The name the person is enrolled under.
const NAME: &str = "Person A";
/// A visit of the clip comes at least this often, also on a slow machine.
const VISIT_COMES: Duration = Duration::from_secs(90);
/// So many visits may come and go unjudged.
const ROUNDS: usize = 6;
/// A person may take their time.
const PERSON_COMES: Duration = Duration::from_secs(600);
/// An enrollment reaches a connected device within this time.
const SYNC_TAKES: Duration = Duration::from_secs(30);

/// Server, device and feed, and what was measured.
pub struct Story {
    server: Server,
    daemon: Daemon,
    live: Live,
    latencies: Latencies,
}

impl Story {
    /// Starts the server, claims a device, and lets it look.
    pub async fn begin(stage: &Stage, view: View) -> Result<Self> {
        let server = Server::start(stage).await.context("starting the server")?;
        step("server", &format!("API https://{}   MQTT mqtts://{}", server.endpoints.https, server.endpoints.mqtts));
        fs::write(stage.file("ca.pem"), &server.ca_pem)?;
        let invitation = server.add_device("Head office", "Front door", "front-door-camera")?;
        let mut daemon = Daemon::claim_invited(stage, &server, "camera", &invitation)?;
        step("device", &format!("claimed with the one-time code {}, the server's CA pinned", invitation.code));
        let live = Live::connect(&server.api, &server.ca_pem, 0).await?;
        daemon.run(&view)?;
        step("camera", &looking_at(&view));
        Ok(Self { server, daemon, live, latencies: Latencies::default() })
    }

    /// The server.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The whole story, with the clip.
    pub async fn tell(&mut self) -> Result<()> {
        let first = self.usable_visit().await?;
        ensure!(first.kind == "unknown", "the first visit is `{}`, not unknown", first.kind);
        self.enroll(photos::portrait(PHOTO)?).await?;
        let known_from = first.cursor;
        let matched = self.visit_after(known_from, "match", VISIT_COMES).await?;
        ensure!(matched.name.as_deref() == Some(NAME), "the match is of {:?}, not of {NAME}", matched.name);
        let stranger = self.other_visit().await?;
        ensure!(stranger.kind == "unknown", "the other person is `{}`, not unknown", stranger.kind);
        more("someone else: not enrolled, stays unknown");
        self.latencies.print();
        Ok(())
    }

    /// The story with a real camera and a photo of who stands before it.
    pub async fn tell_with_camera(&mut self, photo: Vec<u8>) -> Result<()> {
        step("you", "stand before the camera and look at it, then step aside");
        let first = self.visit(PERSON_COMES).await?;
        self.enroll(photo).await?;
        step("you", "stand before the camera again");
        let matched = self.visit_after(first.cursor, "match", PERSON_COMES).await?;
        ensure!(matched.name.as_deref() == Some(NAME), "the match is of {:?}, not of {NAME}", matched.name);
        self.latencies.print();
        Ok(())
    }

    /// A real camera without a photo: there is nobody to enroll.
    pub fn watch_camera(&self) -> Result<()> {
        step("you", "stand before the camera; with --photo FILE you would be enrolled and recognised");
        Ok(())
    }

    /// Shows visits until the process ends.
    pub async fn go_on(&mut self) -> Result<()> {
        loop {
            self.visit(Duration::from_secs(24 * 3600)).await?;
        }
    }

    /// Ends both programs in order.
    pub async fn end(mut self) -> Result<()> {
        self.daemon.stop().await?;
        self.server.stop().await
    }

    /// The next visit, shown.
    async fn visit(&mut self, deadline: Duration) -> Result<Visit> {
        loop {
            self.daemon.ensure_running()?;
            self.server.ensure_running()?;
            let event = self.live.next(deadline).await.context("waiting for a visit")?;
            if let Some(visit) = Visit::read(&event)? {
                step("visit", &visit.line());
                self.latencies.visits.push(visit.clone());
                return Ok(visit);
            }
        }
    }

    /// The next visit that could be judged. On a machine too busy to look at enough frames of one, that is said
    /// and the clip comes round again.
    async fn usable_visit(&mut self) -> Result<Visit> {
        for _ in 0..ROUNDS {
            let visit = self.visit(VISIT_COMES).await?;
            if visit.kind != "unusable" {
                return Ok(visit);
            }
        }
        bail!("of {ROUNDS} visits none could be judged: is this machine very busy?")
    }

    /// After a visit of the one: the next usable visit of the other. The two come in turn, so that after one of
    /// the other's that could not be judged the next is passed over.
    async fn other_visit(&mut self) -> Result<Visit> {
        for _ in 0..ROUNDS {
            let visit = self.visit(VISIT_COMES).await?;
            if visit.kind != "unusable" {
                return Ok(visit);
            }
            self.visit(VISIT_COMES).await?;
        }
        bail!("of {ROUNDS} visits of the other person none could be judged: is this machine very busy?")
    }

    /// The next visit of a kind, others shown and passed over.
    async fn visit_after(&mut self, cursor: i64, kind: &str, deadline: Duration) -> Result<Visit> {
        let end = Instant::now() + deadline;
        loop {
            let visit = self.visit(end.saturating_duration_since(Instant::now())).await?;
            if visit.cursor > cursor && visit.kind == kind {
                return Ok(visit);
            }
        }
    }

    async fn enroll(&mut self, photo: Vec<u8>) -> Result<()> {
        let api = &self.server.api;
        let person = api.add_person(NAME).await?;
        let sent = Instant::now();
        let revision = api.enroll(&person, photo).await?;
        let stored = Instant::now();
        let path = format!("/api/v1/persons/{person}/sync");
        let holds = async || {
            let sync = api.get(&path).await?;
            Ok(sync["total"].as_u64() > Some(0) && sync["holding"] == sync["total"])
        };
        wait::until_true("the device to hold the new person", SYNC_TAKES, holds).await?;
        self.latencies.photo_to_template_ms = Some((stored - sent).as_secs_f64() * 1000.0);
        self.latencies.template_to_device_ms = Some(stored.elapsed().as_secs_f64() * 1000.0);
        step("enroll", &format!("{NAME} by another photo: revision {revision}, live on 1 of 1 doors"));
        Ok(())
    }
}

fn looking_at(view: &View) -> String {
    match view {
        View::Camera(device) => format!("{}", device.display()),
        View::Loop { .. } | View::Once(_) | View::Drill(_) => {
            "plays the clip: one comes and goes, then the other, again and again".to_owned()
        }
    }
}
