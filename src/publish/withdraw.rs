//! Removes the files of an unfinished publication from the table folders, for `--fresh`.

use std::collections::BTreeSet;
use std::path::Path;

use super::steps::staged;
use super::{JOURNAL, PublishError, STAGE, read_journal, resume, run_file};
use crate::durable;
use crate::layout::{CHECKSUMS, FAILED, MANIFEST, NOT_FOUND, STATE};
use crate::store::{Kind, StagingFolder, Store};

/// Files of a run beside its manifest, including temporary ones.
const RUN_FILES: [&str; 10] = [
    FAILED,
    NOT_FOUND,
    CHECKSUMS,
    STATE,
    ".state.parquet.tmp",
    ".failed.csv.tmp",
    ".not_found.csv.tmp",
    "failed.csv.tmp",
    "checksums.sha256.tmp",
    "manifest.json.tmp",
];

/// Removes the files that the journal names from the table folders. Files with other content stay. If the
/// manifest exists, the run is published, and its remaining steps are done instead.
///
/// The journal is removed. The caller removes the rest of the work folder.
///
/// # Errors
/// When the journal cannot be read, or a file cannot be removed.
pub fn withdraw(out: &Store, work: &Path) -> Result<(), PublishError> {
    let stage = work.join(STAGE);
    let from = StagingFolder { stage: &stage, work };
    let Some(draft) = read_journal(work)? else {
        // Files may have been transferred early. None is visible.
        return Ok(out.withdraw(from, &[])?);
    };
    let file = |name: &str| run_file(&draft.manifest, name);
    out.is_folder(file(""))?;
    match out.kind(file(MANIFEST))? {
        Kind::File(_) => return resume(out, work, &mut |_| Ok(())).map(drop),
        Kind::NotRegular => return Err(durable::not_a_regular_file(&out.join(file(MANIFEST))).into()),
        Kind::Missing => {}
    }
    let files: Vec<_> = draft.manifest.files.iter().map(staged).collect();
    out.withdraw(from, &files)?;
    let names = RUN_FILES.map(file);
    out.remove(&names.each_ref().map(Path::new))?;
    out.remove_empty_folders(&BTreeSet::from([Path::new(&file(""))]))?;
    Ok(durable::remove_file(&work.join(JOURNAL))?)
}
