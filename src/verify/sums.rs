//! Checks what stands beside a manifest: `checksums.sha256`, which follows from it, and `failed.csv`.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{Standing, standing};
use super::runs::{Checksums, Content, NO_PLAIN_FILE, Run, checksums_path, failed_path, read_content};
use super::{DamageKind, Report};
use crate::digest::sha256_of_file;
use crate::durable::StorageError;
use crate::output::manifest::Manifest;

/// Checks the lists of a run.
pub(super) fn check(out: &Path, run: &Run, report: &mut Report) -> Result<(), StorageError> {
    let lists = Lists { out, id: &run.id, manifest: run.manifest.as_ref() };
    if let Some(checksums) = &run.checksums {
        let before = report.damages.len();
        lists.check_sums(checksums, report)?;
        if report.damages.len() == before && lists.manifest.is_some() {
            lists.check_text(checksums, report);
        }
    }
    lists.check_failed(run.checksums.as_ref(), report)
}

/// The lists of one run.
struct Lists<'a> {
    out: &'a Path,
    id: &'a str,
    manifest: Option<&'a Manifest>,
}

impl Lists<'_> {
    /// The sums against the manifest; what only they list, against the files.
    fn check_sums(&self, checksums: &Checksums, report: &mut Report) -> Result<(), StorageError> {
        let list = checksums_path(self.id);
        let files = self.manifest.map(|manifest| manifest.files.as_slice()).unwrap_or_default();
        let in_manifest: BTreeMap<_, _> =
            files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).chain(self.state()).collect();
        for (path, hash) in &in_manifest {
            if checksums.sums.get(*path).map(String::as_str) != Some(*hash) {
                let detail = format!("it and the manifest disagree on {path}");
                report.damage(Some(self.id), list.as_str(), DamageKind::Disagreement, detail);
            }
        }
        let failed = failed_path(self.id);
        let others = checksums.sums.iter().filter(|(path, _)| !in_manifest.contains_key(path.as_str()));
        for (path, hash) in others {
            if self.manifest.is_some() && *path != failed {
                let detail = format!("it lists {path}, which the manifest does not name");
                report.damage(Some(self.id), list.as_str(), DamageKind::Disagreement, detail);
            } else if let Some((kind, detail)) = self.fault(path, hash)? {
                report.damage(Some(self.id), path.as_str(), kind, detail);
            }
        }
        Ok(())
    }

    /// The state's path and hash, if the manifest names one.
    fn state(&self) -> Option<(&str, &str)> {
        let state = self.manifest?.state.as_ref()?;
        Some((state.path.as_str(), state.sha256.as_str()))
    }

    fn fault(&self, path: &str, hash: &str) -> Result<Option<(DamageKind, String)>, StorageError> {
        let is_safe = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let standing = if is_safe { standing(self.out, Path::new(path))? } else { Standing::Odd };
        Ok(match standing {
            Standing::Nothing => Some((DamageKind::Missing, "checksums.sha256 lists it".to_owned())),
            Standing::Odd => Some((DamageKind::UnsafePath, NO_PLAIN_FILE.to_owned())),
            Standing::Plain(_) => match sha256_of_file(&self.out.join(path))?.0 {
                found if found == hash => None,
                found => {
                    let list = checksums_path(self.id);
                    Some((DamageKind::Changed, format!("its SHA-256 is {found}, and {list} says {hash}")))
                }
            },
        })
    }

    /// All sums are right: then the text is what follows from the manifest, byte for byte.
    fn check_text(&self, checksums: &Checksums, report: &mut Report) {
        let files = self.manifest.map(|manifest| manifest.files.as_slice()).unwrap_or_default();
        let failed = failed_path(self.id);
        let mut lines: Vec<(&str, &str)> =
            files.iter().map(|file| (file.sha256.as_str(), file.path.as_str())).collect();
        // The state stands last.
        lines.extend(checksums.sums.get(&failed).map(|hash| (hash.as_str(), failed.as_str())));
        lines.extend(self.state().map(|(path, hash)| (hash, path)));
        let written: String = lines.iter().map(|(hash, path)| [*hash, "  ", *path, "\n"].concat()).collect();
        if written != checksums.text {
            let detail = "its lines are not in the order, or not in the form, in which they were written";
            report.damage(Some(self.id), checksums_path(self.id), DamageKind::Changed, detail);
        }
    }

    /// `failed.csv` is there, and listed, exactly if contacts have failed, and has a line for each of them.
    fn check_failed(&self, checksums: Option<&Checksums>, report: &mut Report) -> Result<(), StorageError> {
        let path = failed_path(self.id);
        let is_listed = checksums.map(|checksums| checksums.sums.contains_key(&path));
        let content = read_content(self.out, &path)?;
        let expected = self.manifest.map(|manifest| manifest.contacts.failed);
        let mut tell = |path: &str, kind, detail: &str| report.damage(Some(self.id), path, kind, detail);
        match (content, expected) {
            (Content::Nothing, Some(0) | None) => {}
            // What is listed and missing was told of above.
            (Content::Nothing, Some(_)) if is_listed == Some(true) => {}
            (Content::Nothing, Some(_)) => {
                tell(&path, DamageKind::Missing, "the manifest counts failed contacts");
            }
            (Content::Odd, _) if is_listed == Some(true) => {}
            (Content::Odd, _) => tell(&path, DamageKind::UnsafePath, NO_PLAIN_FILE),
            (Content::Plain(_), Some(0)) => {
                tell(&path, DamageKind::Added, "the manifest counts no failed contact");
            }
            (Content::Plain(_), None) if is_listed == Some(false) => {
                tell(&path, DamageKind::Added, "checksums.sha256 does not list it");
            }
            (Content::Plain(_), None) => {}
            (Content::Plain(text), Some(expected)) => {
                if is_listed == Some(false) {
                    let detail = format!("it does not list {path}");
                    tell(&checksums_path(self.id), DamageKind::Disagreement, &detail);
                }
                match lines(&text) {
                    Ok(lines) if lines == expected => {}
                    Ok(lines) => {
                        let detail =
                            format!("it has {lines} contacts, and the manifest counts {expected} as failed");
                        tell(&path, DamageKind::RowCount, &detail);
                    }
                    Err(error) => tell(&path, DamageKind::Unreadable, &error.to_string()),
                }
            }
        }
        Ok(())
    }
}

fn lines(text: &[u8]) -> Result<u64, csv::Error> {
    let mut reader = csv::Reader::from_reader(text);
    reader.byte_records().try_fold(0, |lines, record| record.map(|_| lines + 1))
}
