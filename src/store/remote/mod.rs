//! An export below a prefix of a bucket, in S3, Google Cloud Storage or Azure Blob Storage.
//!
//! ```text
//! [`address`]  s3://bucket/prefix, and what is wrong with other texts
//! [`connect`]  the client of a store, from the environment variables of the clouds' own tools
//! [`credentials`] those variables, and what helps without them
//! [`http`]     requests: https only, except to this machine; no redirects
//! [`error`]    errors as one sentence: what is wrong, and what to do
//! [`calls`]    single objects: read, create, replace, remove, list
//! [`early`]    staged files are transferred while the run still works
//! [`uploads`]  staged files: parts are transferred early and stay invisible; completing shows all files at once
//! [`upload_log`] the unfinished uploads of a run, in its work folder
//! ```
//!
//! Two answers of a store can be lost or wrong: a request may have been done although it failed, and a store may
//! report a conflict although nothing is there. So each failed conditional write is followed by a read, and the
//! content decides.

mod address;
mod calls;
mod connect;
mod credentials;
mod early;
mod error;
mod http;
mod runtime;
mod upload_log;
mod uploads;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, path};

use super::staged::{Between, CompletionError, StagedFile, StagingFolder};
use super::{Backend, Created, Hashed, Kind, Listed, Modified, Replaced, Version};
use crate::durable::{Content, Opened, StorageError};
use error::Failed;
use runtime::wait;

pub use address::AddressError;
pub use early::EarlyUploads;
pub(super) use error::is_setting;

/// Operations on objects and on multipart uploads.
pub trait Service: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> Service for T {}

/// How the content of an uploaded file is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// The store compares each part with a SHA-256 that is sent along.
    Checksums,
    /// The file is read back.
    ReadBack,
}

/// If the store honours the conditions of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditions {
    /// Writes are conditional.
    Honoured,
    /// The user says that no other writer exists, so writes need no conditions.
    NotNeeded,
}

/// A prefix of a bucket. A clone is the same prefix.
#[derive(Clone)]
pub(super) struct RemoteStore {
    service: Arc<dyn Service>,
    /// Path of the prefix in the bucket. It may be empty.
    prefix: path::Path,
    /// The URL, for messages.
    url: Arc<str>,
    integrity: Integrity,
    conditions: Conditions,
    /// Bytes of staged files that are to be transferred.
    bytes_left: BytesLeft,
    /// The transfers that a run has started.
    early: Arc<Mutex<Option<EarlyUploads>>>,
}

/// A number of bytes that many transfers count.
#[derive(Clone, Debug, Default)]
struct BytesLeft(Arc<AtomicU64>);

impl BytesLeft {
    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sub(&self, bytes: u64) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteStore({})", self.url)
    }
}

impl RemoteStore {
    /// Connects to the store of a URL. No request is sent yet.
    pub(super) fn connect(url: &str) -> Result<Self, AddressError> {
        let address = address::Address::parse(url)?;
        let (service, integrity) = connect::service(&address)?;
        let conditions = Conditions::Honoured;
        let url = address.url().into();
        Ok(Self {
            service,
            prefix: address.prefix,
            url,
            integrity,
            conditions,
            bytes_left: BytesLeft::default(),
            early: Arc::default(),
        })
    }

    /// A prefix of the given store, for tests.
    #[cfg(any(test, feature = "internals"))]
    pub(super) fn of_service(url: &str, service: Arc<dyn Service>, integrity: Integrity) -> Self {
        let prefix = address::Address::parse(url).map(|address| address.prefix).unwrap_or_default();
        let (conditions, bytes_left) = (Conditions::Honoured, BytesLeft::default());
        let (url, early) = (url.into(), Arc::default());
        Self { service, prefix, url, integrity, conditions, bytes_left, early }
    }

    /// The URL of the prefix.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The key of an object in the bucket; `None` if an object cannot have this path.
    fn key(&self, path: &Path) -> Option<path::Path> {
        let text = path.to_str()?;
        let is_plain = !text.is_empty() && !text.starts_with('/') && !text.chars().any(char::is_control);
        let whole = if self.prefix.is_root() { text.to_owned() } else { format!("{}/{text}", self.prefix) };
        is_plain.then(|| path::Path::parse(whole).ok()).flatten()
    }

    /// Adds the operation and the URL of the object to an error.
    fn failed(&self, action: &'static str, path: &Path) -> Failed {
        Failed { action, path: Path::new(&*self.url).join(path) }
    }
}

impl Backend for RemoteStore {
    fn unconditional(&self) -> Option<Arc<dyn Backend>> {
        Some(Arc::new(Self { conditions: Conditions::NotNeeded, ..self.clone() }))
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn is_folder(&self, path: &Path) -> Result<bool, StorageError> {
        let (store, path) = (self.clone(), path.to_owned());
        wait(async move { store.has_objects(&path).await })
    }

    fn kind(&self, path: &Path) -> Result<Kind, StorageError> {
        let (store, path) = (self.clone(), path.to_owned());
        wait(async move { store.head(&path).await })
    }

    fn modified(&self, path: &Path) -> Result<Option<Modified>, StorageError> {
        let (store, path) = (self.clone(), path.to_owned());
        wait(async move { store.last_modified(&path).await })
    }

    fn open(&self, path: &Path) -> Result<Opened, StorageError> {
        let (store, path) = (self.clone(), path.to_owned());
        wait(async move { store.download(&path).await })
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Content, StorageError> {
        self.read_version(path, limit).map(|(content, _)| content)
    }

    fn read_several(&self, paths: &[&Path], limit: u64) -> Result<Vec<Content>, StorageError> {
        let store = self.clone();
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        wait(async move { store.read_objects(paths, limit).await })
    }

    fn hash(&self, path: &Path) -> Result<Hashed, StorageError> {
        let (store, path) = (self.clone(), path.to_owned());
        wait(async move { store.hashed(&path).await })
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>, StorageError> {
        let (store, folder) = (self.clone(), folder.to_owned());
        wait(async move { store.listed(&folder).await })
    }

    fn loose_permissions(&self, _: &Path) -> Result<Option<String>, StorageError> {
        Ok(None)
    }

    fn prepare(&self, _: &Path) -> Result<(), StorageError> {
        Ok(()) // a store has no folders
    }

    fn create(&self, path: &Path, content: &[u8]) -> Result<Created, StorageError> {
        let (store, path, content) = (self.clone(), path.to_owned(), content.to_owned());
        wait(async move { store.create_object(&path, content.into()).await })
    }

    fn create_first(&self, path: &Path, content: &[u8]) -> Result<Created, StorageError> {
        self.create(path, content)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        let (store, path, content) = (self.clone(), path.to_owned(), content.to_owned());
        wait(async move { store.write_object(&path, content.into()).await })
    }

    fn read_version(&self, path: &Path, limit: u64) -> Result<(Content, Version), StorageError> {
        let (store, path) = (self.clone(), path.to_owned());
        wait(async move { store.read_object(&path, limit).await })
    }

    fn replace(&self, path: &Path, content: &[u8], version: &Version) -> Result<Replaced, StorageError> {
        let (store, path, content, version) =
            (self.clone(), path.to_owned(), content.to_owned(), version.clone());
        wait(async move { store.replace_object(&path, content.into(), version).await })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        let (store, from, to) = (self.clone(), from.to_owned(), to.to_owned());
        wait(async move { store.rename_object(&from, &to).await })
    }

    fn remove(&self, paths: &[&Path]) -> Result<(), StorageError> {
        let store = self.clone();
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        wait(async move { store.remove_objects(paths).await })
    }

    fn remove_empty_folders(&self, _: &BTreeSet<&Path>) -> Result<(), StorageError> {
        Ok(()) // a store has no folders
    }

    fn early_uploads(&self, from: StagingFolder) -> Result<Option<EarlyUploads>, StorageError> {
        let early = EarlyUploads::start(self, from)?;
        *self.early.lock().unwrap_or_else(PoisonError::into_inner) = Some(early.clone());
        Ok(Some(early))
    }

    fn bytes_left(&self) -> u64 {
        self.bytes_left.0.load(Ordering::Relaxed)
    }

    fn upload(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError> {
        let early = self.early.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(early) = early {
            early.finish();
        }
        let plan = uploads::Plan::new(self, from, files)?;
        wait(async move { plan.upload().await })
    }

    fn complete(
        &self,
        from: StagingFolder,
        files: &[StagedFile],
        between: Between,
    ) -> Result<(), CompletionError> {
        between("uploaded")?;
        let plan = uploads::Plan::new(self, from, files)?;
        wait(async move { plan.complete().await })?;
        Ok(between("files completed")?)
    }

    fn withdraw(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), StorageError> {
        let plan = uploads::Plan::new(self, from, files)?;
        wait(async move { plan.withdraw().await })
    }

    fn overwrite(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError> {
        let plan = uploads::Plan::overwriting(self, from, files)?;
        wait(async move { plan.complete().await })
    }
}
