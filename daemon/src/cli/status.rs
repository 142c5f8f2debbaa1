//! `ostiaryd status`.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::app::status::{Status, places};
use crate::config::Config;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Say how the running daemon is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As JSON, with every figure.
    #[arg(long)]
    json: bool,
}

/// Asks the running daemon and prints what it says; fails if it does not run, or something is wrong.
pub fn status(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let text = ask(config)?;
    let status: Status = serde_json::from_str(&text).context("the daemon's answer")?;
    if args.json {
        println!("{text}");
    } else {
        print!("{}", words(&status));
    }
    let is_well = status.alarms.is_empty() && status.face.safe_mode.is_none();
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ask(config: &Config) -> anyhow::Result<String> {
    let places = places(config);
    let stream = places.iter().find_map(|path| UnixStream::connect(path).ok());
    let first = places.first().map(|path| path.display().to_string()).unwrap_or_default();
    let mut stream = stream.with_context(|| {
        format!("no daemon answers at {first}: does it run (`systemctl status ostiaryd`), and may you ask (as root)?")
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.read_to_string(&mut text).context("the daemon does not answer")?;
    Ok(text)
}

/// The most important figures, for people.
fn words(status: &Status) -> String {
    let Status { face, alarms, metrics } = status;
    let figure = |name: &str| metrics.get(name).copied().unwrap_or(0.0);
    let optional =
        |name: &str, unit: &str| metrics.get(name).map_or_else(|| "?".to_owned(), |v| format!("{v:.0}{unit}"));
    let connected = if figure("ostiary_mqtt_connected") > 0.0 { "connected" } else { "NOT CONNECTED" };
    let mut text = format!("{} ({}), version {}\n", face.name, face.device, face.version);
    if let Some(why) = &face.safe_mode {
        text += &format!("SAFE MODE   {why}\n");
    }
    text += &format!("server      {connected}, {} events wait\n", figure("ostiary_outbox_events"));
    let (rate, lost) = (figure("ostiary_frames_per_second"), figure("ostiary_frames_lost_total"));
    text += &format!("camera      {}, {rate:.1} frames/s, {lost:.0} lost\n", face.camera);
    let (persons, revision) = (figure("ostiary_gallery_persons"), figure("ostiary_gallery_revision"));
    text += &format!("gallery     {persons:.0} persons at revision {revision:.0}, pack {}\n", face.model_pack);
    let mb = figure("process_resident_memory_bytes") / 1e6;
    let (cpu, heat) = (figure("ostiary_cpu_percent"), optional("ostiary_cpu_temperature_celsius", " °C"));
    text += &format!("board       {cpu:.0} % of a core, {mb:.0} MB, {heat}\n");
    let (free, written) = (figure("ostiary_disk_free_bytes") / 1e6, figure("ostiary_disk_bytes_written_total") / 1e6);
    text += &format!("disk        {free:.0} MB free, {written:.1} MB written since the start\n");
    let (up, starts) = (figure("ostiary_uptime_seconds"), figure("ostiary_starts_total"));
    text += &format!("up          {:.1} h, start {starts:.0}; before: {}\n", up / 3600.0, face.run_before);
    for (name, what) in alarms {
        text += &format!("ALARM       {name}: {what}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_out() {
        let mut status = Status::default();
        status.face.safe_mode = Some("the model pack is missing".into());
        status.alarms.push(("hot".into(), "give it air".into()));
        status.metrics.insert("ostiary_outbox_events".into(), 7.0);
        let words = words(&status);
        for expected in ["NOT CONNECTED, 7 events wait", "SAFE MODE   the model pack", "ALARM       hot: give it air"] {
            assert!(words.contains(expected), "{words}");
        }
    }
}
