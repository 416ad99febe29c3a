//! What happens in a run, told to whoever draws or logs it. The rooms emit; only the command line shows.
//!
//! Layer 1. No event carries a secret, a message or a person's name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

/// How much an event matters to someone reading a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something to look into.
    Warn,
    /// The steps of a run.
    Info,
    /// Single requests that went wrong.
    Debug,
    /// Every request.
    Trace,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins, or goes on.
    Started {
        /// Its ID.
        run_id: String,
        /// Contacts asked for.
        contacts: u64,
        /// Of these, those an earlier attempt has read.
        already_read: u64,
    },
    /// Another run works on the export; it is waited for.
    WaitingForLock {
        /// The locked folder.
        path: String,
        /// How long it is waited for at most.
        seconds: u64,
    },
    /// A token was obtained.
    SignedIn {
        /// How long it is believed to live.
        life_seconds: u64,
    },
    /// Sign-in failed. It is tried again, or the old token stays in use. At most one of these is sent per minute.
    SignInFailed {
        /// Why.
        reason: String,
        /// Failures since the previous event that were not sent.
        suppressed: u64,
    },
    /// A page was read.
    PageRead {
        /// The contact's ID.
        contact: String,
        /// Messages skipped.
        offset: u64,
        /// Messages on the page.
        messages: u64,
        /// Bytes of the answer.
        bytes: u64,
    },
    /// A request failed and is repeated.
    Retry {
        /// The contact's ID.
        contact: String,
        /// Messages skipped.
        offset: u64,
        /// What went wrong.
        reason: String,
        /// Milliseconds until the repeat.
        delay_ms: u64,
    },
    /// A part of the account's list of contacts was read.
    ListingRead {
        /// Contacts skipped.
        offset: u64,
        /// Contacts on this part.
        contacts: u64,
        /// Different contacts read so far.
        so_far: u64,
    },
    /// A request for a part of the list failed and is repeated.
    ListingRetry {
        /// Contacts skipped.
        offset: u64,
        /// What went wrong.
        reason: String,
        /// Milliseconds until the repeat.
        delay_ms: u64,
    },
    /// The list of contacts may lack some, or holds some that cannot be exported.
    ListingDoubtful {
        /// Why.
        reason: String,
    },
    /// The answers may not belong to the contacts asked for, or lack some of their messages.
    AnswersDoubtful {
        /// Why.
        reason: String,
    },
    /// The server asked to slow down: nothing is sent for a while.
    Throttled {
        /// Milliseconds of silence.
        delay_ms: u64,
    },
    /// Nothing is answered any more; one probe at a time is sent.
    OutageBegan {
        /// The last failure.
        reason: String,
    },
    /// The service answers again.
    OutageEnded {
        /// How long it did not.
        seconds: u64,
    },
    /// A contact is read, or given up.
    ContactDone {
        /// Its ID.
        contact: String,
        /// Its status so far.
        status: &'static str,
        /// Messages read.
        messages: u64,
        /// Why it failed.
        error: Option<String>,
    },
    /// What was asked of the API by this attempt, when it asks for nothing more.
    Totals {
        /// Requests sent, repeats and sign-ins too.
        requests: u64,
        /// Those that repeated one that had failed.
        retries: u64,
        /// Requests by HTTP status; `error` where no answer came.
        by_status: BTreeMap<String, u64>,
    },
    /// All contacts are read; the files are being finished.
    Fetched,
    /// The rows of so many contacts are in files.
    Built {
        /// Contacts.
        contacts: u64,
        /// Messages.
        messages: u64,
    },
    /// A file could not be made durable. It is given up and its content written into a new one, once.
    SyncFailed {
        /// What went wrong, on which path.
        reason: String,
    },
    /// Files are moved to their place.
    Publishing {
        /// How many.
        files: u64,
    },
    /// A field of the API's answers changed since the earlier runs of the export.
    SchemaChanged {
        /// The table.
        table: String,
        /// The field or column.
        field: String,
        /// `appeared`, `vanished`, `has_values` or `became_null`.
        change: String,
    },
    /// A monitor could not be told how the run goes.
    PingFailed {
        /// Its host. The rest of its address is nobody's business.
        host: String,
        /// Why.
        reason: String,
    },
    /// The metrics file could not be written.
    MetricsFailed {
        /// Why, with the path.
        reason: String,
    },
    /// Fewer requests are sent at once because of a limit of this machine.
    Shortage {
        /// The limit.
        reason: String,
    },
    /// Anything else worth a line.
    Note {
        /// The line.
        message: String,
    },
}

impl Event {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::SignInFailed { .. } | Self::OutageBegan { .. } | Self::SyncFailed { .. } => Level::Warn,
            Self::ContactDone { error: Some(_), .. } => Level::Warn,
            Self::PingFailed { .. } | Self::MetricsFailed { .. } => Level::Warn,
            Self::ListingDoubtful { .. } | Self::AnswersDoubtful { .. } => Level::Warn,
            Self::Shortage { .. } => Level::Warn,
            Self::SchemaChanged { .. } => Level::Warn,
            Self::WaitingForLock { .. } => Level::Info,
            Self::Started { .. } | Self::OutageEnded { .. } | Self::Fetched | Self::Note { .. } => {
                Level::Info
            }
            Self::SignedIn { .. } | Self::Publishing { .. } => Level::Info,
            Self::Retry { .. } | Self::Throttled { .. } | Self::ContactDone { .. } => Level::Debug,
            Self::Totals { .. } | Self::ListingRetry { .. } => Level::Debug,
            Self::PageRead { .. } | Self::Built { .. } | Self::ListingRead { .. } => Level::Trace,
        }
    }
}

/// Who is told.
pub trait Observer: Send + Sync {
    /// Takes an event. Called from many threads; must not block for long.
    fn event(&self, event: Event);
}

/// An observer shared by the rooms.
pub type SharedObserver = Arc<dyn Observer>;

/// Whole milliseconds, for events.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
