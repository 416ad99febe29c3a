//! Identifiers as types, so that a contact ID cannot be passed in place of a run ID.
//!
//! Layer 1: used by every room, depends on none.

mod shard;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};

pub use shard::Shard;

/// ID of a contact: opaque text of at most [`ContactId::MAX_BYTES`] bytes, without control characters.
///
/// It is percent-encoded in queries and never used in paths.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactId(Box<str>);

/// Reason why a text is not a valid contact ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactIdError {
    /// The text is empty or blank.
    #[error("the contact ID is empty")]
    Empty,
    /// The text has more than [`ContactId::MAX_BYTES`] bytes.
    #[error("the contact ID has {0} bytes, more than {max}", max = ContactId::MAX_BYTES)]
    TooLong(usize),
    /// The text contains a control character. No ID of the service has one, and it would corrupt logs.
    #[error("the contact ID holds the control character U+{0:04X}")]
    Control(u32),
}

impl ContactId {
    /// Maximum length of an ID, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 200;

    /// Returns the ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContactId {
    type Err = ContactIdError;

    fn from_str(text: &str) -> Result<Self, ContactIdError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ContactIdError::Empty);
        }
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(ContactIdError::Control(u32::from(control)));
        }
        if text.len() > Self::MAX_BYTES {
            return Err(ContactIdError::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for a UUID, in any case. Two UUIDs are the same without regard to case.
pub fn is_uuid(text: &str) -> bool {
    let is_dash = |at| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, u8)| if is_dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// ID of a run: `20261120T020000Z-` and six lower-case letters or digits, or the value of `--run-id`.
///
/// It is part of file names. Only letters, digits, `_`, `-` and `.` are allowed; the first character is a
/// letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct RunId(String);

/// A text that is not a valid run ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a run ID: 1 to 64 letters, digits, '_', '-' or '.' are allowed, a letter or digit first, like 20261120T020000Z-ab12cd"
)]
pub struct RunIdError(String);

/// Form of the time in an ID.
const TIME: &str = "%Y%m%dT%H%M%SZ";

impl RunId {
    /// Creates an ID for a run that starts at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        let suffix: String = (0..6)
            .map(|_| fastrand::choice(b"abcdefghijklmnopqrstuvwxyz0123456789"))
            .map(|byte| char::from(*byte.unwrap_or(&b'0')))
            .collect();
        Self(format!("{}-{suffix}", now.format(TIME)))
    }

    /// Returns the time at the start of an ID as [`Self::new`] makes it.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        let (time, _) = self.0.split_once('-')?;
        let time = NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc();
        // The parser accepts other forms, too.
        self.0.starts_with(&time.format(TIME).to_string()).then_some(time)
    }

    /// Returns the ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if first && text.len() <= 64 && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }
}

impl<'de> serde::Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A channel of messages: the parameter `channel` of `docs/api.md#messages-of-a-contact`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// WhatsApp. Its records are in `wa_messages`.
    Whatsapp,
    /// Instagram. Its records are in `instagram_messages`.
    Instagram,
    /// Messenger. Its records are in `messenger_messages`.
    Messenger,
    /// The chat on the website. It has no records.
    Website,
}

impl Channel {
    /// All channels, in the order of the record arrays.
    pub const ALL: [Self; 4] = [Self::Whatsapp, Self::Instagram, Self::Messenger, Self::Website];

    /// Returns the name that the API and the tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Instagram => "instagram",
            Self::Messenger => "messenger",
            Self::Website => "website",
        }
    }
}
