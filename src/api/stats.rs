//! Counts of requests, for the manifest.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests sent so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// All attempts, sign-ins too.
    pub sent: u64,
    /// Those of them that repeated one that had failed.
    pub retries: u64,
    /// By HTTP status; `error` where no answer came.
    pub by_status: BTreeMap<String, u64>,
}

/// The counts of one run, shared by all requests.
#[derive(Debug, Default)]
pub struct Stats(Mutex<Requests>);

impl Stats {
    /// Counts an attempt by how it was answered.
    pub fn sent(&self, status: Option<u16>) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.sent += 1;
        let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        *requests.by_status.entry(status).or_default() += 1;
    }

    /// Counts a repeat.
    pub fn retried(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retries += 1;
    }

    /// The counts now.
    pub fn requests(&self) -> Requests {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
