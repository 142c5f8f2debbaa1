//! Who may do what, where: every operation of the API's description, for every role and scope, over the real server.

mod callers;
mod expected;
mod lists;
mod operations;
mod refusals;
mod scene;
mod walk;
