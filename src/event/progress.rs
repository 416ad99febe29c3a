//! Progress of a command that reads contacts, as an event.

use serde::Serialize;

/// Progress of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Step of the command: `listing`, `reading`, `building` or `publishing`.
    pub phase: Phase,
    /// Contacts done in this phase. In `reading`, those of earlier attempts count too.
    pub contacts_done: u64,
    /// Contacts of this phase. Null in `listing`, where their number is unknown.
    pub contacts: Option<u64>,
    /// Contacts that failed in this attempt.
    pub contacts_failed: u64,
    /// Messages read, including those of contacts that an earlier attempt has read. In `building`: messages
    /// written.
    pub messages: u64,
    /// Requests sent by this attempt, including retries and sign-ins.
    pub requests: u64,
    /// Messages received per second by this attempt, over the last 30 seconds.
    pub messages_per_second: f64,
    /// Requests sent per second by this attempt, over the last 30 seconds.
    pub requests_per_second: f64,
    /// Estimated time to the end of the phase, from the rate of the last five minutes. Null without a basis.
    pub eta_seconds: Option<u64>,
    /// Bytes that are not transferred to the object store yet. Null in other phases than `publishing`, and without
    /// an object store.
    pub upload_bytes_left: Option<u64>,
    /// True if the API has limited the request rate since the previous event of this kind.
    pub throttled: bool,
    /// True while the API does not respond.
    pub outage: bool,
    /// Duration of this outage so far, or null.
    pub outage_seconds: Option<u64>,
}

/// Step of a command that reads contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Reads the account's list of contacts.
    Listing,
    /// Requests the histories and writes files at the same time. `rebuild`: reads the raw archive.
    Reading,
    /// Completes the files.
    Building,
    /// Moves the files into the export.
    Publishing,
}
