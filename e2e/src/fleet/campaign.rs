//! A campaign from its first device to the end check. The phases are in `phases`.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::client::Resumption;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::args::FleetArgs;
use super::board::Board;
use super::holding::Holding;
use super::lot::{Lot, Tally};
use super::member::{Member, Orders};
use super::report::FleetReport;
use super::socket::Harbour;
use super::{census, enlist, phases};
use crate::device::RawDevice;
use crate::server::Server;
use crate::stage::Stage;
use crate::{tls, wait};

/// What the server allows in a campaign: all devices come from one address here, and every device is claimed within
/// the same minutes.
const LIMITS: &str = "[limits]\nrequests_per_second = 100000\naccount_requests_per_second = 100000\nclaims_per_minute = 1000000\nrenewals_per_minute = 1000000\n";

/// Errors of the server that are shown.
const ERRORS_SHOWN: usize = 5;

/// A fleet at work against its server.
pub(super) struct Campaign {
    pub(super) args: FleetArgs,
    pub(super) server: Server,
    pub(super) board: Arc<Board>,
    pub(super) orders: watch::Sender<Orders>,
    pub(super) report: FleetReport,
    members: JoinSet<Lot>,
}

/// Runs a campaign in a runtime of its own.
///
/// # Errors
/// As [`run`].
pub fn main(args: &FleetArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a campaign, prints what it found, and gives it.
///
/// # Errors
/// If it could not be run to its end, or events were lost or doubled.
pub async fn run(args: &FleetArgs) -> Result<FleetReport> {
    let stage = Stage::open().await?;
    let played = play(&stage, args).await;
    let report = played.inspect_err(|_| eprintln!("{}", stage.logs()))?;
    match args.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => println!("{report}"),
    }
    ensure!(
        report.is_whole(),
        "{} events lost, {} doubled, {} of {} devices connected",
        report.lost,
        report.doubled,
        report.connected,
        report.devices
    );
    Ok(report)
}

async fn play(stage: &Stage, args: &FleetArgs) -> Result<FleetReport> {
    let limits = format!("{LIMITS}\n[broker]\nmax_connections = {}\n", args.devices + 1_000);
    let server = Server::start_with(stage, &limits).await?;
    say(args, &format!("claiming {} identities", args.devices));
    let devices = enlist::enlist(&server, args.devices).await?;
    let mut campaign = Campaign::begin(args, server, devices)?;
    phases::connect(&mut campaign).await?;
    phases::steady(&mut campaign).await?;
    phases::drain(&mut campaign).await?;
    phases::raw(&mut campaign).await?;
    phases::enroll(&mut campaign).await?;
    phases::storm(&mut campaign).await?;
    campaign.finish().await
}

/// Says what is going on, to the one who waits.
pub(super) fn say(args: &FleetArgs, words: &str) {
    if !args.json {
        println!("{words}");
    }
}

impl Campaign {
    fn begin(args: &FleetArgs, server: Server, devices: Vec<RawDevice>) -> Result<Self> {
        let mut tls = tls::client(&server.ca_pem)?;
        // Each device of a real fleet has its own tickets or none after a restart; a shared store of them would make
        // the handshakes of this fleet cheaper than they are.
        Arc::make_mut(&mut tls).resumption = Resumption::disabled();
        let harbour = Arc::new(Harbour::new(&server.endpoints.mqtts, tls)?);
        let board = Arc::new(Board::new(devices.len()));
        let (orders, told) = watch::channel(Orders::default());
        let mut members = JoinSet::new();
        for (place, device) in devices.into_iter().enumerate() {
            let session = device.identity.token.session_floor;
            let member = Member {
                device,
                lot: Lot::default(),
                harbour: harbour.clone(),
                board: board.clone(),
                place,
                orders: told.clone(),
                holding: Holding::default(),
                session,
                drained: 0,
                next_visit: None,
                born: Instant::now(),
            };
            members.spawn(member.live());
        }
        let report = FleetReport { devices: args.devices, ..FleetReport::default() };
        Ok(Self { args: args.clone(), server, board, orders, report, members })
    }

    /// Changes what devices are told.
    pub(super) fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.orders.send_modify(change);
    }

    /// Waits until nothing waits on any device, and every device is connected.
    pub(super) async fn settled(&self, within: Duration) -> Result<()> {
        let devices = self.board.slots.len();
        let whole = async || {
            let standing = self.board.standing(0);
            Ok(standing.up == devices && standing.waiting == 0)
        };
        let waited = wait::until_true("every device to be connected and acknowledged", within, whole).await;
        waited.with_context(|| format!("{:?}, {:?}", self.board.standing(0), self.board.take_failures()))
    }

    /// Ends the fleet and the server, and compares what was made with what is stored.
    async fn finish(mut self) -> Result<FleetReport> {
        self.order(|orders| orders.end = true);
        let mut made: HashMap<_, Tally> = HashMap::new();
        while let Some(lot) = self.members.join_next().await {
            let lot = lot.context("a device panicked")?;
            made.insert(lot.stream, lot.tally);
        }
        self.server.stop().await?;
        let census = census::take(&self.server.database(), &made).await?;
        let mut report = self.report;
        (report.events, report.lost, report.doubled) = (census.made, census.lost, census.doubled);
        report.sent_again = self.board.sent_again.load(Ordering::Relaxed);
        report.wrong_galleries = self.board.wrong_galleries.load(Ordering::Relaxed);
        let log = self.server.log();
        let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
        report.server_errors = errors.len();
        errors.iter().take(ERRORS_SHOWN).for_each(|line| eprintln!("the server's log: {line}"));
        Ok(report)
    }
}
