//! Reports the outcome of a run to monitoring systems: a metrics file for `node_exporter`'s textfile
//! collector, and pings.
//!
//! A failure here is a warning and never changes the outcome of a run.
//!
//! Layer 4, beside `export`, which does not use it.

mod metrics;
mod ping;
mod tally;

pub use metrics::{RunMetrics, write};
pub use ping::{Moment, Pinger};
pub use tally::{Figures, Tally};
