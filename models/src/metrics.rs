//! What recognition is judged by: error rates over scores, and how sure they are.
//!
//! Words as in ISO/IEC 19795: FMR and FNMR of comparisons, FPIR and FNIR of searches. Start reading at
//! [`Trials`], which holds scores and gives a [`Curve`] and intervals; [`verification()`] and [`Identification`]
//! make reports of them. Pure arithmetic: no net runs here.

mod curve;
mod detection;
mod estimate;
mod identification;
mod random;
mod trials;
mod verification;

pub use curve::{Curve, Point};
pub use detection::{DetectionCounts, faces_found};
pub use estimate::{Estimate, proportion};
pub use identification::{Identification, IdentificationReport, Probe, SearchRates};
pub use random::Random;
pub use trials::{Trial, Trials};
pub use verification::{ComparisonRates, VerificationReport, verification};
