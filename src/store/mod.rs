//! The location of an export: a folder of this machine, or a prefix of a bucket in an object store.
//!
//! Paths are relative to that location and have only plain components. Code above this module does not know which
//! kind of location it works on. [`local`] uses [`crate::durable`].
//!
//! Others may write to it too. So only regular files count, and no symbolic link below it is followed.
//!
//! Layer 1: uses `durable` and `digest`.

mod local;
mod remote;
mod staged;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Display, Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::durable::{Content, Opened, StorageError};
use local::LocalStore;
use remote::RemoteStore;

pub use remote::{AddressError, EarlyUploads};
#[cfg(any(test, feature = "internals"))]
pub use remote::{Integrity, Service};
pub use staged::{Between, CompletionError, StagedFile, StagingFolder, Stopped, UPLOADS};
#[cfg(test)]
pub(crate) use tests::faults;

/// Number of files that a caller reads together, so that memory stays bounded. In an object store, they are requested at once.
pub const READ_AT_ONCE: usize = 16;

/// The location of an export. A clone is the same location.
#[derive(Clone)]
pub struct Store {
    /// The folder or URL, for messages.
    root: PathBuf,
    backend: Arc<dyn Backend>,
}

/// The object at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is nothing.
    Missing,
    /// A regular file of this size.
    File(u64),
    /// Another kind of file, or a symbolic link in the path.
    NotRegular,
}

/// Result of hashing a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hashed {
    /// The SHA-256 of a regular file, as hexadecimal digits.
    Sha256(String),
    /// There is no file.
    Missing,
    /// Another kind of file, or a symbolic link in the path.
    NotRegular,
}

/// An object below a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Path relative to the location.
    pub path: String,
    /// False for a symbolic link, which is not followed, and other kinds of files.
    pub is_regular: bool,
    /// Time of the last change, if it is known.
    pub modified: Option<DateTime<Utc>>,
}

/// Result of creating a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The file has this content now: it was created, or had the content before.
    Written,
    /// Another file has the path.
    Foreign,
}

/// The version of a file that was read. It is empty if there was no file, and in a folder of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version(Option<object_store::UpdateVersion>);

/// Time of the last change of a file, by the clock of the location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Modified(pub DateTime<Utc>);

/// Result of replacing a version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The file has the new content.
    Written,
    /// Another writer has changed the file.
    Conflict,
}

/// Operations of one kind of location.
trait Backend: Send + Sync {
    fn unconditional(&self) -> Option<Arc<dyn Backend>>;
    fn folder(&self) -> Option<&Path>;
    fn is_folder(&self, path: &Path) -> Result<bool, StorageError>;
    fn kind(&self, path: &Path) -> Result<Kind, StorageError>;
    fn modified(&self, path: &Path) -> Result<Option<Modified>, StorageError>;
    fn open(&self, path: &Path) -> Result<Opened, StorageError>;
    fn read(&self, path: &Path, limit: u64) -> Result<Content, StorageError>;
    fn read_several(&self, paths: &[&Path], limit: u64) -> Result<Vec<Content>, StorageError>;
    fn hash(&self, path: &Path) -> Result<Hashed, StorageError>;
    fn list(&self, folder: &str) -> Result<Vec<Listed>, StorageError>;
    fn loose_permissions(&self, path: &Path) -> Result<Option<String>, StorageError>;
    fn prepare(&self, folder: &Path) -> Result<(), StorageError>;
    fn create(&self, path: &Path, content: &[u8]) -> Result<Created, StorageError>;
    fn create_first(&self, path: &Path, content: &[u8]) -> Result<Created, StorageError>;
    fn write(&self, path: &Path, content: &[u8]) -> Result<(), StorageError>;
    fn read_version(&self, path: &Path, limit: u64) -> Result<(Content, Version), StorageError>;
    fn replace(&self, path: &Path, content: &[u8], version: &Version) -> Result<Replaced, StorageError>;
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError>;
    fn remove(&self, paths: &[&Path]) -> Result<(), StorageError>;
    fn remove_empty_folders(&self, folders: &BTreeSet<&Path>) -> Result<(), StorageError>;
    fn early_uploads(&self, from: StagingFolder) -> Result<Option<EarlyUploads>, StorageError>;
    fn bytes_left(&self) -> u64;
    fn upload(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError>;
    fn complete(
        &self,
        from: StagingFolder,
        files: &[StagedFile],
        between: Between,
    ) -> Result<(), CompletionError>;
    fn withdraw(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), StorageError>;
    fn overwrite(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError>;
}

impl Store {
    /// A folder, which may be missing.
    pub fn local(folder: &Path) -> Self {
        Self { root: folder.to_owned(), backend: Arc::new(LocalStore::new(folder)) }
    }

    /// A prefix in an object store. No request is sent yet.
    ///
    /// # Errors
    /// If the URL has another form, or the client of the store cannot be set up.
    pub fn remote(url: &str) -> Result<Self, AddressError> {
        Ok(Self::of_remote(RemoteStore::connect(url)?))
    }

    /// A prefix in the given object store, for tests.
    #[cfg(any(test, feature = "internals"))]
    pub fn of_service(url: &str, service: Arc<dyn Service>, integrity: Integrity) -> Self {
        Self::of_remote(RemoteStore::of_service(url, service, integrity))
    }

    fn of_remote(remote: RemoteStore) -> Self {
        Self { root: PathBuf::from(remote.url()), backend: Arc::new(remote) }
    }

    /// The same location, written to without conditions: the user says that no other writer exists.
    #[must_use]
    pub fn unconditional(&self) -> Self {
        Self {
            root: self.root.clone(),
            backend: self.backend.unconditional().unwrap_or_else(|| Arc::clone(&self.backend)),
        }
    }

    /// Returns the folder or URL, for messages.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder or URL as a word of a command line.
    pub fn as_os_str(&self) -> &OsStr {
        self.root.as_os_str()
    }

    /// Displays the folder or URL.
    pub fn display(&self) -> Display<'_> {
        self.root.display()
    }

    /// Appends a path to the folder or URL, for messages.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Returns the folder, if the location is one on this machine.
    pub fn folder(&self) -> Option<&Path> {
        self.backend.folder()
    }

    /// True if the folder exists. In an object store, a folder exists if an object is in it. An empty path is
    /// the location itself.
    ///
    /// # Errors
    /// If it is something else, or cannot be inspected.
    pub fn is_folder(&self, path: impl AsRef<Path>) -> Result<bool, StorageError> {
        self.backend.is_folder(path.as_ref())
    }

    /// Returns the kind of the object at the path.
    ///
    /// # Errors
    /// If it cannot be inspected.
    pub fn kind(&self, path: impl AsRef<Path>) -> Result<Kind, StorageError> {
        self.backend.kind(path.as_ref())
    }

    /// Returns the time of the last change of a file; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be inspected.
    pub fn modified(&self, path: impl AsRef<Path>) -> Result<Option<Modified>, StorageError> {
        self.backend.modified(path.as_ref())
    }

    /// Opens a regular file for reading. An object is first downloaded to a temporary file, which vanishes when
    /// it is closed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Opened, StorageError> {
        self.backend.open(path.as_ref())
    }

    /// Reads a file if it has at most `limit` bytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, path: impl AsRef<Path>, limit: u64) -> Result<Content, StorageError> {
        self.backend.read(path.as_ref(), limit)
    }

    /// Reads each of the files as [`Self::read`] does, in their order. All contents are in memory together, so callers read
    /// [`READ_AT_ONCE`].
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn read_several(&self, paths: &[&Path], limit: u64) -> Result<Vec<Content>, StorageError> {
        self.backend.read_several(paths, limit)
    }

    /// Hashes a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn hash(&self, path: impl AsRef<Path>) -> Result<Hashed, StorageError> {
        self.backend.hash(path.as_ref())
    }

    /// Returns everything below a folder except folders, sorted by path. If there is another object in place of
    /// the folder, it is the only one.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub fn list(&self, folder: &str) -> Result<Vec<Listed>, StorageError> {
        self.backend.list(folder)
    }

    /// Describes the permissions of a file or folder that users other than its owner may access. The access to
    /// objects of a bucket is set in the bucket.
    ///
    /// # Errors
    /// If it cannot be inspected.
    pub fn loose_permissions(&self, path: impl AsRef<Path>) -> Result<Option<String>, StorageError> {
        self.backend.loose_permissions(path.as_ref())
    }

    /// Creates the location if it is missing. Checks that the folder below it contains no symbolic link.
    ///
    /// # Errors
    /// If it cannot be created, or contains a link.
    pub fn prepare(&self, folder: impl AsRef<Path>) -> Result<(), StorageError> {
        self.backend.prepare(folder.as_ref())
    }

    /// Creates a file with this content, and the folders in its path. Readers see the whole file or none. An
    /// existing file stays. In a folder of this machine the lock of the export prevents other changes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(&self, path: impl AsRef<Path>, content: &[u8]) -> Result<Created, StorageError> {
        self.backend.create(path.as_ref(), content)
    }

    /// Creates a file as [`Self::create`] does. In a folder of this machine, too, another program may create it at the
    /// same moment, without the lock of the export.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create_first(&self, path: impl AsRef<Path>, content: &[u8]) -> Result<Created, StorageError> {
        self.backend.create_first(path.as_ref(), content)
    }

    /// Writes a file that only this run writes. Readers see either the old or the new content.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>, content: &[u8]) -> Result<(), StorageError> {
        self.backend.write(path.as_ref(), content)
    }

    /// Reads a file that [`Self::replace`] will replace.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_version(
        &self,
        path: impl AsRef<Path>,
        limit: u64,
    ) -> Result<(Content, Version), StorageError> {
        self.backend.read_version(path.as_ref(), limit)
    }

    /// Replaces a file, if it still has the version that was read. In a folder of this machine the lock of the
    /// export prevents other changes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn replace(
        &self,
        path: impl AsRef<Path>,
        content: &[u8],
        version: &Version,
    ) -> Result<Replaced, StorageError> {
        self.backend.replace(path.as_ref(), content, version)
    }

    /// Gives a file another name in its folder. An interruption may leave both. Does nothing if there is no such
    /// file.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), StorageError> {
        self.backend.rename(from.as_ref(), to.as_ref())
    }

    /// Removes files. A missing file is not an error.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn remove(&self, paths: &[&Path]) -> Result<(), StorageError> {
        self.backend.remove(paths)
    }

    /// Removes those of the folders that are empty, after files in them were removed.
    ///
    /// # Errors
    /// If a removal cannot be made durable.
    pub fn remove_empty_folders(&self, folders: &BTreeSet<&Path>) -> Result<(), StorageError> {
        self.backend.remove_empty_folders(folders)
    }

    /// Starts to transfer staged files as they are completed, without making them visible. There is nothing to
    /// transfer into a folder of this machine.
    ///
    /// # Errors
    /// If the record of earlier transfers cannot be read.
    pub fn early_uploads(&self, from: StagingFolder) -> Result<Option<EarlyUploads>, StorageError> {
        self.backend.early_uploads(from)
    }

    /// Returns the bytes of staged files that are known to be transferred still.
    pub fn bytes_left(&self) -> u64 {
        self.backend.bytes_left()
    }

    /// Transfers staged files without making them visible. What was transferred before an interruption is not
    /// transferred again. Does nothing in a folder of this machine.
    ///
    /// # Errors
    /// If a file cannot be transferred.
    pub fn upload(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError> {
        self.backend.upload(from, files)
    }

    /// Makes staged files visible at their paths. It may be repeated. It never replaces another file.
    ///
    /// # Errors
    /// If a file cannot be published.
    pub fn complete(
        &self,
        from: StagingFolder,
        files: &[StagedFile],
        between: Between,
    ) -> Result<(), CompletionError> {
        self.backend.complete(from, files, between)
    }

    /// Undoes [`Self::upload`] and [`Self::complete`]. Files with other content stay.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn withdraw(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), StorageError> {
        self.backend.withdraw(from, files)
    }

    /// Puts staged files in the place of files with the same paths. Readers see either the old or the new content of
    /// each.
    ///
    /// # Errors
    /// If a file cannot be replaced.
    pub fn overwrite(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError> {
        self.backend.overwrite(from, files)
    }
}

/// True if the error is about the settings of an object store, such as missing credentials.
pub fn is_setting(error: &StorageError) -> bool {
    remote::is_setting(&error.source)
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.root.display())
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Store {}
