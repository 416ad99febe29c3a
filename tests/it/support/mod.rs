//! Shared parts of the tests: the program as a command, its servers, faults, and comparisons. No tests.

pub mod authority;
pub mod browser;
pub mod byte_server;
pub mod clock;
pub mod compare;
pub mod export;
pub mod faults;
pub mod power;
pub mod proxy;
pub mod raw;
pub mod scene;
pub mod scripted;
pub mod secure;
pub mod service;
pub mod shim;
pub mod stores;
pub mod tables;
pub mod wire;
