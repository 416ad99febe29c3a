//! Publishes staged files: transfers their parts, and completes all uploads when the run is committed.
//!
//! An upload is invisible until it is completed, so parts may be transferred long before. Every file is an upload,
//! however small. Completing is repeated after an interruption: the size and content of an object that is there
//! already decide if it is the file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::multipart::PartId;
use object_store::{Error, PutPayload};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, Semaphore};

use super::upload_log::{Upload, UploadLog};
use super::{Integrity, RemoteStore};
use crate::digest::hex;
use crate::durable::{self, Opened, StorageError};
use crate::store::staged::{CompletionError, StagedFile, StagingFolder, UPLOADS};
use crate::store::{Hashed, Kind};

/// Bytes of a part. S3 requires 5 MiB, and allows 10,000 parts: files may have 80 GiB.
const PART_BYTES: usize = 8 << 20;
/// Maximum number of parts in memory at once.
const PARTS_AT_ONCE: usize = 5;
/// Number of files that are transferred at once. Small files are limited by the time of a response.
pub(super) const FILES_AT_ONCE: usize = 8;
/// Number of uploads that are completed at once.
const COMPLETED_AT_ONCE: usize = 16;
/// Maximum number of attempts to transfer or complete a file. The client repeats each request, too.
const MAX_ATTEMPTS: u32 = 4;

/// Staged files and the store to which they go.
pub(super) struct Plan {
    store: RemoteStore,
    stage: PathBuf,
    work: PathBuf,
    files: Vec<OwnedFile>,
    log: Mutex<UploadLog>,
    parts: Semaphore,
    existing: ExistingObject,
}

/// Treatment of an object that is in the place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExistingObject {
    /// It stays, and the file is not published.
    Keep,
    /// The file replaces it.
    Replace,
}

/// A staged file.
#[derive(Clone, Debug)]
pub(super) struct OwnedFile {
    path: PathBuf,
    bytes: u64,
    sha256: String,
}

impl OwnedFile {
    pub(super) fn of(file: &StagedFile) -> Self {
        Self { path: file.path.to_owned(), bytes: file.bytes, sha256: file.sha256.to_owned() }
    }

    fn staged(&self) -> StagedFile<'_> {
        StagedFile { path: &self.path, bytes: self.bytes, sha256: &self.sha256 }
    }
}

impl Plan {
    /// Reads the log of earlier attempts.
    pub(super) fn new(
        store: &RemoteStore,
        from: StagingFolder,
        files: &[StagedFile],
    ) -> Result<Arc<Self>, StorageError> {
        Self::with(store, from, files, ExistingObject::Keep)
    }

    /// Like [`Self::new`], for files that replace objects.
    pub(super) fn overwriting(
        store: &RemoteStore,
        from: StagingFolder,
        files: &[StagedFile],
    ) -> Result<Arc<Self>, StorageError> {
        Self::with(store, from, files, ExistingObject::Replace)
    }

    fn with(
        store: &RemoteStore,
        from: StagingFolder,
        files: &[StagedFile],
        existing: ExistingObject,
    ) -> Result<Arc<Self>, StorageError> {
        Ok(Arc::new(Self {
            store: store.clone(),
            stage: from.stage.to_owned(),
            work: from.work.to_owned(),
            files: files.iter().map(OwnedFile::of).collect(),
            log: Mutex::new(UploadLog::read(from.work)?),
            parts: Semaphore::new(PARTS_AT_ONCE),
            existing,
        }))
    }

    /// Transfers all files that are not transferred yet.
    pub(super) async fn upload(self: Arc<Self>) -> Result<(), CompletionError> {
        let mut files = Vec::new();
        for file in &self.files {
            if !self.is_transferred(file).await {
                self.store.bytes_left.add(file.bytes);
                files.push(file.clone());
            }
        }
        let transfer = |file: OwnedFile| {
            let plan = Arc::clone(&self);
            async move { plan.transfer(&file).await.map(drop) }
        };
        stream::iter(files).map(transfer).buffer_unordered(FILES_AT_ONCE).try_collect().await
    }

    /// Transfers a file that was counted as left, unless it is transferred already.
    pub(super) async fn transfer_once(&self, file: &OwnedFile) -> Result<(), CompletionError> {
        if self.is_transferred(file).await {
            self.store.bytes_left.sub(file.bytes);
            return Ok(());
        }
        self.transfer(file).await.map(drop)
    }

    /// Does not transfer a file that was counted as left.
    pub(super) fn skip(&self, file: &OwnedFile) {
        self.store.bytes_left.sub(file.bytes);
    }

    async fn is_transferred(&self, file: &OwnedFile) -> bool {
        let log = self.log.lock().await;
        log.of(&file.path).is_some_and(|upload| upload.is_of(&file.staged()) && upload.parts.is_some())
    }

    /// Transfers a file that was counted as left. Returns its upload and the parts.
    async fn transfer(&self, file: &OwnedFile) -> Result<(String, Vec<PartId>), CompletionError> {
        let mut attempt = 1;
        loop {
            let mut left = file.bytes;
            let ended = self.try_transfer(file, &mut left).await;
            match ended {
                Err(CompletionError::Storage(error)) if attempt < MAX_ATTEMPTS && is_of_store(&error) => {
                    self.store.bytes_left.add(file.bytes - left);
                    pause(attempt).await;
                    attempt += 1;
                }
                ended => {
                    self.store.bytes_left.sub(left);
                    return ended;
                }
            }
        }
    }

    async fn try_transfer(
        &self,
        file: &OwnedFile,
        left: &mut u64,
    ) -> Result<(String, Vec<PartId>), CompletionError> {
        let path = &file.path;
        let Some(key) = self.store.key(path) else {
            return Err(self.store.failed("upload", path).by_path().into());
        };
        let before = self.log.lock().await.of(path).map(|upload| upload.id.clone());
        if let Some(id) = before {
            // An upload that cannot be removed costs space, but is invisible.
            drop(self.store.service.abort_multipart(&key, &id).await);
        }
        let staged = self.stage.join(path);
        let missing = || CompletionError::Missing { path: staged.clone() };
        let mut content = match durable::open(&staged)? {
            Opened::File(content, size) if size == file.bytes => content,
            _ => return Err(missing()),
        };
        let failed = |error: Error| self.store.failed("upload", path).by(&error);
        let id = self.store.service.create_multipart(&key).await.map_err(failed)?;
        self.add_to_log(file, &id, None).await?;
        let (mut parts, mut hasher) = (Vec::new(), Sha256::new());
        loop {
            let permit = self.parts.acquire().await;
            let part = read_part(&mut content).map_err(|error| StorageError::new("read", &staged, error))?;
            if part.is_empty() && !parts.is_empty() {
                break;
            }
            hasher.update(&part);
            let bytes = (part.len() as u64).min(*left);
            let payload = PutPayload::from_bytes(part);
            let sent = self.store.service.put_part(&key, &id, parts.len(), payload).await;
            parts.push(sent.map_err(failed)?);
            drop(permit);
            *left -= bytes;
            self.store.bytes_left.sub(bytes);
        }
        if hex(&hasher.finalize()) != file.sha256 {
            return Err(missing());
        }
        let ids = parts.iter().map(|part| part.content_id.clone()).collect();
        self.add_to_log(file, &id, Some(ids)).await?;
        Ok((id, parts))
    }

    async fn add_to_log(
        &self,
        file: &OwnedFile,
        id: &str,
        parts: Option<Vec<String>>,
    ) -> Result<(), CompletionError> {
        let path = file.path.to_str().unwrap_or_default().to_owned();
        let (bytes, sha256, id) = (file.bytes, file.sha256.clone(), id.to_owned());
        Ok(self.log.lock().await.add(Upload { path, bytes, sha256, id, parts })?)
    }

    /// Makes all files visible.
    pub(super) async fn complete(self: Arc<Self>) -> Result<(), CompletionError> {
        let complete = |file: OwnedFile| {
            let plan = Arc::clone(&self);
            async move { plan.complete_file(&file).await }
        };
        let files = stream::iter(self.files.clone());
        files.map(complete).buffer_unordered(COMPLETED_AT_ONCE).try_collect().await
    }

    async fn complete_file(&self, file: &OwnedFile) -> Result<(), CompletionError> {
        if self.is_visible(file).await? {
            return Ok(());
        }
        let path = &file.path;
        let Some(key) = self.store.key(path) else {
            return Err(self.store.failed("upload", path).by_path().into());
        };
        let mut attempt = 1;
        loop {
            let (id, parts) = self.transferred(file).await?;
            let Err(error) = self.store.service.complete_multipart(&key, &id, parts).await else { break };
            // The response may have been lost.
            if self.is_visible(file).await? {
                break;
            }
            if attempt == MAX_ATTEMPTS {
                return Err(self.store.failed("complete the upload of", path).by(&error).into());
            }
            if matches!(error, Error::NotFound { .. }) || attempt + 1 == MAX_ATTEMPTS {
                // The store has removed the upload.
                self.store.bytes_left.add(file.bytes);
                self.transfer(file).await?;
            }
            pause(attempt).await;
            attempt += 1;
        }
        match self.store.integrity {
            Integrity::Checksums => Ok(()),
            Integrity::ReadBack => self.read_back(file).await,
        }
    }

    /// The upload of a file, which is transferred first if it is not yet.
    async fn transferred(&self, file: &OwnedFile) -> Result<(String, Vec<PartId>), CompletionError> {
        let upload = self.log.lock().await.of(&file.path).cloned();
        match upload {
            Some(Upload { id, parts: Some(parts), bytes, sha256, .. })
                if bytes == file.bytes && sha256 == file.sha256 =>
            {
                Ok((id, parts.into_iter().map(|content_id| PartId { content_id }).collect()))
            }
            _ => {
                self.store.bytes_left.add(file.bytes);
                self.transfer(file).await
            }
        }
    }

    /// True if the file is visible. Another object with its name is an error, unless the file replaces it.
    async fn is_visible(&self, file: &OwnedFile) -> Result<bool, CompletionError> {
        let foreign = || match self.existing {
            ExistingObject::Keep => {
                Err(CompletionError::Foreign { path: Path::new(&*self.store.url).join(&file.path) })
            }
            ExistingObject::Replace => Ok(false),
        };
        match self.store.head(&file.path).await? {
            Kind::Missing => Ok(false),
            Kind::File(bytes) if bytes == file.bytes => match self.store.hashed(&file.path).await? {
                Hashed::Sha256(sha256) if sha256 == file.sha256 => Ok(true),
                Hashed::Sha256(_) | Hashed::NotRegular => foreign(),
                Hashed::Missing => Ok(false),
            },
            Kind::File(_) | Kind::NotRegular => foreign(),
        }
    }

    /// Compares the content of the published object.
    async fn read_back(&self, file: &OwnedFile) -> Result<(), CompletionError> {
        match self.store.hashed(&file.path).await? {
            Hashed::Sha256(sha256) if sha256 == file.sha256 => Ok(()),
            _ => {
                self.store.remove_objects(vec![file.path.clone()]).await?;
                let why = std::io::Error::other(
                    "the uploaded object differs from the file and was removed: run the same command again",
                );
                Err(self.store.failed("upload", &file.path).by_io(why).into())
            }
        }
    }

    /// Removes all uploads and objects of the files.
    pub(super) async fn withdraw(self: Arc<Self>) -> Result<(), StorageError> {
        let uploads: Vec<Upload> = self.log.lock().await.all().cloned().collect();
        for upload in uploads {
            if let Some(key) = self.store.key(Path::new(&upload.path)) {
                // An upload that cannot be removed costs space, but is invisible.
                drop(self.store.service.abort_multipart(&key, &upload.id).await);
            }
        }
        for file in &self.files {
            match self.is_visible(file).await {
                Ok(true) => self.store.remove_objects(vec![file.path.clone()]).await?,
                Ok(false) | Err(CompletionError::Foreign { .. }) => {}
                Err(CompletionError::Storage(error)) => return Err(error),
                Err(CompletionError::Missing { .. } | CompletionError::Stopped) => {}
            }
        }
        durable::remove_file(&self.work.join(UPLOADS))
    }
}

/// Reads the next part. It is empty at the end.
fn read_part(content: &mut File) -> std::io::Result<Bytes> {
    let mut part = Vec::new();
    content.take(PART_BYTES as u64).read_to_end(&mut part)?;
    Ok(part.into())
}

/// True if the store failed, and not the disk of this machine.
fn is_of_store(error: &StorageError) -> bool {
    error.path.to_str().is_some_and(|path| path.contains("://"))
        && error.source.kind() != std::io::ErrorKind::PermissionDenied
}

/// Waits longer after each attempt.
async fn pause(attempt: u32) {
    let unit = if cfg!(test) { 0 } else { 100 };
    tokio::time::sleep(Duration::from_millis(fastrand::u64(unit..=2 * unit) << attempt)).await;
}
