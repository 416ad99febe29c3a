//! Scripts for exports in object stores.

use std::path::Path;

use crate::support::export::{Export, Outcome};
use crate::support::stores::{Kind, Remote};

/// Runs `schema` for an export in a folder, or in a store of this kind. In the store, the objects have the paths that the
/// files have on the disk, and only the records of the runs are there.
pub fn schema(store: Option<Kind>, out: &Path, arguments: &str) -> Outcome {
    let command = Export::command("schema").args(arguments).args("--from");
    let path = out.to_str().expect("UTF-8");
    let Some(kind) = store else { return command.arg(path).run() };
    let remote = Remote::to_read(kind, path.trim_start_matches('/'));
    remote.copy_some_from(out, |name| name.starts_with("_runs/"));
    remote.reach(command.arg(&remote.url())).run()
}
