//! The reading of one contact's history: what is asked, what is learned of the server, how it ended.
//!
//! Fetch makes these, the spool keeps them, build shows the endings in `coverage`.
//!
//! Layer 1.

use serde::{Deserialize, Serialize};

use crate::id::Channel;

/// A page to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Messages to skip.
    pub offset: u64,
    /// Most messages to return, 1..=100.
    pub limit: u32,
    /// Known messages expected at the start of the page; 0 where the page cannot be anchored.
    pub overlap: u64,
    /// Why it is asked.
    pub purpose: Purpose,
}

/// Why a page is asked for, which decides what its answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The first page of a history.
    Start,
    /// The next page.
    Onward,
    /// An earlier place, in search of a known message.
    StepBack,
    /// Just past everything known: an empty page proves the end.
    Proof,
    /// The closing sweep of `strict`.
    Sweep,
    /// The place before a page that had no room for a known message.
    Verify,
    /// Far beyond the end, to see whether the server looks at the offset.
    Doubt,
    /// The start once more, to see what limit and offset count.
    Count,
}

impl Purpose {
    /// Whether it finds something out about the server, after which the history goes on where it was.
    pub fn is_server_test(self) -> bool {
        match self {
            Self::Doubt | Self::Count => true,
            Self::Start | Self::Onward | Self::StepBack | Self::Proof | Self::Sweep | Self::Verify => false,
        }
    }
}

/// What `limit` and `offset` count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetUnit {
    /// Not known yet: the smaller of the two strides is taken, which is right under both.
    #[default]
    Unknown,
    /// The messages of all the contact's conversations together.
    Total,
    /// The messages inside each conversation.
    PerConversation,
}

/// What a run has learned of the server's ways, from all contacts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerBehavior {
    /// What the offsets count.
    pub reading: OffsetUnit,
    /// A short page was followed by more messages: short pages are no longer believed to be the end.
    pub short_pages_lie: bool,
    /// The server has sent more messages of one conversation than were asked for.
    #[serde(default)]
    pub ignores_limit: bool,
    /// A page at an offset was not the first page again.
    #[serde(default)]
    pub honours_offset: bool,
    /// The most messages the server has sent for one ask, in the unit of the reading. A page of that many may have
    /// been cut by a limit of the server's own.
    pub largest_page: u64,
}

/// The last word on a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its history is read.
    Exported,
    /// It exists and has no messages.
    Empty,
    /// The API knows no such contact.
    NotFound,
    /// The history kept changing or contradicting itself; what was read is exported.
    Unresolved,
    /// It could not be read.
    Failed,
    /// It was not due, and not read (`--incremental`).
    Unchanged,
}

impl Status {
    /// All of them, in the order of the manifest.
    pub const ALL: [Self; 6] =
        [Self::Exported, Self::Empty, Self::NotFound, Self::Unresolved, Self::Failed, Self::Unchanged];

    /// The name in `coverage`.
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

    /// The status of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether rows of the contact are exported.
    pub fn has_rows(self) -> bool {
        match self {
            Self::Exported | Self::Empty | Self::Unresolved => true,
            Self::NotFound | Self::Failed | Self::Unchanged => false,
        }
    }
}

/// How it is known that a history is read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Nothing stood behind the last message.
    Proved,
    /// A page with fewer messages than asked for was believed to be the last.
    ShortPage,
}

impl End {
    /// The name in `coverage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::ShortPage => "short_page",
        }
    }
}

/// How a history ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEnd {
    /// Proved by an empty page, or believed.
    pub end: End,
    /// The offset just past everything known: asked for when the ending is checked again.
    pub past: u64,
    /// Messages on the last page, in the unit of the reading: one that reaches the run's largest page may have been
    /// cut by a limit of the server's own.
    pub measure: u64,
    /// Whether the ending rests on offsets counting all conversations together.
    pub rests_on_total: bool,
}

/// How the reading of a contact ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The last word.
    pub status: Status,
    /// Pages of it in the spool.
    pub pages: u64,
    /// Requests sent for it, repeats too.
    pub requests: u64,
    /// Repeats among them.
    pub retries: u64,
    /// Times its history was read anew from the start.
    pub rereads: u64,
    /// How each of its histories ended: one, or one for each channel asked for.
    pub endings: Vec<(Option<Channel>, HistoryEnd)>,
    /// When its first request was sent, in microseconds since 1970.
    pub started_at: i64,
    /// When its last answer was there.
    pub finished_at: i64,
    /// Why it failed or is unresolved.
    pub error: Option<String>,
}

impl Outcome {
    /// Of a contact that was not due in a run of this time, in microseconds since 1970: nothing was asked.
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

    /// How it is known that it was read to its end; the weakest of its histories counts.
    pub fn end(&self) -> Option<End> {
        let believed = self.endings.iter().any(|(_, ending)| ending.end == End::ShortPage);
        match self.status {
            Status::Exported | Status::Empty if believed => Some(End::ShortPage),
            Status::Exported | Status::Empty => Some(End::Proved),
            Status::NotFound | Status::Unresolved | Status::Failed | Status::Unchanged => None,
        }
    }
}
