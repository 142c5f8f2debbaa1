//! Starts the `ostiary-server` program.
#![expect(unsafe_code, reason = "the allocator's settings are a function of C")]

use std::ffi::c_long;
use std::process::ExitCode;

use libmimalloc_sys::{mi_option_set_default, mi_option_t};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay` of mimalloc's second generation; the crate has no name for it.
const PURGE_DELAY: mi_option_t = 15;
/// Memory that was given back is given to the system after so long, instead of after 10 ms: the next photo comes sooner than this
/// and needs as much again, and each page taken away halts every thread and is filled with zeroes once more.
const PURGE_DELAY_MS: c_long = 500;

fn main() -> ExitCode {
    // SAFETY: it may be called at any time, with any option; `MIMALLOC_PURGE_DELAY` in the environment still counts first.
    unsafe { mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS) };
    ostiary_server::cli::main()
}
