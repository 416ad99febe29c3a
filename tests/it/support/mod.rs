//! What the tests share: the program as a command, servers that it talks to, faults, and comparisons. No tests.

pub mod compare;
pub mod export;
pub mod faults;
pub mod power;
pub mod raw;
pub mod scene;
pub mod scripted;
pub mod secure;
pub mod service;
pub mod tables;
pub mod wire;
