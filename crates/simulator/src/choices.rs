//! What some switches can be set to.

use std::str::FromStr;

use clap::ValueEnum;

/// The answer for a contact that does not exist.
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

/// The order of messages over the offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// The newest message is at offset 0
    Newest,
    /// The oldest message is at offset 0
    Oldest,
}

/// Whether messages come grouped by conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grouping {
    /// Unless `grouped_conversations=false` is asked for
    Asked,
    /// Whatever is asked for
    Always,
    /// A flat list, whatever is asked for
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

/// What signing in says about the end of the token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExpiryAt {
    /// The truth, in Unix milliseconds
    Correct,
    /// Nothing
    Missing,
    /// The truth, but in seconds
    Seconds,
    /// A time that is over
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

/// Which oddities occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WildKind {
    /// Also `NaN`, raw control characters and nesting too deep for most parsers
    All,
    /// Only what a lenient parser can read
    Valid,
}

/// The Retry-After header of a 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// None
    Absent,
    /// So many seconds
    Seconds(u64),
    /// An HTTP date two seconds ahead
    Date,
    /// Something that is neither
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
                .map_err(|_| "none, a number of seconds, date or garbage".to_owned()),
        }
    }
}
