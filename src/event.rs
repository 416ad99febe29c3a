//! Events of a run. The rooms send them to an observer; only the command line displays or logs them.
//!
//! `docs/reference.md` documents the events and their fields.
//!
//! Layer 1. No event contains a secret, a message or a person's name.

mod progress;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use progress::{Phase, Progress};

use crate::settings::Window;
use crate::time::format_time;

/// Importance of an event in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A problem to investigate.
    Warn,
    /// A step of a run.
    Info,
    /// A single failed request, or details of a step.
    Debug,
    /// Each request.
    Trace,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run starts or resumes.
    Started {
        /// ID of the run.
        run_id: String,
        /// Number of contacts in the input.
        contacts: u64,
        /// Contacts that an earlier attempt of this run has read.
        already_read: u64,
        /// Messages of these contacts, as far as the earlier attempt stored their number.
        already_read_messages: u64,
    },
    /// The run exports messages of a limited period.
    Window {
        /// Start of the period, included; null if it has none.
        since: Option<String>,
        /// End of the period, excluded; null if it has none.
        until: Option<String>,
    },
    /// The command waits until another run on this export ends.
    WaitingForLock {
        /// The locked folder.
        path: String,
        /// Maximum time to wait.
        seconds: u64,
        /// Process, host and start of the other run, or null if they are not known.
        owner: Option<String>,
    },
    /// The run has obtained a token.
    SignedIn {
        /// Expected lifetime of the token.
        life_seconds: u64,
    },
    /// Sign-in failed and is tried again. This event is sent at most once per minute.
    SignInFailed {
        /// Cause, in one sentence.
        reason: String,
        /// Failures since the previous event of this kind.
        suppressed: u64,
    },
    /// A page was read.
    PageRead {
        /// ID of the contact.
        contact: String,
        /// Offset of the request.
        offset: u64,
        /// Number of messages.
        messages: u64,
        /// Bytes of the response.
        bytes: u64,
    },
    /// A request failed and is repeated.
    Retry {
        /// ID of the contact.
        contact: String,
        /// Offset of the request.
        offset: u64,
        /// Cause, in one sentence.
        reason: String,
        /// Pause in milliseconds.
        delay_ms: u64,
    },
    /// The command starts to read the account's list of contacts.
    ListingBegan,
    /// The account's list of contacts is read.
    ListingEnded {
        /// Number of contacts in the list.
        contacts: u64,
    },
    /// A part of the account's list of contacts was read.
    ListingRead {
        /// Offset of the request.
        offset: u64,
        /// Number of contacts in this part of the list.
        contacts: u64,
        /// Distinct contacts read before this part.
        so_far: u64,
    },
    /// A request for a part of the list failed and is repeated.
    ListingRetry {
        /// Offset of the request.
        offset: u64,
        /// Cause, in one sentence.
        reason: String,
        /// Pause in milliseconds.
        delay_ms: u64,
    },
    /// The account's list may lack contacts, or has contacts that cannot be exported.
    ListingDoubtful {
        /// Cause, in one sentence.
        reason: String,
    },
    /// Responses may belong to other contacts, or may lack messages.
    AnswersDoubtful {
        /// Cause, in one sentence.
        reason: String,
    },
    /// The server limits the request rate. The run sends nothing during the pause.
    Throttled {
        /// Pause in milliseconds.
        delay_ms: u64,
    },
    /// The API does not respond. The run sends one probe at a time. The level is `warn` at most once per minute.
    OutageBegan {
        /// Cause, in one sentence.
        reason: String,
        /// Outages since the previous event of this kind with level `warn`.
        suppressed: u64,
        /// True if a warning about an outage was less than a minute ago. The level is then `debug`.
        repeated: bool,
    },
    /// The API responds again.
    OutageEnded {
        /// Duration of the outage.
        seconds: u64,
        /// True if `outage_began` had it. The level is then `debug`.
        repeated: bool,
    },
    /// A contact was read, or could not be read. The level is `warn` if there is an error.
    ContactDone {
        /// ID of the contact.
        contact: String,
        /// Status of the contact, as in the table `coverage`.
        status: &'static str,
        /// Number of messages.
        messages: u64,
        /// Reason of a failure, or null.
        error: Option<String>,
    },
    /// The end of a contact's history was not its real end. The contact is read again.
    ContactReopened {
        /// ID of the contact.
        contact: String,
        /// Number of messages.
        messages: u64,
    },
    /// Contacts of the raw archive were read, by `rebuild`.
    ArchiveRead {
        /// Number of contacts.
        contacts: u64,
    },
    /// All requests of this attempt are sent.
    Totals {
        /// Requests sent, including retries and sign-ins.
        requests: u64,
        /// Requests that repeated a failed request.
        retries: u64,
        /// Requests by HTTP status, `error` for those without a response.
        by_status: BTreeMap<String, u64>,
    },
    /// All contacts are read. The run completes its files.
    Fetched,
    /// Files are transferred to an object store.
    Uploading {
        /// Bytes that are not transferred yet.
        bytes_left: u64,
    },
    /// Rows were written to staged files.
    Built {
        /// Number of contacts.
        contacts: u64,
        /// Number of contacts to write.
        of: u64,
        /// Number of messages.
        messages: u64,
    },
    /// Progress of the command, every `--progress-every`.
    Progress(Progress),
    /// `evidence` begins to write a package.
    PackageStarted {
        /// ID of the package.
        package_id: String,
        /// Number of contacts in the package.
        contacts: u64,
    },
    /// `snapshot` or `evidence` has copied contacts.
    Copied {
        /// Number of contacts so far.
        contacts: u64,
        /// Number of messages so far.
        messages: u64,
    },
    /// A run of the source of a snapshot is left out, or is not in the chain of manifests.
    RunDoubtful {
        /// ID of the run.
        run_id: String,
        /// Cause, in one sentence.
        reason: String,
    },
    /// A file could not be synced to disk. The run writes its content to a new file, once.
    SyncFailed {
        /// Cause, in one sentence.
        reason: String,
    },
    /// The run moves its files into the export.
    Publishing {
        /// Number of files.
        files: u64,
    },
    /// A field in the API's responses changed since the earlier runs of the export.
    SchemaChanged {
        /// Name of the table.
        table: String,
        /// Name of the field or column.
        field: String,
        /// `appeared`, `vanished`, `has_values` or `became_null`.
        change: String,
    },
    /// The monitor of `--ping-url` did not accept a ping.
    PingFailed {
        /// Host of the monitor. The rest of its address is secret.
        host: String,
        /// Cause, in one sentence.
        reason: String,
    },
    /// The metrics file could not be written.
    MetricsFailed {
        /// Cause, in one sentence.
        reason: String,
    },
    /// The run sends fewer requests at once because of a limit of this machine.
    Shortage {
        /// Cause, in one sentence.
        reason: String,
    },
    /// Other information.
    Note {
        /// Text for people.
        message: String,
    },
}

impl Event {
    /// Returns the event for the period of a run's messages.
    pub fn window(window: Window) -> Self {
        let time = |time: Option<i64>| time.map(|time| format_time(time).to_string());
        Self::Window { since: time(window.since), until: time(window.until) }
    }

    /// Returns the level at which the event is logged.
    pub fn level(&self) -> Level {
        match self {
            Self::OutageBegan { repeated: true, .. } | Self::OutageEnded { repeated: true, .. } => {
                Level::Debug
            }
            Self::SignInFailed { .. } | Self::OutageBegan { .. } | Self::SyncFailed { .. } => Level::Warn,
            Self::ContactDone { error: Some(_), .. } => Level::Warn,
            Self::PingFailed { .. } | Self::MetricsFailed { .. } => Level::Warn,
            Self::ListingDoubtful { .. } | Self::AnswersDoubtful { .. } => Level::Warn,
            Self::Shortage { .. } | Self::RunDoubtful { .. } => Level::Warn,
            Self::SchemaChanged { .. } => Level::Warn,
            Self::WaitingForLock { .. } | Self::Window { .. } => Level::Info,
            Self::Started { .. } | Self::OutageEnded { .. } | Self::Fetched | Self::Note { .. } => {
                Level::Info
            }
            Self::PackageStarted { .. } => Level::Info,
            Self::SignedIn { .. } | Self::Publishing { .. } | Self::Progress { .. } => Level::Info,
            Self::Retry { .. } | Self::Throttled { .. } | Self::ContactDone { .. } => Level::Debug,
            Self::Totals { .. } | Self::ListingRetry { .. } | Self::ContactReopened { .. } => Level::Debug,
            Self::ListingBegan | Self::ListingEnded { .. } => Level::Debug,
            Self::PageRead { .. } | Self::Built { .. } | Self::ListingRead { .. } => Level::Trace,
            Self::ArchiveRead { .. } => Level::Trace,
            Self::Copied { .. } | Self::Uploading { .. } => Level::Trace,
        }
    }
}

/// Receiver of events.
pub trait Observer: Send + Sync {
    /// Handles an event. Called from many threads; must not block for long.
    fn event(&self, event: Event);

    /// Counts a request to the service. The log has no line for it.
    fn request_sent(&self) {}
}

/// An observer shared by the rooms.
pub type SharedObserver = Arc<dyn Observer>;

/// Converts a duration to whole milliseconds for events.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
