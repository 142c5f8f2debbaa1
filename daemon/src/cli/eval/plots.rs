//! The two pictures everyone asks for, as SVG: both errors against each other, and how the scores lie.

use std::path::Path;

use anyhow::anyhow;
use ostiary_models::metrics::{Curve, Trials};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::verify::make_dir;

const SIZE: (u32, u32) = (720, 520);
const MATED: RGBColor = RGBColor(27, 120, 180);
const OTHERS: RGBColor = RGBColor(210, 90, 30);
/// Columns of the distribution.
const BINS: usize = 80;

/// Writes `<name>-det.svg` and `<name>-scores.svg`; `errors` are the names of the two rates.
pub fn write(
    dir: &Path,
    name: &str,
    errors: [&str; 2],
    trials: &Trials,
    curve: &Curve,
    threshold: Option<f64>,
) -> anyhow::Result<()> {
    make_dir(dir)?;
    let least = 0.5 / trials.mated().max(trials.non_mated()).max(1) as f64;
    drawn(&dir.join(format!("{name}-det.svg")), |area| det(area, errors, curve, least))?;
    drawn(&dir.join(format!("{name}-scores.svg")), |area| distribution(area, trials, threshold))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn drawn(
    path: &Path,
    draw: impl FnOnce(&Area<'_>) -> Result<(), DrawingAreaErrorKind<std::io::Error>>,
) -> anyhow::Result<()> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let done = area.fill(&WHITE).and_then(|()| draw(&area)).and_then(|()| area.present());
    done.map_err(|error| anyhow!("drawing {}: {error}", path.display()))
}

/// Both errors, on logarithmic axes; what never happened is drawn at the lower edge.
fn det(
    area: &Area<'_>,
    [across, up]: [&str; 2],
    curve: &Curve,
    least: f64,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((least..1.0).log_scale(), (least..1.0).log_scale())?;
    let label = |value: &f64| format!("{} %", 100.0 * value);
    chart.configure_mesh().x_desc(across).y_desc(up).x_label_formatter(&label).y_label_formatter(&label).draw()?;
    chart.draw_series(LineSeries::new([(least, least), (1.0, 1.0)], RGBColor(190, 190, 190)))?;
    let points = curve.points().iter().map(|at| (at.false_match.max(least), at.false_non_match.max(least)));
    chart.draw_series(LineSeries::new(points, MATED.stroke_width(2)))?;
    Ok(())
}

/// The shares of scores in even steps, mated and non-mated.
fn distribution(
    area: &Area<'_>,
    trials: &Trials,
    threshold: Option<f64>,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let scores = |mated: bool| -> Vec<f64> {
        trials.as_slice().iter().filter(|trial| trial.mated == mated).filter_map(|trial| trial.score).collect()
    };
    let (mated, others) = (scores(true), scores(false));
    let all = || mated.iter().chain(&others).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if low >= high {
        return Ok(());
    }
    let kinds = [("non-mated", others, OTHERS), ("mated", mated, MATED)]
        .map(|(name, of, colour)| (name, shares(&of, low, high), colour));
    let tallest = kinds.iter().flat_map(|(_, shares, _)| shares).copied().fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(low..high, 0.0..tallest * 1.05)?;
    let percent = |value: &f64| format!("{:.0} %", 100.0 * value);
    chart.configure_mesh().x_desc("similarity").y_desc("share").y_label_formatter(&percent).draw()?;
    let step = (high - low) / BINS as f64;
    for (name, shares, colour) in kinds {
        let columns = shares.into_iter().enumerate().filter(|(_, share)| *share > 0.0).map(|(bin, share)| {
            let left = low + bin as f64 * step;
            Rectangle::new([(left, 0.0), (left + step, share)], colour.mix(0.55).filled())
        });
        let series = chart.draw_series(columns)?;
        series.label(name).legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    if let Some(at) = threshold.filter(|at| (low..high).contains(at)) {
        let line = LineSeries::new([(at, 0.0), (at, tallest * 1.05)], BLACK.stroke_width(1));
        chart.draw_series(line)?.label("threshold").legend(|(x, y)| PathElement::new([(x, y), (x + 12, y)], BLACK));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK.mix(0.3)).draw()
}

fn shares(scores: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut shares = vec![0.0; BINS];
    for score in scores {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bins by construction")]
        let bin = ((score - low) / (high - low) * BINS as f64) as usize;
        shares[bin.min(BINS - 1)] += 1.0 / scores.len() as f64;
    }
    shares
}
