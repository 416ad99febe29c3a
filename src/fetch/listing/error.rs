//! Why the list of contacts cannot be read.

use crate::api::{Failure, Stop};

/// Why the list of contacts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The API ends the command.
    #[error(transparent)]
    Api(#[from] Stop),
    /// The server ignores `offset`.
    #[error("the API ignores the offset of the list of contacts: only its first part can be read")]
    OffsetIgnored,
    /// It refuses the list.
    #[error(
        "the API refuses the list of contacts ({what}): check that CHATZY_EMAIL is the account's address"
    )]
    Refused {
        /// 403, 400, 404, …
        status: u16,
        /// What it says.
        what: String,
    },
    /// It answers something else than a list of contacts.
    #[error(
        "the API's answers have changed ({what}): the account's contacts cannot be listed, look for a newer version of chatzy-export"
    )]
    NotAnAnswer {
        /// Description of what was found instead.
        what: String,
    },
    /// It cannot answer.
    #[error("the list of contacts cannot be read ({what})")]
    Unreadable {
        /// Why.
        what: String,
    },
    /// More than memory is kept for.
    #[error(
        "the list of contacts holds more than {megabytes} MB of text: list a part of it with --filter or --search"
    )]
    TooLarge {
        /// The most, in MB.
        megabytes: usize,
    },
}

impl From<Failure> for ListingError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Stop(stop) => Self::Api(stop),
            Failure::Unwanted => Self::Api(Stop::Cancelled),
            Failure::Refused { status, what } => Self::Refused { status, what },
            Failure::NotFound => Self::Refused { status: 404, what: "404 Not Found".to_owned() },
            Failure::AskLess => {
                Self::Unreadable { what: "a single contact is too much for the server".to_owned() }
            }
            Failure::NotAnAnswer { what } => Self::NotAnAnswer { what },
            Failure::Unanswered { what } | Failure::Unreadable { what } => Self::Unreadable { what },
        }
    }
}
