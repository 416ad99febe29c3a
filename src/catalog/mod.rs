//! The runs of an export: the newest run, the manifest of each, the chain of manifests, and the runs outside
//! the chain.
//!
//! A manifest stays as it was written when contacts are erased. [`Run`] has it without them: `erased.json` says which
//! files were replaced.
//!
//! Others may write to the folder of an export. So [`read`] opens only regular files below the export, and
//! bounds their size. [`chain`] follows the links from `latest.json`, each the hash of a manifest, across
//! pruned runs. [`mod@chosen`] finds the run that a command works on. [`shards`] lists runs whose shards are not published
//! yet. [`mod@lost_record`] finds erasures without a record.
//!
//! Layer 2: uses the manifests of [`crate::output`].

mod chain;
mod chosen;
mod error;
mod lost_record;
mod read;
mod shards;

pub use chain::{Chain, Link, Walk};
pub use chosen::{ChosenError, chosen};
pub use error::{CatalogError, held_by};
pub use lost_record::{is_erased, run_without_record};
pub use read::{
    MAX_ERASED, MAX_HOLDS, MAX_LATEST, MAX_MANIFEST, MAX_PRUNED, Run, RunReader, erasures, holds,
    is_replaced, latest, leaving, manifest_path, pruned_runs, run, run_ids, run_ids_with_links,
};
pub use shards::{finished_shards, shard_manifest_path, shard_of_manifest, sharded_runs};
