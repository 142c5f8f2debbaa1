//! What a campaign is to do.

use clap::Args;

/// How many devices, how long, how hard.
#[derive(Args, Clone, Debug)]
pub struct FleetArgs {
    /// Devices connected at once. Each takes three file handles of the server and one of this program.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub devices: u32,
    /// Length of each step of steady load.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Events per second of all devices together; several are tried in turn, and the highest that holds is reported.
    #[arg(long, value_delimiter = ',', default_values_t = [2_000.0, 5_000.0, 8_000.0, 10_000.0, 12_500.0, 15_000.0])]
    pub rates: Vec<f64>,
    /// Visits that end together at one door, and so travel in one batch.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub burst: u32,
    /// Events every device has waiting when it comes back from a time without a connection.
    #[arg(long, default_value_t = 64)]
    pub backlog: u32,
    /// Rows of the plain batch insert that events per second are compared with.
    #[arg(long, default_value_t = 100_000)]
    pub raw_rows: usize,
    /// Print one line of JSON instead of words.
    #[arg(long)]
    pub json: bool,
}
