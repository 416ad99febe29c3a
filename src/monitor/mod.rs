//! Monitoring: how a run went, for those who watch over it and do not read its log.
//!
//! A metrics file is read by `node_exporter`'s textfile collector, a ping by a monitor that waits for signs of life. Neither
//! ever changes how a run ends: what goes wrong here is a warning.
//!
//! Layer 4, beside `export`, which knows nothing of it.

mod metrics;
mod ping;
mod tally;

pub use metrics::{RunMetrics, write};
pub use ping::{Moment, Pinger};
pub use tally::{Figures, Tally};
