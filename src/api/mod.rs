//! The remote API: sign-in, pages of histories, retries, and one limiter for all requests.
//!
//! [`Client::page`] and [`Client::listing`] are the only ways to request data. [`Client::probe_http`] probes the
//! HTTP behavior. Inside, one loop ([`client`]) classifies each attempt ([`fault`]), decides the next step
//! ([`retry`]), and acts. Only the [`limiter`] decides how many requests are sent, and how fast.
//!
//! Layer 2: knows HTTP and the wire format. It does not use Arrow, tables, the spool or the files of an
//! export.

mod account;
mod answer;
mod auth;
mod body;
mod client;
mod counters;
mod failure;
mod fatal;
mod fault;
mod files;
mod http;
mod latency;
mod limiter;
mod outage_probe;
pub mod password_command;
mod probe;
mod query;
mod redact;
mod repeated_warning;
mod retry;
mod secret_source;
pub mod sign_in;
mod silence;
mod stats;
mod timeline;
pub mod token;
mod unpack;

pub use answer::PageAnswer;
pub use client::Client;
pub use counters::Counters;
pub use failure::Failure;
pub use fatal::Fatal;
#[cfg(feature = "internals")]
pub use fault::retry_after;
pub use latency::Latency;
pub use probe::{Clocks, HttpBehavior, ProbeError, SignIn};
pub use query::{ListingQuery, PageQuery};
pub use stats::Requests;
pub use timeline::{Bucket, Timeline};
