//! The simulator: the API of the service on a loopback port, with made-up conversations.
//!
//! Tests run against it, and users try the exporter with it (`chatzy-export simulate`, `run --simulated`). Options choose
//! between all readings of the API's documentation (order, grouping, what an offset counts) and add the faults of
//! gateways and networks.
//!
//! A request passes `server` (connection), `routes` (count, decide, admit), `auth` and `faults`, `pages` (select the
//! messages), `drift` (current messages), `story` (content) and `body` (delivery).
//!
//! The crate uses nothing of the exporter. The exporter's command line and tests start it.

mod account;
mod auth;
mod body;
mod channel;
mod choices;
mod compress;
mod drift;
mod faults;
mod next_day;
pub mod options;
mod pages;
mod reply;
mod routes;
mod server;
mod stats;
mod story;
mod truth;

pub use options::SimulatorOptions;
pub use server::{Simulator, SimulatorError};
pub use stats::{Endpoint, Stats};

#[cfg(test)]
mod tests;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
