//! The remote API: sign-in, pages of histories, retries, and the one governor of all requests.
//!
//! [`Client::page`] and [`Client::listing`] are the only ways a room asks for something; [`Client::look`] is for who wants to
//! know in which manner it is answered. Inside, each attempt is classified ([`fault`]), what to
//! do about it decided ([`decide`]), and done in one loop ([`client`]). How fast and how many at once is the
//! [`governor`]'s alone to say.
//!
//! Layer 2: knows HTTP and the wire shapes; nothing of Arrow, tables, spool or files of an export.

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
pub use look::{Clocks, Look, LookError, SignIn};
pub use query::{ListingQuery, PageQuery};
pub use stats::Requests;
pub use stop::Stop;
pub use timeline::{Bucket, Timeline};
