//! Why there is no page.

use super::stop::Stop;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// The API knows no such contact.
    NotFound,
    /// The page is too much for the server: ask for fewer messages.
    AskLess,
    /// The API refuses this contact with this status.
    Refused {
        /// 401, 403, 400, …
        status: u16,
        /// What it says.
        what: String,
    },
    /// The API or the network failed, each time it was asked.
    Unanswered {
        /// How, the last time.
        what: String,
    },
    /// The API answers something else than what was asked for.
    NotAnAnswer {
        /// Description of what was found instead.
        what: String,
    },
    /// The page cannot be read.
    Unreadable {
        /// Why.
        what: String,
    },
    /// Nobody waits for the page any more.
    Unwanted,
    /// The run has to end.
    Stop(Stop),
}
