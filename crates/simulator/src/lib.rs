//! The simulator: the API of the service on a loopback port, with made-up conversations.
//!
//! Tests drive it and users try the tool with it (`chatzy-export simulate`, `run --simulated`). It plays every way the
//! documents leave open (order, grouping, what an offset counts) and every fault that gateways and networks show.
//!
//! A request goes: `server` (connection) → `routes` (count, judge, admit) → `auth`, `faults` → `pages` (which messages)
//! over `drift` (what is there now) → `story` (what they say) → `body` (how the bytes travel).
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
mod night;
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
