//! What recognition is judged by: error rates over scores, and how sure they are.
//!
//! Pure arithmetic over lists of scores.

mod random;

pub use random::Random;
