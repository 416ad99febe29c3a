//! Removes the files of an unfinished publication from the table folders, for `--fresh`.

use std::collections::BTreeSet;
use std::path::Path;

use super::place::{is_ours, size, temporary};
use super::{JOURNAL, PublishError, read_journal, resume, run_file};
use crate::durable;
use crate::layout::{CHECKSUMS, FAILED, MANIFEST, STATE};

/// Removes the files that the journal names from the table folders. Files with other content stay. If the
/// manifest exists, the run is published, and its remaining steps are done instead.
///
/// The journal is removed. The caller removes the rest of the work folder.
///
/// # Errors
/// When the journal cannot be read, or a file cannot be removed.
pub fn withdraw(out: &Path, work: &Path) -> Result<(), PublishError> {
    let Some(draft) = read_journal(work)? else { return Ok(()) };
    durable::are_real_dirs(out, Path::new(&run_file(&draft.manifest, "")))?;
    if durable::is_regular_file(&out.join(run_file(&draft.manifest, MANIFEST)))? {
        return resume(out, work, &mut |_| Ok(())).map(drop);
    }
    let mut folders = BTreeSet::new();
    for file in &draft.manifest.files {
        let path = file.path.as_path();
        durable::are_real_dirs(out, path.parent().unwrap_or(Path::new("")))?;
        let target = out.join(path);
        durable::remove_file(&temporary(&target))?;
        if matches!(size(&target), Ok(Some(_))) && is_ours(&target, file)? {
            durable::remove_file(&target)?;
            folders.extend(path.ancestors().skip(1).filter(|folder| *folder != Path::new("")));
        }
    }
    for name in [
        FAILED,
        CHECKSUMS,
        STATE,
        ".state.parquet.tmp",
        "failed.csv.tmp",
        "checksums.sha256.tmp",
        "manifest.json.tmp",
    ] {
        durable::remove_file(&out.join(run_file(&draft.manifest, name)))?;
    }
    durable::remove_dir_if_empty(&out.join(run_file(&draft.manifest, "")));
    // Deepest first: a folder is empty only after its subfolders are removed.
    for folder in folders.into_iter().rev().map(|folder| out.join(folder)) {
        durable::sync_dir(&folder)?;
        durable::remove_dir_if_empty(&folder);
    }
    if out.is_dir() {
        durable::sync_dir(out)?;
    }
    Ok(durable::remove_file(&work.join(JOURNAL))?)
}
