//! Reasons to keep a run.

use crate::id::RunId;

/// Reason to keep a run. If a run has several, it is the first in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepReason {
    /// `--keep-last` keeps it.
    KeepLast,
    /// `--keep-within` keeps it.
    KeepWithin,
    /// It is the newest run.
    Newest,
    /// It is the newest complete run.
    NewestComplete,
    /// The next incremental run needs its state.
    State,
    /// It holds rows of contacts that a kept run did not read again.
    Holds {
        /// The newest of these kept runs.
        by: RunId,
    },
}

impl KeepReason {
    /// Returns the reason in words.
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::KeepLast => "--keep-last",
            Self::KeepWithin => "--keep-within",
            Self::Newest => "it is the newest run",
            Self::NewestComplete => "it is the newest complete run",
            Self::State => "the next incremental run needs its state",
            Self::Holds { .. } => "it holds contacts that a later run did not read again",
        }
    }

    /// Returns the name of the reason in a document.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeepLast => "keep_last",
            Self::KeepWithin => "keep_within",
            Self::Newest => "newest",
            Self::NewestComplete => "newest_complete",
            Self::State => "state",
            Self::Holds { .. } => "held",
        }
    }

    /// Returns the kept run whose contacts the run holds.
    pub fn held_by(&self) -> Option<&RunId> {
        match self {
            Self::Holds { by } => Some(by),
            Self::KeepLast | Self::KeepWithin | Self::Newest | Self::NewestComplete | Self::State => None,
        }
    }
}
