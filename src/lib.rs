//! chatzy-export: the conversations of a Chatzy AI account as Parquet or JSONL, complete, and with proof of it.
//!
//! `docs/ARCHITECTURE.md` describes the design, its invariants with their tests, and where to make which change.
//! `docs/GLOSSARY.md` defines the terms. This page is the map.
//!
//! ```text
//! contacts file ─▶ fetch ─▶ spool ─▶ transform ─▶ publish ─▶ tables + manifest
//! ```
//!
//! Each top-level module is a room on a layer. Dependencies point down only, and rooms on one layer do not know each
//! other; the test `structure` checks that.
//!
//! Layer 5: the user's side.
//! - [`cli`]: arguments, settings file, terminal, signals, exit codes
//!
//! Layer 4: jobs.
//! - [`export`]: the job of `run`, `rebuild` and `snapshot`: work folder, fetch and transform, publish
//! - [`mod@check`]: checks if a run would work, and estimates it
//! - [`monitor`]: metrics file and pings
//! - [`report`]: a published run as an HTML page
//!
//! Layer 3: workers.
//! - [`fetch`]: reads histories ([`fetch::paging`]) and the account's list of contacts ([`fetch::listing`])
//! - [`transform`]: from the spool to staged files
//! - [`publish`]: makes staged files visible, then writes the manifest
//! - [`verify`]: checks an export against its manifests
//! - [`warehouse`]: SQL that loads an export
//! - [`prune`]: removes old runs
//! - [`redaction`]: rows without personal data, by a policy
//! - [`mod@erase`]: removes contacts from every run
//! - [`snapshot`]: the newest version of each contact over all runs, as staged files
//!
//! Layer 2: tools.
//! - [`api`]: HTTP client with retries, limiter and tokens
//! - [`spool`]: append-only, checksummed log of the responses
//! - [`table`]: columns, and rows from the records of the API
//! - [`output`]: Parquet and JSONL files, partitions, manifest, raw archive
//! - [`catalog`]: the runs of an export and the chain of their manifests
//! - [`mod@delta`]: Delta logs, for programs that read Delta tables
//! - [`published`]: reads the published files of the tables
//! - [`state`]: what is known of each contact between runs
//! - [`lock`]: one writer per export
//! - [`timestamp`]: time stamps of RFC 3161 from an authority
//!
//! Layer 1: common ground.
//! - [`layout`]: paths inside an export
//! - [`contacts`], [`settings`], [`record`]: contacts file, validated settings, shape of responses
//! - [`contact_read`], [`event`], [`id`]: requests and outcomes of one history, events, newtypes
//! - [`store`]: the location of an export: a folder, or a prefix in an object store
//! - [`durable`], [`digest`], [`bounded`]: files that survive a crash, SHA-256, Parquet files of unknown origin
//! - [`compression`]: bodies that are compressed as a whole
//! - [`tls`], [`connect_error`]: root certificates, errors of certificates, connections that could not be made
//! - [`signature`]: SSH signatures with an Ed25519 key of OpenSSH
//! - [`time`], [`worker_thread`], [`printable`]: points in time, a thread with a queue, characters that must be escaped
//!
//! Two crates of the workspace depend on no room:
//! - `crates/json` (`lenient-json`) reads JSON leniently and keeps each value byte for byte
//! - `crates/arrow` (`chatzy-arrow`) has the parts of Apache Arrow that the exporter uses
//! - `crates/simulator` (`chatzy-simulator`) is a local API for tests and trials. Only `cli` uses it. The feature
//!   `simulator`, on by default, includes it.

// The feature makes nothing part of the API, so its items need no docs of their own.
#![cfg_attr(feature = "internals", allow(missing_docs))]

use lenient_json as json;

mod api;
mod bounded;
mod catalog;
mod check;
pub mod cli;
mod compression;
mod connect_error;
mod contact_read;
mod contacts;
mod delta;
mod digest;
mod durable;
mod erase;
mod event;
mod evidence;
mod export;
mod fetch;
mod html;
mod id;
#[cfg(feature = "internals")]
pub mod internals;
mod layout;
mod lock;
mod monitor;
mod output;
mod printable;
mod prune;
mod publish;
mod published;
mod record;
mod redaction;
mod report;
mod settings;
mod signature;
mod snapshot;
mod spool;
mod state;
mod store;
mod table;
mod time;
mod timestamp;
mod tls;
mod transform;
mod verify;
mod warehouse;
mod worker_thread;
