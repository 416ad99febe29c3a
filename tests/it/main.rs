//! The built program as users drive it: a child process, an API on a loopback port, and what is on the disk afterwards.
//!
//! The API is the simulator, or a scripted server where the simulator cannot misbehave as wanted. One test binary, so
//! that Arrow links once.

#![cfg(test)]

mod answers;
mod anything;
mod archive;
mod auth;
mod bombs;
mod broken;
mod canary;
mod check;
mod contacts;
mod contradictions;
mod crafted;
mod crash;
mod damage;
mod discretion;
mod docs;
mod errors;
mod examples;
mod export;
mod faults;
mod files;
mod frozen;
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
mod oddities;
mod oracle;
mod origin;
mod paging;
mod planted;
mod power;
mod promises;
mod prune;
mod raw;
mod readers;
mod rebuild;
mod replay;
mod report;
mod resume;
mod scene;
mod schema_changes;
mod scripted;
mod secure;
mod service;
mod shortage;
mod storage;
mod structure;
mod substance;
mod system;
mod tables;
mod unfit;
mod urls;
mod verify;
mod warehouse;
mod wire;
mod work_folder;
