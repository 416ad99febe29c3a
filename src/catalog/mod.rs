//! The runs of an export: the newest run, the manifest of each, the chain of manifests, and the runs outside
//! the chain.
//!
//! Others may write to the folder of an export. So [`read`] opens only regular files below the export, and
//! bounds their size. [`chain`] follows the links from `latest.json`, each the hash of a manifest, across
//! pruned runs.
//!
//! Layer 2: uses the manifests of [`crate::output`].

mod chain;
mod error;
mod read;

pub use chain::{Chain, Link, Walk};
pub use error::CatalogError;
pub use read::{
    MAX_LATEST, MAX_MANIFEST, MAX_PRUNED, Run, latest, leaving, manifest_path, pruned_runs, run, run_ids,
    run_ids_with_links,
};
