//! Values of options.

use std::str::FromStr;

use clap::ValueEnum;

/// The response for a contact that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unknown {
    /// Status 404
    #[value(name = "404")]
    NotFound,
    /// Status 200 with a null contact and no conversations
    Null,
    /// Status 200 without a contact and with no conversations
    Empty,
}

/// The compression of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compress {
    /// zstd, or gzip for clients that do not accept zstd
    Best,
    /// Only gzip, as most gateways
    Gzip,
}

/// The order of messages over the offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// The newest message is at offset 0
    Newest,
    /// The oldest message is at offset 0
    Oldest,
}

/// Grouping of messages by conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grouping {
    /// Grouped, unless the request has `grouped_conversations=false`
    Asked,
    /// Grouped, whatever the request has
    Always,
    /// A flat list, whatever the request has
    Never,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Toggle {
    /// On
    On,
    /// Off
    Off,
}

/// The expiry time in the sign-in response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExpiryAt {
    /// The correct time, in Unix milliseconds
    Correct,
    /// No expiry time
    Missing,
    /// The correct time, in seconds
    Seconds,
    /// A time in the past
    Past,
    /// A time in a million years
    Absurd,
}

/// The accepted form of the Authorization header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthForm {
    /// The token alone
    Raw,
    /// `Bearer` and the token
    Bearer,
    /// Either
    Any,
}

/// The oddities that occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WildKind {
    /// All oddities, including `NaN`, raw control characters and nesting too deep for most parsers
    All,
    /// Only oddities that are valid JSON
    Valid,
}

/// The Retry-After header of a 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// No header
    Absent,
    /// A number of seconds
    Seconds(u64),
    /// An HTTP date two seconds ahead
    Date,
    /// Neither seconds nor a date
    Garbage,
}

impl FromStr for RetryAfter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Absent),
            "date" => Ok(Self::Date),
            "garbage" => Ok(Self::Garbage),
            seconds => seconds
                .parse()
                .map(Self::Seconds)
                .map_err(|_| "use none, a number of seconds, date or garbage".to_owned()),
        }
    }
}
