//! What the fuzz targets check, one module each: `check` takes any bytes and panics where a promise is broken.
//!
//! `make fuzz` feeds them what the fuzzer makes up. The test `replay` includes this file and feeds them the seeds and
//! every input that was once a finding, so that a machine without a fuzzer holds them too.

pub mod contacts;
pub mod history;
pub mod json;
pub mod kept;
pub mod manifest;
pub mod page;
pub mod segment;
pub mod sign_in;
pub mod spool;
