//! The remote API: sign-in, pages of histories, retries, and one governor for all requests.
//!
//! [`Client::page`] and [`Client::listing`] are the only ways to request data. [`Client::probe_http`] probes the
//! HTTP behavior. Inside, one loop ([`client`]) classifies each attempt ([`fault`]), decides the next step
//! ([`decide`]), and acts. Only the [`governor`] decides how many requests are sent, and how fast.
//!
//! Layer 2: knows HTTP and the wire format. It does not use Arrow, tables, the spool or the files of an
//! export.

mod account;
mod answer;
mod auth;
mod body;
mod bucket;
mod client;
mod counters;
mod decide;
mod failure;
mod fault;
mod files;
mod governor;
mod grant;
mod health;
mod http;
mod latency;
mod look;
mod outage_probe;
mod pace;
pub mod password_command;
mod query;
mod redact;
mod secret_source;
pub mod sign_in;
mod sign_in_warnings;
mod slowness;
mod stats;
mod stop;
mod timeline;
pub mod tls;
pub mod token;
mod unpack;

pub use answer::PageAnswer;
pub use client::Client;
pub use counters::Counters;
pub use failure::Failure;
#[cfg(feature = "internals")]
pub use fault::retry_after;
pub use latency::Latency;
pub use look::{Clocks, HttpBehavior, ProbeError, SignIn};
pub use query::{ListingQuery, PageQuery};
pub use stats::Requests;
pub use stop::Stop;
pub use timeline::{Bucket, Timeline};
