//! What devices themselves use: no user token, but a code or a proof.

mod bodies;
pub mod claim;
pub mod model_pack;
pub mod nonce;
pub mod token;
