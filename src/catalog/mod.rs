//! The runs of an export: the newest, the manifest of each, the chain behind it, and the runs outside the chain.
//!
//! An export stands on a disk that others may write to. [`read`] opens regular files below the export only and bounds
//! their size; [`chain`] follows the links from `latest.json`, each the hash of a manifest, across runs that were pruned.
//!
//! Layer 2: knows the manifests of [`crate::output`].

mod chain;
mod error;
mod read;

pub use chain::{Chain, Link, Walk};
pub use error::CatalogError;
pub use read::{
    MAX_LATEST, MAX_MANIFEST, MAX_PRUNED, Run, latest, leaving, manifest_path, pruned_runs, run, run_ids,
    run_ids_with_links,
};
