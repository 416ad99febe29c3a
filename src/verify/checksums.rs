//! Checks the lists of a run: `checksums.sha256`, which follows from the manifest, `failed.csv` and
//! `not_found.csv`.

use std::collections::BTreeMap;
use std::path::Path;

use super::contact_lists::{self, List, ListError};
use super::content::{NOT_REGULAR, checksums_path};
use super::files::hash;
use super::runs::{Checksums, Run};
use super::{DamageKind, Report};
use crate::durable::{OnPath, Opened, StorageError};
use crate::output::manifest::Manifest;
use crate::store::Store;

/// Reports damage to the lists of a run.
pub(super) fn check(out: &Store, run: &Run, report: &mut Report) -> Result<(), StorageError> {
    let lists = Lists { out, id: &run.id, manifest: run.manifest.as_ref() };
    if let Some(checksums) = &run.checksums {
        let before = report.damages.len();
        lists.check_sums(checksums, report)?;
        if report.damages.len() == before && lists.manifest.is_some() {
            lists.check_text(checksums, report);
        }
    }
    List::ALL.into_iter().try_for_each(|list| lists.check_contacts(list, run.checksums.as_ref(), report))
}

/// A run whose lists are checked.
struct Lists<'a> {
    out: &'a Store,
    id: &'a str,
    manifest: Option<&'a Manifest>,
}

impl Lists<'_> {
    /// Compares the sums with the manifest, and files that only the sums list with their hashes.
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
        let own = List::ALL.map(|list| list.path(self.id));
        let others = checksums.sums.iter().filter(|(path, _)| !in_manifest.contains_key(path.as_str()));
        for (path, hash) in others {
            if self.manifest.is_some() && !own.contains(path) {
                let detail = format!("it lists {path}, which the manifest does not name");
                report.damage(Some(self.id), list.as_str(), DamageKind::Disagreement, detail);
            } else if let Some((kind, detail)) = self.fault(path, hash)? {
                report.damage(Some(self.id), path.as_str(), kind, detail);
            }
        }
        Ok(())
    }

    /// Returns path and hash of the state file, if the manifest names one.
    fn state(&self) -> Option<(&str, &str)> {
        let state = self.manifest?.state.as_ref()?;
        Some((state.path.as_str(), state.sha256.as_str()))
    }

    fn fault(&self, path: &str, sum: &str) -> Result<Option<(DamageKind, String)>, StorageError> {
        let is_safe = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_safe {
            return Ok(Some((DamageKind::UnsafePath, NOT_REGULAR.to_owned())));
        }
        Ok(match hash(self.out, Path::new(path), "checksums.sha256 lists it")? {
            Ok(found) if found == sum => None,
            Ok(found) => {
                let list = checksums_path(self.id);
                Some((DamageKind::Changed, format!("its SHA-256 is {found}, but {list} says {sum}")))
            }
            Err(fault) => Some(fault),
        })
    }

    /// Compares the text with the one that follows from the manifest. All sums must be correct.
    fn check_text(&self, checksums: &Checksums, report: &mut Report) {
        let files = self.manifest.map(|manifest| manifest.files.as_slice()).unwrap_or_default();
        let own = List::ALL.map(|list| list.path(self.id));
        let mut lines: Vec<(&str, &str)> =
            files.iter().map(|file| (file.sha256.as_str(), file.path.as_str())).collect();
        // The state file comes last.
        let listed = own.iter().filter_map(|path| Some((checksums.sums.get(path)?.as_str(), path.as_str())));
        lines.extend(listed);
        lines.extend(self.state().map(|(path, hash)| (hash, path)));
        let written: String = lines.iter().map(|(hash, path)| [*hash, "  ", *path, "\n"].concat()).collect();
        if written != checksums.text {
            let detail = "the order or form of its lines has changed";
            report.damage(Some(self.id), checksums_path(self.id), DamageKind::Changed, detail);
        }
    }

    /// Checks a list of contacts. It must exist and be listed exactly if there are such contacts, and have one
    /// line for each of them.
    fn check_contacts(
        &self,
        list: List,
        checksums: Option<&Checksums>,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let path = list.path(self.id);
        let is_listed = checksums.map(|checksums| checksums.sums.contains_key(&path));
        let opened = self.out.open(&path)?;
        let expected = self.manifest.map(|manifest| list.counted(manifest));
        let is_required = self.manifest.is_some_and(|manifest| list.is_required(manifest));
        let words = list.words();
        let mut add_damage =
            |path: &str, kind, detail: &str| report.damage(Some(self.id), path, kind, detail);
        match (opened, expected) {
            (Opened::Missing, Some(0) | None) => {}
            // A file that is listed and missing is already reported.
            (Opened::Missing, Some(_)) if is_listed == Some(true) => {}
            (Opened::Missing, Some(_)) if !is_required => {}
            (Opened::Missing, Some(_)) => {
                let detail = format!("it is missing, but the manifest counts contacts as {words}");
                add_damage(&path, DamageKind::Missing, &detail);
            }
            (Opened::NotRegular, _) if is_listed == Some(true) => {}
            (Opened::NotRegular, _) => add_damage(&path, DamageKind::UnsafePath, NOT_REGULAR),
            (Opened::File(..), Some(0)) => {
                let detail = format!("the manifest counts no contacts as {words}");
                add_damage(&path, DamageKind::Added, &detail);
            }
            (Opened::File(..), None) if is_listed == Some(false) => {
                add_damage(&path, DamageKind::Added, "checksums.sha256 does not list it");
            }
            (Opened::File(..), None) => {}
            (Opened::File(file, _), Some(expected)) => {
                if is_listed == Some(false) {
                    let detail = format!("it does not list {path}");
                    add_damage(&checksums_path(self.id), DamageKind::Disagreement, &detail);
                }
                match contact_lists::read(file, &mut |_| (), &mut |_| ()) {
                    Ok(contacts) if contacts == expected => {}
                    Ok(contacts) => {
                        let detail = format!(
                            "it has {contacts} contacts, but the manifest counts {expected} as {words}"
                        );
                        add_damage(&path, DamageKind::RowCount, &detail);
                    }
                    Err(ListError::Read(error)) => return Err(error).on("read", &self.out.join(&path)),
                    Err(error @ ListError::Line { .. }) => {
                        add_damage(&path, DamageKind::Unreadable, &error.to_string());
                    }
                }
            }
        }
        Ok(())
    }
}
