//! A model pack with a made-up calibration.

use std::sync::Arc;

use ostiary_common::ids::PackId;
use ostiary_models::calibration::{Calibration, CalibrationTable};
use ostiary_models::decide::Rule;
use ostiary_models::quality::QualityGate;
use ostiary_server::app::models::Models;

use super::reader::{DIMENSION, PixelReader};

/// Readers of pixels, without a calibration.
pub fn plain() -> Models {
    Models {
        pack: PackId::parse("test@1").unwrap(),
        dimension: DIMENSION,
        rule: Rule { threshold: 0.95, margin: 0.0 },
        calibration: None,
        guide: super::reader::guide(),
        gate: QualityGate {
            min_face_px: 0.0,
            min_sharpness: 0.0,
            min_exposure: 0.0,
            min_pose: 0.0,
            min_overall: 0.0,
            min_unoccluded: 0.0,
        },
        readers: Arc::new(|| Ok(Box::new(PixelReader))),
    }
}

/// The same, calibrated.
pub fn calibrated() -> Models {
    let table = table();
    assert_eq!(table.faults(), []);
    Models { calibration: Some(Calibration::new(&table)), ..plain() }
}

/// Strangers fall off exponentially above 0.8; one visit in a hundred of known people is below 0.88.
fn table() -> CalibrationTable {
    let mated = [0.8, 0.86, 0.88, 0.89, 0.91, 0.92, 0.94, 0.95, 0.96, 0.98, 1.0];
    let fit = |rate: f64, scale: f64| {
        let mut row = [0.0; 14];
        row[..3].copy_from_slice(&[rate, scale, 0.0]);
        row[3..].copy_from_slice(&mated);
        row
    };
    CalibrationTable {
        measured_on: "made up".into(),
        people: 24,
        visits: 120,
        pairs: 276,
        templates: 3,
        margin: 0.02,
        non_mated: [0.2, 0.5, 0.6, 0.7, 0.75],
        tail_from: 0.8,
        tail_rate: 0.05,
        tail_scale: 0.01,
        tail_shape: 0.0,
        mated,
        resampled: [0.008, 0.009, 0.01, 0.011, 0.012].into_iter().map(|scale| fit(0.05, scale)).collect(),
    }
}
