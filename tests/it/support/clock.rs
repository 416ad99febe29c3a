//! A shifted clock: the program runs on another day.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::export::Export;
use crate::support::shim;

static SHIM: LazyLock<PathBuf> = LazyLock::new(|| shim::compile("clock"));

/// The library that shifts the clock of a program with `LD_PRELOAD` and `CLOCK_SHIFT`.
pub fn library() -> &'static Path {
    &SHIM
}

impl Export {
    /// The command with a clock that is this many hours ahead.
    pub fn hours_later(&self, hours: u64) -> Self {
        self.shifted(&(hours * 3600).to_string())
    }

    /// The command with a clock that is this many hours behind.
    pub fn hours_earlier(&self, hours: u64) -> Self {
        self.shifted(&format!("-{}", hours * 3600))
    }

    fn shifted(&self, seconds: &str) -> Self {
        self.clone().env("LD_PRELOAD", &library().to_string_lossy()).env("CLOCK_SHIFT", seconds)
    }
}
