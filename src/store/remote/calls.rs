//! Single objects: read, create, replace, remove and list.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    Error, GetResult, ObjectMeta, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use sha2::{Digest, Sha256};

use super::error::is_missing;
use super::{Conditions, RemoteStore};
use crate::digest::hex;
use crate::durable::{self, Content, Opened, StorageError};
use crate::store::{Created, Hashed, Kind, Listed, Modified, READ_AT_ONCE, Replaced, Version};

/// Maximum number of attempts of a conditional write that ends in a conflict with nobody.
const MAX_ATTEMPTS: u32 = 8;
/// Number of objects that are removed at once.
const REMOVED_AT_ONCE: usize = 16;

impl RemoteStore {
    /// True if there is an object below the folder.
    pub(super) async fn has_objects(&self, folder: &Path) -> Result<bool, StorageError> {
        let Some(prefix) = self.key_of_folder(folder) else { return Ok(false) };
        let mut found = self.service.list(Some(&prefix));
        let first = found.try_next().await;
        Ok(first.map_err(|error| self.failed("list", folder).by(&error))?.is_some())
    }

    fn key_of_folder(&self, folder: &Path) -> Option<object_store::path::Path> {
        if folder.as_os_str().is_empty() { Some(self.prefix.clone()) } else { self.key(folder) }
    }

    async fn meta(&self, path: &Path) -> Result<Option<ObjectMeta>, StorageError> {
        let Some(key) = self.key(path) else { return Ok(None) };
        match self.service.head(&key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("inspect", path).by(&error)),
        }
    }

    pub(super) async fn head(&self, path: &Path) -> Result<Kind, StorageError> {
        if self.key(path).is_none() {
            return Ok(Kind::NotRegular);
        }
        Ok(self.meta(path).await?.map_or(Kind::Missing, |meta| Kind::File(meta.size)))
    }

    pub(super) async fn last_modified(&self, path: &Path) -> Result<Option<Modified>, StorageError> {
        Ok(self.meta(path).await?.map(|meta| Modified(meta.last_modified)))
    }

    async fn get(&self, path: &Path) -> Result<Option<GetResult>, StorageError> {
        let Some(key) = self.key(path) else { return Err(self.failed("read", path).by_path()) };
        match self.service.get(&key).await {
            Ok(got) => Ok(Some(got)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.failed("read", path).by(&error)),
        }
    }

    /// Downloads an object to a temporary file.
    pub(super) async fn download(&self, path: &Path) -> Result<Opened, StorageError> {
        if self.key(path).is_none() {
            return Ok(Opened::NotRegular);
        }
        let Some(got) = self.get(path).await? else { return Ok(Opened::Missing) };
        let size = got.meta.size;
        let mut file = durable::create_nameless(&std::env::temp_dir())?;
        let mut chunks = got.into_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.failed("read", path).by(&error))?;
            file.write_all(&chunk)
                .map_err(|error| self.failed("write a temporary copy of", path).by_io(error))?;
        }
        std::io::Seek::rewind(&mut file).map_err(|error| self.failed("read", path).by_io(error))?;
        Ok(Opened::File(file, size))
    }

    pub(super) async fn hashed(&self, path: &Path) -> Result<Hashed, StorageError> {
        if self.key(path).is_none() {
            return Ok(Hashed::NotRegular);
        }
        let Some(got) = self.get(path).await? else { return Ok(Hashed::Missing) };
        let mut hasher = Sha256::new();
        let mut chunks = got.into_stream();
        while let Some(chunk) = chunks.next().await {
            hasher.update(&chunk.map_err(|error| self.failed("read", path).by(&error))?);
        }
        Ok(Hashed::Sha256(hex(&hasher.finalize())))
    }

    pub(super) async fn listed(&self, folder: &str) -> Result<Vec<Listed>, StorageError> {
        let folder = Path::new(folder);
        let Some(key) = self.key_of_folder(folder) else { return Ok(Vec::new()) };
        let mut found = self.service.list(Some(&key));
        let mut listed = Vec::new();
        let skipped = if self.prefix.is_root() { 0 } else { self.prefix.as_ref().len() + 1 };
        while let Some(meta) = found.next().await {
            let meta = meta.map_err(|error| self.failed("list", folder).by(&error))?;
            // Some tools create an object with the name of the folder.
            if let Some(path) = meta.location.as_ref().get(skipped..).filter(|path| Path::new(path) != folder)
            {
                let modified = Some(meta.last_modified);
                listed.push(Listed { path: path.to_owned(), is_regular: true, modified });
            }
        }
        listed.sort();
        Ok(listed)
    }

    /// Reads a small object and its version.
    pub(super) async fn read_object(
        &self,
        path: &Path,
        limit: u64,
    ) -> Result<(Content, Version), StorageError> {
        if self.key(path).is_none() {
            return Ok((Content::NotRegular, Version::default()));
        }
        let Some(got) = self.get(path).await? else { return Ok((Content::Missing, Version::default())) };
        let version = version_of(&got.meta);
        if got.meta.size > limit {
            return Ok((Content::TooLarge(limit), version));
        }
        let bytes = got.bytes().await.map_err(|error| self.failed("read", path).by(&error))?;
        Ok((Content::Bytes(bytes.into()), version))
    }

    /// Reads small objects at once.
    pub(super) async fn read_objects(
        &self,
        paths: Vec<PathBuf>,
        limit: u64,
    ) -> Result<Vec<Content>, StorageError> {
        let read = |path: PathBuf| async move { Ok(self.read_object(&path, limit).await?.0) };
        stream::iter(paths.into_iter().map(read)).buffered(READ_AT_ONCE).try_collect().await
    }

    /// The content of an object, or nothing. Only for objects of the size of what this program writes.
    async fn content(&self, path: &Path) -> Result<Option<(Bytes, Version)>, StorageError> {
        let Some(got) = self.get(path).await? else { return Ok(None) };
        let version = version_of(&got.meta);
        let bytes = got.bytes().await.map_err(|error| self.failed("read", path).by(&error))?;
        Ok(Some((bytes, version)))
    }

    async fn put(&self, path: &Path, content: &Bytes, mode: PutMode) -> Result<(), Error> {
        let key = self
            .key(path)
            .ok_or_else(|| Error::NotSupported { source: "no object can have this name".into() })?;
        let payload = PutPayload::from_bytes(content.clone());
        self.service.put_opts(&key, payload, PutOptions::from(mode)).await.map(drop)
    }

    pub(super) async fn write_object(&self, path: &Path, content: Bytes) -> Result<(), StorageError> {
        let put = self.put(path, &content, PutMode::Overwrite).await;
        put.map_err(|error| self.failed("write", path).by(&error))
    }

    /// Creates an object, unless it exists. After a failure, its content decides: the response may have been lost,
    /// or the store reported a conflict although there is nothing.
    pub(super) async fn create_object(&self, path: &Path, content: Bytes) -> Result<Created, StorageError> {
        for attempt in 1.. {
            if self.conditions == Conditions::NotNeeded {
                if let Some((there, _)) = self.content(path).await? {
                    return Ok(if there == content { Created::Written } else { Created::Foreign });
                }
                self.write_object(path, content).await?;
                return Ok(Created::Written);
            }
            let error = match self.put(path, &content, PutMode::Create).await {
                Ok(()) => return Ok(Created::Written),
                Err(error) => error,
            };
            match self.content(path).await? {
                Some((there, _)) if there == content => return Ok(Created::Written),
                Some(_) => return Ok(Created::Foreign),
                None if may_pass(&error) && attempt < MAX_ATTEMPTS => pause(attempt).await,
                None => return Err(self.failed("write", path).by(&error)),
            }
        }
        Err(self.failed("write", path).by_path())
    }

    /// Replaces a version of an object, as [`Self::create_object`] creates one.
    pub(super) async fn replace_object(
        &self,
        path: &Path,
        content: Bytes,
        Version(expected): Version,
    ) -> Result<Replaced, StorageError> {
        let Some(expected) = expected else {
            return Ok(match self.create_object(path, content).await? {
                Created::Written => Replaced::Written,
                Created::Foreign => Replaced::Conflict,
            });
        };
        if self.conditions == Conditions::NotNeeded {
            return self.write_object(path, content).await.map(|()| Replaced::Written);
        }
        for attempt in 1.. {
            let error = match self.put(path, &content, PutMode::Update(expected.clone())).await {
                Ok(()) => return Ok(Replaced::Written),
                Err(error) => error,
            };
            let there = self.content(path).await?;
            match there {
                Some((there, _)) if there == content => return Ok(Replaced::Written),
                Some((_, Version(Some(now)))) if now == expected => {
                    if !may_pass(&error) || attempt >= MAX_ATTEMPTS {
                        return Err(self.failed("write", path).by(&error));
                    }
                    pause(attempt).await;
                }
                _ => return Ok(Replaced::Conflict),
            }
        }
        Err(self.failed("write", path).by_path())
    }

    /// Copies a small object, and removes the original.
    pub(super) async fn rename_object(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        let Some((content, _)) = self.content(from).await? else { return Ok(()) };
        self.write_object(to, content).await?;
        self.remove_objects(vec![from.to_owned()]).await
    }

    pub(super) async fn remove_objects(&self, paths: Vec<PathBuf>) -> Result<(), StorageError> {
        let remove = |path: PathBuf| async move {
            let Some(key) = self.key(&path) else { return Ok(()) };
            match self.service.delete(&key).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.failed("remove", &path).by(&error)),
            }
        };
        stream::iter(paths.into_iter().map(remove)).buffer_unordered(REMOVED_AT_ONCE).try_collect().await
    }
}

fn version_of(meta: &ObjectMeta) -> Version {
    Version(Some(UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() }))
}

/// True if a repetition may succeed: a store may report a conflict although there is none, and a connection may
/// break. The condition makes a repetition harmless.
fn may_pass(error: &Error) -> bool {
    !matches!(
        error,
        Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::NotFound { .. }
            | Error::InvalidPath { .. }
    )
}

/// Waits for a random time, which doubles with each attempt on average.
async fn pause(attempt: u32) {
    let unit = if cfg!(test) { 0 } else { 50_u64 };
    let most = unit << attempt.min(6);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(most / 2..=most))).await;
}
