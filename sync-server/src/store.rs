//! Where what the server knows is kept. SQL stands only below here.

pub mod sql;
