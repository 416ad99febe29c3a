//! Values about reading one contact's history: the requests, the learned server behavior, and the outcome.
//!
//! Fetch creates them and the spool stores them. The table `coverage` shows the outcomes.
//!
//! Layer 1.

use serde::{Deserialize, Serialize};

use crate::id::Channel;

/// A request for one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Number of messages to skip.
    pub offset: u64,
    /// Maximum number of messages to return, 1..=100.
    pub limit: u32,
    /// Number of known messages expected at the start of the page; 0 if the page cannot be anchored.
    pub overlap: u64,
    /// Purpose of the request.
    pub purpose: Purpose,
}

/// Purpose of a request, which decides how its response is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Reads the first page of a history.
    Start,
    /// Reads the next page.
    Onward,
    /// Searches an earlier position for a known message.
    StepBack,
    /// Reads just past everything known. An empty page proves the end.
    Proof,
    /// Reads a page of the closing sweep of `strict`.
    Sweep,
    /// Reads the position before a page that had no room for a known message.
    Verify,
    /// Reads far beyond the end, to test if the server honours the offset.
    Doubt,
    /// Reads the start again, to test what limit and offset count.
    Count,
}

impl Purpose {
    /// True if the request tests the server. The history then continues where it was.
    pub fn is_server_test(self) -> bool {
        match self {
            Self::Doubt | Self::Count => true,
            Self::Start | Self::Onward | Self::StepBack | Self::Proof | Self::Sweep | Self::Verify => false,
        }
    }
}

/// The unit that `limit` and `offset` count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetUnit {
    /// Not known yet. The smaller of the two strides is correct under both units.
    #[default]
    Unknown,
    /// All messages of the contact's conversations together.
    Total,
    /// The messages inside each conversation.
    PerConversation,
}

/// Server behavior that a run has learned from all contacts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerBehavior {
    /// Unit of the offsets.
    pub reading: OffsetUnit,
    /// True if a short page was followed by more messages. Then short pages are no longer believed to be the
    /// end.
    pub short_pages_lie: bool,
    /// True if the server has sent more messages of one conversation than requested.
    #[serde(default)]
    pub ignores_limit: bool,
    /// True if a page at a later offset differed from the first page.
    #[serde(default)]
    pub honours_offset: bool,
    /// Largest number of messages that the server has sent for one request, in the unit of the offsets. The
    /// server may have cut a page of this size by its own limit.
    pub largest_page: u64,
}

/// Final status of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The history is read.
    Exported,
    /// The contact exists and has no messages.
    Empty,
    /// The API does not know the contact.
    NotFound,
    /// The history kept changing or contradicting itself. The pages read so far are exported.
    Unresolved,
    /// The history cannot be read.
    Failed,
    /// The contact was not due and was not read (`--incremental`).
    Unchanged,
}

impl Status {
    /// All values, in the order of the manifest.
    pub const ALL: [Self; 6] =
        [Self::Exported, Self::Empty, Self::NotFound, Self::Unresolved, Self::Failed, Self::Unchanged];

    /// Name in the table `coverage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exported => "exported",
            Self::Empty => "empty",
            Self::NotFound => "not_found",
            Self::Unresolved => "unresolved",
            Self::Failed => "failed",
            Self::Unchanged => "unchanged",
        }
    }

    /// Returns the status of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// True if a run with this status determines the rows of the contact: it has read them, or knows that there
    /// are none. Other statuses leave the rows of earlier runs as they are.
    pub fn decides(self) -> bool {
        match self {
            Self::Exported | Self::Empty | Self::NotFound | Self::Unresolved => true,
            Self::Failed | Self::Unchanged => false,
        }
    }

    /// True if the contact has rows in the export.
    pub fn has_rows(self) -> bool {
        match self {
            Self::Exported | Self::Empty | Self::Unresolved => true,
            Self::NotFound | Self::Failed | Self::Unchanged => false,
        }
    }
}

/// Evidence that a history is read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// An empty page followed the last message.
    Proved,
    /// A page with fewer messages than requested was believed to be the last.
    ShortPage,
}

impl End {
    /// Name in the table `coverage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::ShortPage => "short_page",
        }
    }
}

/// End of a history, with the data needed to check it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEnd {
    /// Evidence for the end.
    pub end: End,
    /// The offset just past everything known, requested when the end is checked again.
    pub past: u64,
    /// Number of messages on the last page, in the unit of the offsets. The server may have cut a page of the
    /// run's largest size.
    pub measure: u64,
    /// True if the end is valid only if offsets count all conversations together.
    pub rests_on_total: bool,
}

/// Outcome of reading a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Final status of the contact.
    pub status: Status,
    /// Number of its pages in the spool.
    pub pages: u64,
    /// Number of requests sent for it, including retries.
    pub requests: u64,
    /// Number of requests that repeated a failed one.
    pub retries: u64,
    /// Number of times that its history was read again from the start.
    pub rereads: u64,
    /// Ends of its histories: one, or one per requested channel.
    pub endings: Vec<(Option<Channel>, HistoryEnd)>,
    /// Time of its first request, in microseconds since 1970.
    pub started_at: i64,
    /// Time of its last response, in microseconds since 1970.
    pub finished_at: i64,
    /// Reason if it failed or is unresolved.
    pub error: Option<String>,
}

impl Outcome {
    /// Returns the outcome of a contact that was not due, at this time in microseconds since 1970.
    pub fn unchanged(at: i64) -> Self {
        Self {
            status: Status::Unchanged,
            pages: 0,
            requests: 0,
            retries: 0,
            rereads: 0,
            endings: Vec::new(),
            started_at: at,
            finished_at: at,
            error: None,
        }
    }

    /// Returns the evidence that the contact was read to its end. The weakest of its histories counts.
    pub fn end(&self) -> Option<End> {
        let believed = self.endings.iter().any(|(_, ending)| ending.end == End::ShortPage);
        match self.status {
            Status::Exported | Status::Empty if believed => Some(End::ShortPage),
            Status::Exported | Status::Empty => Some(End::Proved),
            Status::NotFound | Status::Unresolved | Status::Failed | Status::Unchanged => None,
        }
    }
}
