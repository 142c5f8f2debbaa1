//! Signing in and out, registering, new passwords by link.

pub mod log_out;
pub mod login;
pub mod password_reset;
pub mod refresh;
pub mod register;
pub mod second_step;
mod signed_in;

use serde_json::Map;

pub use signed_in::Guest;

use crate::accounts::invite::NotMade;
use crate::http::problem::ApiError;

/// Why an account or a password was not made.
pub fn not_made(refused: NotMade) -> ApiError {
    let words = |slug, title| ApiError::Refused { slug, title, detail: refused.to_string(), more: Map::new() };
    match refused {
        NotMade::Link => words("link-refused", "This link is not good"),
        NotMade::Password(_) => words("weak-password", "This password may not be set"),
        NotMade::Failed(error) => error.into(),
    }
}
