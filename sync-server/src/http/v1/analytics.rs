//! `/api/v1/analytics`: figures, each as JSON, as CSV, and as a drawing.

pub mod decisions;
pub mod presence;
pub mod table;
pub mod usage;
pub mod visits;
