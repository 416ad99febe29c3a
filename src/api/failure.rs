//! Reasons why a page cannot be had.

use super::stop::Stop;

/// Reason why a page cannot be had.
#[derive(Debug)]
pub enum Failure {
    /// The API does not know the contact.
    NotFound,
    /// The server cannot send a page this large.
    AskLess,
    /// The API refuses this contact with this status.
    Refused {
        /// HTTP status, such as 401, 403 or 400.
        status: u16,
        /// Text of the refusal.
        what: String,
    },
    /// The API or the network failed at every attempt.
    Unanswered {
        /// Description of the last failure.
        what: String,
    },
    /// The response has the wrong shape.
    NotAnAnswer {
        /// Description of what was found instead.
        what: String,
    },
    /// The page cannot be read.
    Unreadable {
        /// Description of the cause.
        what: String,
    },
    /// The page is no longer needed.
    Unwanted,
    /// The run must end.
    Stop(Stop),
}
