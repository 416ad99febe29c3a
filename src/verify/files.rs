//! Checks the files that manifests name, and finds those that none names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::runs::{Run, Runs};
use super::{DamageKind, Report, VerifyOptions};
use crate::digest::sha256_of_file;
use crate::durable::{OnPath, StorageError};
use crate::output::manifest::{FileEntry, Manifest};
use crate::table::Table;

/// What stands at a path below the export.
pub(super) enum Standing {
    /// A plain file of this size.
    Plain(u64),
    /// Nothing.
    Nothing,
    /// A symlink, also on the way to it, or something else that is no file.
    Odd,
}

/// Looks at a path without following any symlink below `out`.
pub(super) fn standing(out: &Path, relative: &Path) -> Result<Standing, StorageError> {
    let mut path = out.to_owned();
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(meta) if parts.peek().is_some() && meta.is_dir() => {}
            Ok(meta) if parts.peek().is_none() && meta.is_file() => return Ok(Standing::Plain(meta.len())),
            Ok(_) => return Ok(Standing::Odd),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Standing::Nothing);
            }
            Err(error) => return Err(StorageError::new("look at", &path, error)),
        }
    }
    Ok(Standing::Odd)
}

/// Checks all files of a run.
pub(super) fn check(out: &Path, run: &Run, report: &mut Report) -> Result<(), StorageError> {
    let owner = Owner { out, id: &run.id };
    if let Some(manifest) = &run.manifest {
        let by_hash = manifest.files.iter().map(|file| (file.sha256.as_str(), file.path.as_str())).collect();
        for file in &manifest.files {
            report.files += 1;
            report.rows += file.rows;
            report.bytes += file.bytes;
            owner.check_file(file, &by_hash, report)?;
        }
        check_tables(&run.id, manifest, report);
    }
    if let Some(checksums) = &run.checksums {
        owner.check_sums(run.manifest.as_ref(), checksums, report)?;
    }
    Ok(())
}

/// The run whose files are checked, and where.
struct Owner<'a> {
    out: &'a Path,
    id: &'a str,
}

impl Owner<'_> {
    fn check_file(
        &self,
        file: &FileEntry,
        by_hash: &BTreeMap<&str, &str>,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let mut tell = |kind, detail: &str| report.damage(Some(self.id), file.path.as_str(), kind, detail);
        let in_table = file.path.split_once('/').is_some_and(|(folder, _)| folder == file.table);
        let Some(path) = file.relative_path().filter(|_| in_table) else {
            tell(DamageKind::UnsafePath, "the path is not one of a file in its table's folder");
            return Ok(());
        };
        match standing(self.out, path)? {
            Standing::Nothing => tell(DamageKind::Missing, "the manifest names it"),
            Standing::Odd => {
                tell(
                    DamageKind::UnsafePath,
                    "it is no plain file, or a folder on the way is a symbolic link",
                );
            }
            Standing::Plain(bytes) if bytes < file.bytes => {
                tell(DamageKind::Cut, &format!("it has {bytes} bytes and had {}", file.bytes));
            }
            Standing::Plain(bytes) if bytes > file.bytes => {
                tell(DamageKind::Changed, &format!("it has {bytes} bytes and had {}", file.bytes));
            }
            Standing::Plain(_) => {
                let (hash, _) = sha256_of_file(&self.out.join(path))?;
                if hash != file.sha256 {
                    match by_hash.get(hash.as_str()) {
                        Some(other) => tell(DamageKind::Changed, &format!("it has the content of {other}")),
                        None => {
                            tell(
                                DamageKind::Changed,
                                &format!("its SHA-256 is {hash} and was {}", file.sha256),
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// `checksums.sha256` against the manifest; what only it lists, against the files.
    fn check_sums(
        &self,
        manifest: Option<&Manifest>,
        checksums: &BTreeMap<String, String>,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let list = format!("_runs/{}/checksums.sha256", self.id);
        let failed = format!("_runs/{}/failed.csv", self.id);
        let files = manifest.map(|manifest| manifest.files.as_slice()).unwrap_or_default();
        let in_manifest: BTreeMap<_, _> =
            files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
        for (path, hash) in &in_manifest {
            if checksums.get(*path).map(String::as_str) != Some(*hash) {
                let detail = format!("it and the manifest disagree on {path}");
                report.damage(Some(self.id), list.as_str(), DamageKind::Disagreement, detail);
            }
        }
        for (path, hash) in checksums.iter().filter(|(path, _)| !in_manifest.contains_key(path.as_str())) {
            if manifest.is_some() && *path != failed {
                let detail = format!("it lists {path}, which the manifest does not name");
                report.damage(Some(self.id), list.as_str(), DamageKind::Disagreement, detail);
                continue;
            }
            self.check_sum(path, hash, report)?;
        }
        let unlisted = !checksums.contains_key(&failed);
        if unlisted && !matches!(standing(self.out, Path::new(&failed))?, Standing::Nothing) {
            report.damage(Some(self.id), failed, DamageKind::Added, "checksums.sha256 does not list it");
        } else if unlisted && manifest.is_some_and(|manifest| manifest.contacts.failed > 0) {
            report.damage(Some(self.id), failed, DamageKind::Missing, "the manifest counts failed contacts");
        }
        Ok(())
    }

    fn check_sum(&self, path: &str, hash: &str, report: &mut Report) -> Result<(), StorageError> {
        let is_safe = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let standing = if is_safe { standing(self.out, Path::new(path))? } else { Standing::Odd };
        match standing {
            Standing::Nothing => {
                report.damage(Some(self.id), path, DamageKind::Missing, "checksums.sha256 lists it");
            }
            Standing::Odd => report.damage(
                Some(self.id),
                path,
                DamageKind::UnsafePath,
                "it is no plain file of the export",
            ),
            Standing::Plain(_) => {
                let (found, _) = sha256_of_file(&self.out.join(path))?;
                if found != hash {
                    let detail = format!("its SHA-256 is {found} and was {hash}");
                    report.damage(Some(self.id), path, DamageKind::Changed, detail);
                }
            }
        }
        Ok(())
    }
}

/// The rows of the tables against those of their files.
fn check_tables(id: &str, manifest: &Manifest, report: &mut Report) {
    for (table, entry) in &manifest.tables {
        let rows: u64 = manifest.files.iter().filter(|file| file.table == *table).map(|file| file.rows).sum();
        if rows != entry.rows {
            let detail = format!("{table} has {} rows, and its files have {rows}", entry.rows);
            report.damage(Some(id), format!("_runs/{id}/manifest.json"), DamageKind::RowCount, detail);
        }
    }
}

/// Finds the files in table folders that no manifest names.
pub(super) fn find_added(
    out: &Path,
    options: &VerifyOptions,
    runs: &Runs,
    report: &mut Report,
) -> Result<(), StorageError> {
    let manifests = runs.checked.iter().filter_map(|run| run.manifest.as_ref());
    let entries: Vec<&FileEntry> = manifests.flat_map(|manifest| &manifest.files).collect();
    let mut known: BTreeSet<&str> = entries.iter().map(|file| file.path.as_str()).collect();
    known.extend(runs.unfinished.iter().map(String::as_str));
    // Where a manifest is lost, the list beside it still says which files are the run's.
    let listed =
        runs.checked.iter().filter(|run| run.manifest.is_none()).filter_map(|run| run.checksums.as_ref());
    known.extend(listed.flat_map(BTreeMap::keys).map(String::as_str));
    let mut tables: BTreeSet<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    tables.insert("raw");
    tables
        .extend(entries.iter().filter(|file| file.relative_path().is_some()).map(|file| file.table.as_str()));
    let of_run = options.run.as_ref().map(|run| format!("part-{run}-"));
    for path in tables.into_iter().filter(|table| is_folder_name(table)).map(|table| list(out, table)) {
        for path in path? {
            let name = path.rsplit('/').next().unwrap_or_default();
            let is_asked_for = of_run.as_ref().is_none_or(|prefix| name.starts_with(prefix));
            let is_copy = name.starts_with(".part-") && !runs.unfinished.is_empty();
            if is_asked_for && !known.contains(path.as_str()) && !is_copy {
                report.damage(None, path, DamageKind::Added, "no manifest names it");
            }
        }
    }
    Ok(())
}

fn is_folder_name(table: &str) -> bool {
    !table.is_empty()
        && table.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !table.starts_with('_')
}

/// All files below a table's folder, symlinks too, relative to `out`, sorted.
pub(super) fn list(out: &Path, table: &str) -> Result<Vec<String>, StorageError> {
    let mut files = Vec::new();
    match fs::symlink_metadata(out.join(table)) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Ok(vec![table.to_owned()]),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(files);
        }
        Err(error) => return Err(StorageError::new("look at", &out.join(table), error)),
    }
    let mut folders = vec![table.to_owned()];
    while let Some(folder) = folders.pop() {
        let at = out.join(&folder);
        for entry in fs::read_dir(&at).on("list", &at)? {
            let entry = entry.on("list", &at)?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().on("look at", &entry.path())?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
