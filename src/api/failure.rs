//! Reasons why a page cannot be had.

use tokio::time::Instant;

use super::client::Client;
use super::fatal::Fatal;
use super::fault::Fault;

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
    Fatal(Fatal),
}

impl Client {
    pub(super) fn refused(&self, since: Instant, status: u16, fault: &Fault) -> Failure {
        self.answered(since, None);
        if status == 401 {
            return Failure::Fatal(Fatal::SignInRefused { what: fault.describe() });
        }
        Failure::Refused { status, what: fault.describe() }
    }

    pub(super) fn not_the_api(&self, fault: &Fault) -> Failure {
        match fault {
            Fault::UnknownPath if self.limiter.known_good().is_some() => {
                Failure::Refused { status: 403, what: fault.describe() }
            }
            Fault::Certificate { what } => Failure::Fatal(self.refused_certificate(what.clone())),
            _ => Failure::Fatal(self.wrong_address(fault.describe())),
        }
    }

    pub(super) fn failed(&self, fault: &Fault) -> Failure {
        match fault {
            Fault::Unreadable { is_foreign: true, what, .. } if self.limiter.known_good().is_none() => {
                Failure::Fatal(self.wrong_address(what.clone()))
            }
            Fault::NotAnAnswer { what } => Failure::NotAnAnswer { what: what.clone() },
            fault if fault.is_failure() => Failure::Unanswered { what: fault.describe() },
            _ => Failure::Unreadable { what: fault.describe() },
        }
    }
}
