//! Runs that several processes divide: each reads a shard, and `commit` publishes all shards as one run.
//!
//! ```text
//! _shards/<run>/00003-of-00064/work/          work folder of a shard, unless --work-dir names another
//! _shards/<run>/00003-ab12cd/…                data files and lists of a finished attempt
//! _runs/<run>/shards/00003-of-00064.json      the attempt that counts: [`finished`]
//! _shards/<run>/commit/                       work folder of `commit`
//! ```
//!
//! A shard is a run whose last step is another: [`hand_over()`] moves its files to the folder of the attempt, and creates
//! the manifest of the shard, if there is none. Of several attempts, the first to create it counts. The others remove
//! their files. [`mod@commit`] moves the files of all shards to one staging folder, joins their manifests with
//! [`merge`], and publishes the result as any run.
//!
//! In an object store the files are transferred, but invisible until `commit` completes the uploads.

mod commit;
mod finished;
mod hand_over;
mod merge;
mod timeline;

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::identity::Difference;
use crate::catalog::CatalogError;
use crate::durable::StorageError;
use crate::id::{RunId, Shard};

pub use commit::{CommitJob, commit};
pub(super) use finished::{already_finished, check_work, new_attempt};
pub(super) use hand_over::{hand_over, remove_empty_folders};

/// Shards that cannot be published, or a shard that cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum ShardsError {
    /// Some shards have not finished.
    #[error("run {run_id} lacks {} of its {of} shards: {}", missing.len(), ranges(missing))]
    Missing {
        /// ID of the run.
        run_id: RunId,
        /// Number of all shards.
        of: NonZeroU32,
        /// The shards without a manifest, in order.
        missing: Vec<Shard>,
    },
    /// The shards of the run were started with another number of them.
    #[error(
        "run {run_id} has {found} shards, but this command says {asked}: use the same number, or another --run-id"
    )]
    OtherCount {
        /// ID of the run.
        run_id: RunId,
        /// The number of shards found.
        found: NonZeroU32,
        /// The number of shards in the command.
        asked: NonZeroU32,
    },
    /// A shard was started by a command that differs from those of the others.
    #[error(
        "{} does not fit shard {shard} of run {run_id}: {}; export all shards with the same options and version, or use another --run-id",
        other.map_or_else(|| "this command".to_owned(), |other| format!("shard {other}")),
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    Differ {
        /// ID of the run.
        run_id: RunId,
        /// A shard.
        shard: Shard,
        /// The shard that differs from it; `None` for the command.
        other: Option<Shard>,
        /// The differences.
        differences: Vec<Difference>,
    },
    /// The manifest or a list of a shard is damaged.
    #[error("{} is damaged ({what}): remove it, and export the shard again", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CatalogError> for ShardsError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::Damaged { path, what },
            CatalogError::Newer { path, error } => Self::Damaged { path, what: error.to_string() },
            CatalogError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Formats the numbers of shards as `0, 5-9`.
fn ranges(shards: &[Shard]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for index in shards.iter().map(|shard| shard.index()) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => ranges.push((index, index)),
        }
    }
    let text = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_shards_are_named_as_ranges() {
        let of = NonZeroU32::new(100).unwrap();
        let named = |indices: &[u32]| {
            let shards: Vec<Shard> = indices.iter().map(|index| Shard::new(*index, of).unwrap()).collect();
            ranges(&shards)
        };
        assert_eq!(named(&[0, 5, 6, 7, 9]), "0, 5-7, 9");
        assert_eq!(named(&[98, 99]), "98-99");
        assert_eq!(named(&[3]), "3");
    }
}
