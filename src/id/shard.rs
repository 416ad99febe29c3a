//! A shard of a run: the part of its contacts that one process reads.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use super::ContactId;

/// Shard `index` of `of` shards, such as `3/64`. Counts from 0, as schedulers do.
///
/// A contact belongs to the shard that the hash of its ID gives. So equal IDs meet in one shard, and a list that is
/// sorted by activity is divided evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    of: NonZeroU32,
    index: u32,
}

/// A text that does not name a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The text has another form.
    #[error("write it like 3/64: the number of the shard, from 0, and the number of all shards")]
    Form,
    /// The number is not below that of all shards.
    #[error("shards count from 0: the last of {of} is {}/{of}", of.get() - 1)]
    TooHigh {
        /// Number of all shards.
        of: NonZeroU32,
    },
    /// There are more shards than file names have digits for.
    #[error("a run has at most {} shards", Shard::MAX)]
    TooMany,
}

impl Shard {
    /// Maximum number of shards of a run.
    pub const MAX: u32 = 100_000;

    /// Creates the shard with this index.
    ///
    /// # Errors
    /// If the index is not below the number of shards, or there are too many.
    pub fn new(index: u32, of: NonZeroU32) -> Result<Self, ShardError> {
        if of.get() > Self::MAX {
            Err(ShardError::TooMany)
        } else if index >= of.get() {
            Err(ShardError::TooHigh { of })
        } else {
            Ok(Self { of, index })
        }
    }

    /// All shards of a run that has this number of them.
    pub fn all(of: NonZeroU32) -> impl Iterator<Item = Self> {
        (0..of.get().min(Self::MAX)).map(move |index| Self { of, index })
    }

    /// Returns the number of this shard, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of all shards.
    pub fn of(self) -> NonZeroU32 {
        self.of
    }

    /// True if the contact belongs to this shard.
    ///
    /// The remainder is used, and not the upper bits of the hash: those decide in which night a contact is swept.
    pub fn holds(self, contact: &ContactId) -> bool {
        xxh3_64(contact.as_str().as_bytes()) % u64::from(self.of.get()) == u64::from(self.index)
    }

    /// Returns the name of the shard in paths: `00003-of-00064`.
    pub fn file_name(self) -> String {
        format!("{:05}-of-{:05}", self.index, self.of)
    }

    /// Returns the shard with this name in paths.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let (index, of) = name.split_once("-of-")?;
        let shard = Self::new(index.parse().ok()?, of.parse().ok()?).ok()?;
        (shard.file_name() == name).then_some(shard)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (index, of) = text.split_once('/').ok_or(ShardError::Form)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| ShardError::Form);
        Self::new(number(index)?, NonZeroU32::new(number(of)?).ok_or(ShardError::Form)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl serde::Serialize for Shard {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Shard {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_count_from_zero() {
        let parse = |text: &str| text.parse::<Shard>().map(|shard| shard.to_string());
        assert_eq!(parse("0/1"), Ok("0/1".to_owned()));
        assert_eq!(parse("63/64"), Ok("63/64".to_owned()));
        let text = parse("64/64").unwrap_err().to_string();
        insta::assert_snapshot!(text, @"shards count from 0: the last of 64 is 63/64");
        for text in ["", "3", "3/0", "/", "-1/4", "1/x", "0/100001", "1/2/3"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_in_paths_is_read_back() {
        let of = NonZeroU32::new(64).unwrap();
        for shard in Shard::all(of) {
            assert_eq!(Shard::of_file_name(&shard.file_name()), Some(shard));
        }
        for name in ["3-of-64", "00064-of-00064", "00003-of-", "00003-of-00064.json", "+0003-of-00064"] {
            assert_eq!(Shard::of_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn each_contact_belongs_to_one_shard_and_they_are_even() {
        let of = NonZeroU32::new(7).unwrap();
        let mut counts = [0_u32; 7];
        for number in 0..7000 {
            let contact: ContactId = format!("contact-{number}").parse().unwrap();
            let holders: Vec<Shard> = Shard::all(of).filter(|shard| shard.holds(&contact)).collect();
            assert_eq!(holders.len(), 1);
            counts[holders[0].index() as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
