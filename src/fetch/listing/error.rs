//! Errors of reading the list of contacts.

use crate::api::{Failure, Fatal};

/// Reason why the list of contacts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The API client ended the command.
    #[error(transparent)]
    Api(#[from] Fatal),
    /// The server ignores `offset`.
    #[error("the API ignores the offset of the list of contacts: only its first part can be read")]
    OffsetIgnored,
    /// The server refuses the list.
    #[error(
        "the API refuses the list of contacts ({what}): check that CHATZY_EMAIL is the account's address"
    )]
    Refused {
        /// HTTP status, such as 403, 400 or 404.
        status: u16,
        /// Text of the refusal.
        what: String,
    },
    /// The response is not a list of contacts.
    #[error(
        "the API's answers have changed ({what}): the account's contacts cannot be listed, look for a newer version of chatzy-export"
    )]
    NotAnAnswer {
        /// Description of what was found instead.
        what: String,
    },
    /// The server gives no usable response.
    #[error("the list of contacts cannot be read ({what})")]
    Unreadable {
        /// Description of the failure.
        what: String,
    },
    /// The list needs more memory than allowed.
    #[error(
        "the list of contacts holds more than {megabytes} MB of text: list a part of it with --filter or --search"
    )]
    TooLarge {
        /// Memory limit in megabytes.
        megabytes: usize,
    },
}

impl From<Failure> for ListingError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fatal(stop) => Self::Api(stop),
            Failure::Unwanted => Self::Api(Fatal::Cancelled),
            Failure::Refused { status, what } => Self::Refused { status, what },
            Failure::NotFound => Self::Refused { status: 404, what: "404 Not Found".to_owned() },
            Failure::AskLess => {
                Self::Unreadable { what: "the server cannot return even a single contact".to_owned() }
            }
            Failure::NotAnAnswer { what } => Self::NotAnAnswer { what },
            Failure::Unanswered { what } | Failure::Unreadable { what } => Self::Unreadable { what },
        }
    }
}
