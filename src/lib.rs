//! chatzy-export: the conversations of a Chatzy AI account as Parquet or JSONL, nothing lost, and proof of it.
//!
//! The house has five rooms in a row. Each hands its result to the next, each result is durable before the next relies
//! on it, and nothing flows back.
//!
//! ```text
//! contacts file ─▶ fetch ─▶ spool ─▶ build ─▶ publish ─▶ tables + manifest
//!                  API      raw      rows,    rename
//!                  pages    pages    files    (commit)
//! ```
//!
//! - [`fetch`] asks the API: many contacts at once, bounded; each history's pages in their order; retries; tokens. Whom
//!   there is to read it can ask too ([`fetch::listing`]).
//! - [`spool`] is an append-only, checksummed log of the answers as received. It is what a crash must not lose.
//! - [`build`] is a pure, deterministic function of spool and input order to staged files; it runs beside fetch.
//! - [`publish`] makes the staged files visible, then writes the manifest: the one commit point.
//! - [`mod@check`] looks beforehand whether all that would work, and plans it.
//! - [`verify`] checks what was published, at any later time; [`prune`] removes old runs; [`warehouse`] is the SQL that
//!   loads them.
//!
//! # Layers
//!
//! Dependencies point down only; rooms on one layer do not know each other. A test (`structure`) holds this.
//!
//! ```text
//! cli/                               5  arguments, settings file, bars, stdout and stderr, signals, exit codes
//! export/                            4  the job as a table of contents: work folder, fetch and build, publish
//! check/                             4  whether a run would work, and a plan of it
//! monitor/                           4  metrics file and pings: how a run went, for those who watch over it
//! report/                            4  a published run as a page to look at
//! fetch/ build/ publish/ verify/     3  the rooms
//! warehouse/                         3  SQL: tables, loads of new runs, latest versions
//! prune/                             3  old runs leave
//! api/ spool/ table/ output/         2  client, retries, governor · segments · columns, flattening · Parquet, JSONL, manifest
//! catalog/                           2  the runs of an export: the newest, the chain of manifests, what lies outside it
//! lock/                              2  one writer for each export, also over network file systems
//! state/                             2  what is remembered of each contact from run to run, and who is due
//! contacts/ settings/ record/        1  input · validated settings · wire shapes
//! history event id digest durable    1  what is known of a read · events · newtypes · SHA-256 · files that survive a power cut
//! visible actor                      1  characters that are shown and not obeyed · a thread that does as it is told
//! bounded                            1  Parquet files of unknown origin, read in bounded memory
//! ```
//!
//! Two crates of the workspace stand on their own:
//!
//! - `crates/json` (`lenient-json`) reads JSON leniently and keeps each value byte for byte.
//! - `crates/simulator` (`chatzy-simulator`) serves the API on a loopback port, for trials and tests. Only `cli` starts
//!   it. The feature `simulator`, on by default, includes it.
//!
//! `api` knows nothing of Arrow, `table` nothing of HTTP or files, `output` nothing of the API; nothing below `cli` prints.
//!
//! # Invariants
//!
//! 1. A run exists if and only if its manifest does ([`publish`], tests `publish::tests`).
//! 2. A contact is exported whole or not at all, and ends in exactly one `coverage` status (`it::paging`, `it::errors`).
//! 3. The order of rows and the borders of files come from the rows and the input, never from timing. Resumed equals
//!    uninterrupted, but for the run's ID and times (`it::resume`), and what is made of a history while it is read is what
//!    would be made of it at its end (`it::long`).
//! 4. Every queue is bounded. Memory does not grow with the size of a contact: what does not fit waits in the spool. Of
//!    each contact a few dozen bytes are kept, and of the messages of the one being built about 150 bytes each.
//! 5. One owner for each mutable thing; no CPU work of milliseconds on an async thread.
//! 6. Nothing retries for ever: each request has a budget, an outage a patience ([`api`], `api::governor`).
//! 7. A failed sync is final for that file; written, synced, renamed, folder synced in one place ([`durable`]).
//! 8. Secrets cannot be printed, and the Authorization header goes to the base URL only: redirects are never followed
//!    (`it::auth`, `it::errors`).
//! 9. A value is never dropped: it has its column, or it is in `extra` or `raw` (`table::tests`, `tests/oracle`).
//!
//! # Reading a history
//!
//! Offsets count positions, so on a live chat an insert repeats messages and a removal skips them, silently. How a
//! history is read whole all the same is told, and proved, in [`fetch::paging`].

use lenient_json as json;

pub mod actor;
pub mod api;
pub mod bounded;
pub mod build;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod contacts;
pub mod digest;
pub mod durable;
pub mod event;
pub mod export;
pub mod fetch;
pub mod history;
pub mod id;
pub mod lock;
pub mod monitor;
pub mod output;
pub mod prune;
pub mod publish;
pub mod record;
pub mod report;
pub mod settings;
pub mod spool;
pub mod state;
pub mod table;
pub mod verify;
pub mod visible;
pub mod warehouse;
