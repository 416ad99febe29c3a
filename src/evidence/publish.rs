//! The path of a package: made beside it, then renamed.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::ZipArchive;

use super::bag::INFO;
use super::custody::CUSTODY;
use super::make::ID_LABEL;
use super::{EvidenceError, EvidencePlan, PackageForm, zip_file};
use crate::durable::{self, OnPath, Opened};

/// First file of a package that is being made. Its folder may be discarded.
const MARK: &str = ".chatzy-evidence";
/// Maximum size of a file that is read from a package.
const MAX_CONTENT: u64 = 64 << 20;

/// The path of a package.
pub(super) struct Target<'a> {
    out: &'a Path,
    form: PackageForm,
    /// The mark of the unfinished package, locked.
    lock: RefCell<Option<File>>,
}

/// The object at the path.
pub(super) enum Existing {
    Nothing,
    /// The same package, with its custody record.
    Same(Value),
}

impl<'a> Target<'a> {
    pub(super) fn new(plan: &'a EvidencePlan) -> Self {
        Self { out: &plan.out, form: plan.form, lock: RefCell::default() }
    }

    fn partial(&self) -> PathBuf {
        with_suffix(self.out, ".partial")
    }

    /// Inspects the path. An empty folder counts as nothing.
    ///
    /// # Errors
    /// If it has something else than this package.
    pub(super) fn existing(&self, id: &str) -> Result<Existing, EvidenceError> {
        let kind = match std::fs::symlink_metadata(self.out) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Existing::Nothing),
            Err(error) => return Err(error).on("inspect", self.out).map_err(Into::into),
        };
        let found = match self.form {
            PackageForm::Folder if kind.is_dir() => {
                if std::fs::read_dir(self.out).on("list", self.out)?.next().is_none() {
                    return Ok(Existing::Nothing);
                }
                [INFO, CUSTODY].map(|name| self.read(name))
            }
            PackageForm::Zip if kind.is_file() => [INFO, CUSTODY].map(|name| self.read(name)),
            _ => [None, None],
        };
        let [Some(info), Some(custody)] = found else { return Err(self.exists()) };
        let line = format!("{ID_LABEL}: {id}");
        let custody = serde_json::from_slice(&custody).map_err(|_| self.exists())?;
        let is_same = String::from_utf8_lossy(&info).lines().any(|found| found == line);
        if is_same { Ok(Existing::Same(custody)) } else { Err(self.exists()) }
    }

    /// Returns the error of another object at the path.
    pub(super) fn exists(&self) -> EvidenceError {
        EvidenceError::Exists { path: self.out.to_owned() }
    }

    /// Returns the content of a file of the finished package; `None` if it cannot be read.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        match self.form {
            PackageForm::Folder => content(File::open(self.out.join(name)).ok()?),
            PackageForm::Zip => content_in_zip(self.out, name),
        }
    }

    /// Adds files to the finished package, in this order. In a ZIP file, they are there together or not at all.
    pub(super) fn add(&self, files: &[(String, Vec<u8>)]) -> Result<(), EvidenceError> {
        match self.form {
            PackageForm::Folder => {
                for (name, content) in files {
                    durable::replace(&self.out.join(name), content)?;
                }
                Ok(())
            }
            PackageForm::Zip => {
                let packed = with_suffix(self.out, ".partial.zip");
                durable::remove_file(&packed)?;
                zip_file::add(self.out, &packed, &name(self.out), files)?;
                durable::rename(&packed, self.out)?;
                Ok(durable::sync_dir(&self.parent())?)
            }
        }
    }

    fn parent(&self) -> PathBuf {
        match self.out.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// Creates the folder in which the package is made. An unfinished package is discarded.
    pub(super) fn begin(&self) -> Result<PathBuf, EvidenceError> {
        let partial = self.partial();
        let mark = partial.join(MARK);
        let lock = match durable::open(&mark)? {
            Opened::File(file, _) => self.lock(file)?,
            Opened::NotRegular => return Err(EvidenceError::Exists { path: partial }),
            Opened::Missing => {
                if std::fs::read_dir(&partial).is_ok_and(|mut found| found.next().is_some()) {
                    return Err(EvidenceError::Exists { path: partial });
                }
                durable::create_dir_all(&partial)?;
                self.lock(durable::create_new(&mark)?)?
            }
        };
        self.lock.replace(Some(lock));
        clear(&partial)?;
        Ok(partial)
    }

    /// Locks the mark of an unfinished package until the end of the process.
    fn lock(&self, mark: File) -> Result<File, EvidenceError> {
        match mark.try_lock() {
            // Where the file system has no locks, two commands at once are up to the user.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(mark),
            Err(TryLockError::WouldBlock) => Err(EvidenceError::Busy { path: self.out.to_owned() }),
        }
    }

    /// Gives the package its name.
    pub(super) fn finish(&self) -> Result<(), EvidenceError> {
        let (partial, parent) = (self.partial(), self.parent());
        match self.form {
            PackageForm::Folder => {
                durable::remove_dir_if_empty(self.out);
                durable::rename(&partial, self.out)?;
                durable::sync_dir(&parent)?;
                // Last, so that the folder is known as unfinished until it has its name.
                durable::remove_file(&self.out.join(MARK))?;
                Ok(durable::sync_dir(self.out)?)
            }
            PackageForm::Zip => {
                let packed = with_suffix(self.out, ".partial.zip");
                durable::remove_file(&packed)?;
                zip_file::write(&partial, &packed, &name(self.out), MARK)?;
                durable::rename(&packed, self.out)?;
                durable::sync_dir(&parent)?;
                clear(&partial)?;
                Ok(durable::remove_tree(&partial)?)
            }
        }
    }

    /// Removes the mark that a killed command left in a finished package, or the folder that it left beside a ZIP file.
    pub(super) fn tidy(&self) -> Result<(), EvidenceError> {
        match self.form {
            PackageForm::Folder => Ok(durable::remove_file(&self.out.join(MARK))?),
            PackageForm::Zip => {
                let partial = self.partial();
                if let Opened::File(mark, _) = durable::open(&partial.join(MARK))? {
                    let _lock = self.lock(mark)?;
                    clear(&partial)?;
                    durable::remove_tree(&partial)?;
                }
                Ok(())
            }
        }
    }
}

/// Removes everything but the mark, which stays until the last.
fn clear(partial: &Path) -> Result<(), EvidenceError> {
    for entry in std::fs::read_dir(partial).on("list", partial)? {
        let entry = entry.on("list", partial)?;
        let path = entry.path();
        if entry.file_name() == MARK {
            continue;
        }
        if entry.file_type().on("inspect", &path)?.is_dir() {
            durable::remove_tree(&path)?;
        } else {
            durable::remove_file(&path)?;
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the name of the folder in a ZIP file: `case` for `case.zip`.
fn name(out: &Path) -> String {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = stem.chars().map(safe).collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "package".to_owned() } else { name.to_owned() }
}

/// Returns the content of a file of a package; `None` if it cannot be read.
fn content(file: impl Read) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    file.take(MAX_CONTENT).read_to_end(&mut content).ok()?;
    Some(content)
}

fn content_in_zip(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(File::open(path).ok()?).ok()?;
    let names: Vec<String> = archive.file_names().flatten().map(String::from).collect();
    let name = names.into_iter().find(|found| found.split_once('/').is_some_and(|(_, path)| path == name))?;
    content(archive.by_name(&name).ok()?)
}
