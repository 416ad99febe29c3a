//! The built program as users drive it: a child process, an API on a loopback port, and what is on the disk afterwards.
//!
//! The API is the simulator, or a scripted server where the simulator cannot misbehave as wanted. One test binary, so
//! that Arrow links once.

#![cfg(test)]

mod answers;
mod archive;
mod auth;
mod broken_connections;
mod check;
mod contacts;
mod contradictions;
mod crafted;
mod crash;
mod credential_origin;
mod damage;
mod docs;
mod errors;
mod examples;
mod expansion_bombs;
mod files;
mod frozen;
mod fuzzed_responses;
mod hostile;
mod https;
mod incremental;
mod install;
mod last_line;
mod layout;
mod limits;
mod lock;
mod long;
mod matrix;
mod memory;
mod monitoring;
mod nightly;
mod odd_values;
mod oracle;
mod paging;
mod promises;
mod prune;
mod readers;
mod rebuild;
mod replay;
mod report;
mod resume;
mod schema_changes;
mod secret_leaks;
mod shortage;
mod storage;
mod structure;
mod support;
mod symlinks;
mod system;
mod unfit;
mod urls;
mod user_input_secrecy;
mod verify;
mod warehouse;
mod work_folder;
