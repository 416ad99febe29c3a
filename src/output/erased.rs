//! `_runs/erased.json`: the contacts that `erase` removed, and the files that it replaced.
//!
//! Manifests stay as they were written, so that the chain of their hashes holds. The record says for each replaced file
//! what it was and what it is. [`Erasures::apply`] turns a manifest into that of the run as it is now: all readers of
//! files use the result.
//!
//! The record is durable before the first file is replaced. Until the erasure is finished, each of its files is either
//! as before or as after ([`Erasures::keep_replaced`]).

use serde::{Deserialize, Serialize};

use super::ExportPath;
use super::manifest::{ContactCounts, FileEntry, Manifest, ManifestError, Previous, Status, Tool};
use super::salted::{HashedContacts, Salt};
use crate::id::RunId;

/// The record of erasures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasures {
    /// Salt of the hashes.
    pub salt: Salt,
    /// All erasures, the oldest first. Only the last one may be unfinished.
    pub erasures: Vec<Erasure>,
}

/// One erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// ID of the erasure.
    pub id: String,
    /// Reference, such as the number of a request.
    pub reference: String,
    /// Reason, if one was given.
    pub reason: Option<String>,
    /// Person or office that ordered it, if known.
    pub by: Option<String>,
    /// Time of its start.
    pub erased_at: String,
    /// Time at which the last file was replaced; `None` until then.
    pub finished_at: Option<String>,
    /// Time from which runs export the contacts again, if they came back.
    pub unsuppressed_at: Option<String>,
    /// Program that carried it out.
    pub tool: Tool,
    /// The newest run at its start.
    pub after_run: Option<Previous>,
    /// Salted hashes of the contacts.
    pub contact_sha256: Vec<String>,
    /// Runs that held rows of the contacts.
    pub runs: Vec<ErasedRun>,
}

/// Changes to one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedRun {
    /// ID of the run.
    pub run_id: RunId,
    /// SHA-256 of its manifest, which stays as it is.
    pub manifest_sha256: String,
    /// Erased contacts by the status of their coverage.
    pub contacts: ContactCounts,
    /// Files that held rows of the contacts.
    pub files: Vec<ErasedFile>,
}

/// A file that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedFile {
    /// Path relative to the export.
    pub path: ExportPath,
    /// The file before.
    pub before: FileState,
    /// The file after; `None` if no row was left and the file was removed.
    pub after: Option<FileState>,
}

/// Content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
    /// Number of rows in the file.
    pub rows: u64,
    /// Smallest `created_at` in the file, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_created_at: Option<String>,
    /// Largest `created_at` in the file, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_created_at: Option<String>,
}

impl From<&FileEntry> for FileState {
    fn from(entry: &FileEntry) -> Self {
        Self {
            sha256: entry.sha256.clone(),
            bytes: entry.bytes,
            rows: entry.rows,
            min_created_at: entry.min_created_at.clone(),
            max_created_at: entry.max_created_at.clone(),
        }
    }
}

impl Default for Erasures {
    fn default() -> Self {
        Self { salt: Salt::random(), erasures: Vec::new() }
    }
}

impl Erasures {
    /// Parses the record.
    ///
    /// # Errors
    /// If the text is incomplete, or names a file of another run.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let record: Self = serde_json::from_slice(text)
            .map_err(|source| ManifestError::Syntax { name: "erased.json", source })?;
        for run in record.erasures.iter().flat_map(|erasure| &erasure.runs) {
            if let Some(file) = run.files.iter().find(|file| !file.path.is_of(&run.run_id)) {
                let what = format!("{} is not a file of the run {}", file.path, run.run_id);
                return Err(ManifestError::Content { what });
            }
        }
        Ok(record)
    }

    /// Formats the record as JSON.
    pub fn to_json(&self) -> String {
        super::manifest::to_json(self)
    }

    /// Returns the erasure that is not finished.
    pub fn unfinished(&self) -> Option<&Erasure> {
        self.erasures.last().filter(|erasure| erasure.finished_at.is_none())
    }

    /// True if an unfinished erasure changes this run.
    pub fn is_changing(&self, run_id: &str) -> bool {
        self.unfinished().is_some_and(|erasure| erasure.runs.iter().any(|run| run.run_id.as_str() == run_id))
    }

    /// Returns the contacts that runs leave out: those that were erased and did not come back.
    pub fn suppressed(&self) -> HashedContacts {
        let erasures = self.erasures.iter().filter(|erasure| erasure.unsuppressed_at.is_none());
        HashedContacts::new(&self.salt, erasures.flat_map(|erasure| &erasure.contact_sha256))
    }

    /// Returns the changes to the run with this manifest, in their order.
    pub fn of_run<'a>(
        &'a self,
        run_id: &'a RunId,
        manifest_sha256: &'a str,
    ) -> impl Iterator<Item = (&'a Erasure, &'a ErasedRun)> {
        let of_erasure = move |erasure: &'a Erasure| {
            let is_it =
                move |run: &&ErasedRun| run.run_id == *run_id && run.manifest_sha256 == manifest_sha256;
            erasure.runs.iter().filter(is_it).map(move |run| (erasure, run))
        };
        self.erasures.iter().flat_map(of_erasure)
    }

    /// Removes the files of an unfinished erasure that are not replaced yet, and the counts of their runs. The rest
    /// describes the files as they are now.
    ///
    /// # Errors
    /// If `is_replaced` reports one.
    pub fn keep_replaced<E>(
        &mut self,
        is_replaced: &mut dyn FnMut(&ErasedFile) -> Result<bool, E>,
    ) -> Result<(), E> {
        let Some(last) = self.erasures.last_mut().filter(|last| last.finished_at.is_none()) else {
            return Ok(());
        };
        for run in &mut last.runs {
            let all = run.files.len();
            let mut replaced = Vec::with_capacity(all);
            for file in std::mem::take(&mut run.files) {
                if is_replaced(&file)? {
                    replaced.push(file);
                }
            }
            run.files = replaced;
            if run.files.len() < all {
                run.contacts = ContactCounts::default();
            }
        }
        Ok(())
    }

    /// Changes a manifest into that of the run without the erased contacts. `sha256` is the hash of its text.
    /// Returns the number of contacts that were erased from the run.
    pub fn apply(&self, manifest: &mut Manifest, sha256: &str) -> u64 {
        let run_id = manifest.run_id.clone();
        let (mut contacts, mut is_changed) = (0, false);
        for (_, run) in self.of_run(&run_id, sha256) {
            is_changed = true;
            contacts += run.contacts.requested;
            subtract(&mut manifest.contacts, &run.contacts);
            manifest.input.contacts = manifest.input.contacts.saturating_sub(run.contacts.requested);
            for file in &run.files {
                replace(manifest, file);
            }
        }
        if is_changed {
            let counts = &manifest.contacts;
            let is_partial = counts.failed + counts.unresolved > 0 || !manifest.input.doubts.is_empty();
            manifest.status = if is_partial { Status::Partial } else { Status::Complete };
        }
        contacts
    }
}

fn subtract(counts: &mut ContactCounts, erased: &ContactCounts) {
    let pairs = [
        (&mut counts.requested, erased.requested),
        (&mut counts.exported, erased.exported),
        (&mut counts.empty, erased.empty),
        (&mut counts.not_found, erased.not_found),
        (&mut counts.unresolved, erased.unresolved),
        (&mut counts.failed, erased.failed),
        (&mut counts.unchanged, erased.unchanged),
    ];
    for (count, erased) in pairs {
        *count = count.saturating_sub(erased);
    }
}

/// Replaces the entry of a file that is as before. Entries of other content stay, and readers find the difference.
fn replace(manifest: &mut Manifest, file: &ErasedFile) {
    if let Some(state) = manifest.state.as_mut().filter(|state| state.path == file.path) {
        if state.sha256 == file.before.sha256
            && let Some(after) = &file.after
        {
            (state.rows, state.bytes, state.sha256) = (after.rows, after.bytes, after.sha256.clone());
        }
        return;
    }
    let is_it = |entry: &FileEntry| entry.path == file.path && entry.sha256 == file.before.sha256;
    let Some(at) = manifest.files.iter().position(is_it) else { return };
    let left = file.after.as_ref().map_or(0, |after| after.rows);
    if let Some(table) = manifest.tables.get_mut(&manifest.files[at].table) {
        table.rows = table.rows.saturating_sub(file.before.rows.saturating_sub(left));
    }
    match &file.after {
        None => drop(manifest.files.remove(at)),
        Some(after) => {
            let entry = &mut manifest.files[at];
            (entry.rows, entry.bytes, entry.sha256) = (after.rows, after.bytes, after.sha256.clone());
            entry.min_created_at.clone_from(&after.min_created_at);
            entry.max_created_at.clone_from(&after.max_created_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"manifest_version":1,"schema_version":1,"run_id":"r","status":"partial","tool":{"name":"x","version":"1"},"started_at":"","finished_at":"","source":{"base_url":""},"options":{},"input":{"path":"","sha256":"","lines":3,"contacts":3,"duplicates":0},"contacts":{"requested":3,"exported":2,"empty":0,"not_found":0,"unresolved":0,"failed":1},"requests":{"sent":0,"retries":0,"by_status":{}},"unknown_fields":{},"tables":{"messages":{"rows":12,"columns":[]}},"files":[{"table":"messages","path":"messages/part-r-00000.parquet","rows":7,"bytes":70,"sha256":"a","partition":{},"min_created_at":null,"max_created_at":null},{"table":"messages","path":"messages/part-r-00001.parquet","rows":5,"bytes":50,"sha256":"b","partition":{},"min_created_at":null,"max_created_at":null}],"previous":null}"#;

    fn state(sha256: &str, rows: u64) -> FileState {
        let (min_created_at, max_created_at) = (None, None);
        FileState { sha256: sha256.to_owned(), bytes: rows * 10, rows, min_created_at, max_created_at }
    }

    fn file(number: u64, before: FileState, after: Option<FileState>) -> ErasedFile {
        ErasedFile { path: format!("messages/part-r-{number:05}.parquet").parse().unwrap(), before, after }
    }

    fn erasure(finished: bool, contacts: ContactCounts, files: Vec<ErasedFile>) -> Erasure {
        let run =
            ErasedRun { run_id: "r".parse().unwrap(), manifest_sha256: "m".to_owned(), contacts, files };
        Erasure {
            id: String::new(),
            reference: "R".to_owned(),
            reason: None,
            by: None,
            erased_at: String::new(),
            finished_at: finished.then(String::new),
            unsuppressed_at: None,
            tool: Tool::default(),
            after_run: None,
            contact_sha256: Vec::new(),
            runs: vec![run],
        }
    }

    fn counts(exported: u64, failed: u64) -> ContactCounts {
        ContactCounts { requested: exported + failed, exported, failed, ..ContactCounts::default() }
    }

    /// Contacts, input, rows of messages, status, and the hashes of the files after the erasures.
    fn applied(erasures: Vec<Erasure>, sha256: &str) -> (u64, u64, u64, Status, Vec<String>) {
        let mut manifest = Manifest::parse(MANIFEST.as_bytes()).unwrap();
        let record = Erasures { salt: Salt::random(), erasures };
        assert_eq!(Erasures::parse(record.to_json().as_bytes()).unwrap(), record);
        let erased = record.apply(&mut manifest, sha256);
        assert_eq!(erased, 3 - manifest.contacts.requested);
        let hashes = manifest.files.iter().map(|file| file.sha256.clone()).collect();
        let rows = manifest.tables["messages"].rows;
        (manifest.contacts.requested, manifest.input.contacts, rows, manifest.status, hashes)
    }

    #[test]
    fn erasures_follow_each_other() {
        let first = erasure(true, counts(0, 1), vec![file(0, state("a", 7), Some(state("c", 4)))]);
        let second = erasure(
            true,
            counts(1, 0),
            vec![file(0, state("c", 4), Some(state("d", 1))), file(1, state("b", 5), None)],
        );
        let hashes = |hashes: &[&str]| hashes.iter().map(|hash| (*hash).to_owned()).collect::<Vec<_>>();
        assert_eq!(applied(vec![], "m"), (3, 3, 12, Status::Partial, hashes(&["a", "b"])));
        assert_eq!(applied(vec![first.clone()], "m"), (2, 2, 9, Status::Complete, hashes(&["c", "b"])));
        assert_eq!(applied(vec![first.clone(), second], "m"), (1, 1, 1, Status::Complete, hashes(&["d"])));
        assert_eq!(applied(vec![first], "x"), (3, 3, 12, Status::Partial, hashes(&["a", "b"])));
    }

    #[test]
    fn files_of_an_unfinished_erasure_are_as_they_are_on_the_disk() {
        let files = vec![file(0, state("a", 7), Some(state("c", 4))), file(1, state("b", 5), None)];
        let unfinished = erasure(false, counts(1, 0), files);
        let record = Erasures { salt: Salt::random(), erasures: vec![unfinished] };
        assert!(record.is_changing("r") && !record.is_changing("q"));
        for (replaced, requested, hashes) in
            [(vec![], 3, vec!["a", "b"]), (vec![1], 3, vec!["a"]), (vec![0, 1], 2, vec!["c"])]
        {
            let mut now = record.clone();
            let is_replaced =
                |file: &ErasedFile| replaced.iter().any(|at| file.path.contains(&format!("{at:05}")));
            now.keep_replaced(&mut |file| Ok::<_, ()>(is_replaced(file))).unwrap();
            let found = applied(now.erasures, "m");
            assert_eq!((found.0, found.4), (requested, hashes.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn a_record_with_a_file_of_another_run_is_refused() {
        let mut other = erasure(true, counts(1, 0), vec![file(0, state("a", 7), None)]);
        other.runs[0].run_id = "q".parse().unwrap();
        let record = Erasures { salt: Salt::random(), erasures: vec![other] };
        assert!(Erasures::parse(record.to_json().as_bytes()).is_err());
    }
}
