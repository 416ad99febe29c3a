//! An export in a folder of this machine.

mod moving;

use std::collections::BTreeSet;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::{
    Backend, Between, CompletionError, Created, EarlyUploads, Hashed, Kind, Listed, Modified, Replaced,
    StagedFile, StagingFolder, Version,
};
use crate::digest::sha256_of_open;
use crate::durable::{self, Content, OnPath, Opened, StorageError};

/// A folder.
pub(super) struct LocalStore {
    folder: PathBuf,
}

impl LocalStore {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }
}

impl Backend for LocalStore {
    fn unconditional(&self) -> Option<Arc<dyn Backend>> {
        None // the lock of the folder needs no conditions
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn is_folder(&self, path: &Path) -> Result<bool, StorageError> {
        // The folder itself may be reached through a link of the user's own.
        if !self.folder.is_dir() {
            return Ok(false);
        }
        let mut folder = self.folder.clone();
        for part in path.components() {
            folder.push(part);
            if !durable::is_real_dir(&folder)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn kind(&self, relative: &Path) -> Result<Kind, StorageError> {
        if relative.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Ok(Kind::NotRegular);
        }
        let mut path = self.folder.clone();
        let mut parts = relative.components().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(meta) if parts.peek().is_some() && meta.is_dir() => {}
                Ok(meta) if parts.peek().is_none() && meta.is_file() => return Ok(Kind::File(meta.len())),
                Ok(_) => return Ok(Kind::NotRegular),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
                {
                    return Ok(Kind::Missing);
                }
                // An edited manifest may contain names that the file system rejects.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
                    ) =>
                {
                    return Ok(Kind::NotRegular);
                }
                Err(error) => return Err(StorageError::new("inspect", &path, error)),
            }
        }
        Ok(Kind::NotRegular)
    }

    fn modified(&self, path: &Path) -> Result<Option<Modified>, StorageError> {
        let path = self.folder.join(path);
        match fs::symlink_metadata(&path) {
            Ok(meta) => meta.modified().map(|at| Some(Modified(at.into()))).on("inspect", &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::new("inspect", &path, error)),
        }
    }

    fn open(&self, path: &Path) -> Result<Opened, StorageError> {
        durable::open_below(&self.folder, path)
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Content, StorageError> {
        durable::read_below(&self.folder, path, limit)
    }

    fn read_several(&self, paths: &[&Path], limit: u64) -> Result<Vec<Content>, StorageError> {
        paths.iter().map(|path| self.read(path, limit)).collect()
    }

    fn hash(&self, path: &Path) -> Result<Hashed, StorageError> {
        Ok(match self.open(path)? {
            Opened::File(file, size) => {
                Hashed::Sha256(sha256_of_open(file, size).on("read", &self.folder.join(path))?.0)
            }
            Opened::Missing => Hashed::Missing,
            Opened::NotRegular => Hashed::NotRegular,
        })
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>, StorageError> {
        let mut files = Vec::new();
        let top = self.folder.join(folder);
        match fs::symlink_metadata(&top) {
            Ok(meta) if meta.is_dir() => {}
            Ok(meta) => return Ok(vec![listed(folder.to_owned(), meta.file_type(), Some(&meta))]),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(files);
            }
            Err(error) => return Err(StorageError::new("inspect", &top, error)),
        }
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let at = self.folder.join(&folder);
            let entries = match fs::read_dir(&at) {
                // `prune` may have removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.on("list", &at)?,
            };
            for entry in entries {
                let entry = entry.on("list", &at)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let kind = match entry.file_type() {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    kind => kind.on("inspect", &entry.path())?,
                };
                if kind.is_dir() {
                    folders.push(path);
                } else {
                    files.push(listed(path, kind, entry.metadata().ok().as_ref()));
                }
            }
        }
        files.sort();
        Ok(files)
    }

    fn loose_permissions(&self, path: &Path) -> Result<Option<String>, StorageError> {
        let path = self.folder.join(path);
        match fs::symlink_metadata(&path) {
            Ok(meta) if !meta.is_symlink() => {
                let mode = meta.permissions().mode() & 0o777;
                let written = if meta.is_dir() { "700" } else { "600" };
                let detail = format!("its mode is {mode:03o}; it was written with {written}");
                Ok((mode & 0o077 != 0).then_some(detail))
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(StorageError::new("inspect", &path, error))
            }
            _ => Ok(None),
        }
    }

    fn prepare(&self, folder: &Path) -> Result<(), StorageError> {
        if !self.folder.is_dir() {
            durable::create_dir_all(&self.folder)?;
        }
        durable::are_real_dirs(&self.folder, folder).map(drop)
    }

    fn create(&self, path: &Path, content: &[u8]) -> Result<Created, StorageError> {
        match durable::read_if_exists(&self.folder.join(path))? {
            Some(there) if there == content => Ok(Created::Written),
            Some(_) => Ok(Created::Foreign),
            None => self.write(path, content).map(|()| Created::Written),
        }
    }

    fn create_first(&self, path: &Path, content: &[u8]) -> Result<Created, StorageError> {
        create_folders(&self.folder, path.parent().unwrap_or(Path::new("")))?;
        let path = self.folder.join(path);
        let is_ours = match durable::read_if_exists(&path)? {
            None => durable::create(&path, content)?,
            Some(_) => false,
        };
        // After an interruption, the file is there.
        let is_there = is_ours || durable::read_if_exists(&path)?.is_some_and(|there| there == content);
        Ok(if is_there { Created::Written } else { Created::Foreign })
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        create_folders(&self.folder, path.parent().unwrap_or(Path::new("")))?;
        durable::replace(&self.folder.join(path), content)
    }

    fn read_version(&self, path: &Path, limit: u64) -> Result<(Content, Version), StorageError> {
        Ok((self.read(path, limit)?, Version::default()))
    }

    fn replace(&self, path: &Path, content: &[u8], _: &Version) -> Result<Replaced, StorageError> {
        self.write(path, content).map(|()| Replaced::Written)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        let (from, to) = (self.folder.join(from), self.folder.join(to));
        if durable::is_regular_file(&from)? {
            durable::rename(&from, &to)?;
            durable::sync_dir(to.parent().unwrap_or(&self.folder))?;
        }
        Ok(())
    }

    fn remove(&self, paths: &[&Path]) -> Result<(), StorageError> {
        paths.iter().try_for_each(|path| durable::remove_file(&self.folder.join(path)))
    }

    fn remove_empty_folders(&self, folders: &BTreeSet<&Path>) -> Result<(), StorageError> {
        // Deepest first: a folder is empty only after its subfolders are removed.
        for folder in folders.iter().rev().map(|folder| self.folder.join(folder)) {
            if folder.is_dir() {
                durable::sync_dir(&folder)?;
                durable::remove_dir_if_empty(&folder);
            }
        }
        if self.folder.is_dir() { durable::sync_dir(&self.folder) } else { Ok(()) }
    }

    fn early_uploads(&self, _: StagingFolder) -> Result<Option<EarlyUploads>, StorageError> {
        Ok(None) // the files are on this machine
    }

    fn bytes_left(&self) -> u64 {
        0
    }

    fn upload(&self, _: StagingFolder, _: &[StagedFile]) -> Result<(), CompletionError> {
        Ok(()) // the files are on this machine
    }

    fn complete(
        &self,
        from: StagingFolder,
        files: &[StagedFile],
        between: Between,
    ) -> Result<(), CompletionError> {
        let mut folders = BTreeSet::new();
        for file in files {
            let folder = file.path.parent().unwrap_or(Path::new(""));
            if folders.insert(folder) {
                durable::are_real_dirs(from.stage, folder)?;
                create_folders(&self.folder, folder)?;
                between("folder")?;
            }
            moving::move_into_place(
                &from.stage.join(file.path),
                &self.folder.join(file.path),
                file,
                between,
            )?;
            between("file")?;
        }
        for folder in folders {
            durable::sync_dir(&self.folder.join(folder))?;
        }
        Ok(between("folders synced")?)
    }

    fn withdraw(&self, _: StagingFolder, files: &[StagedFile]) -> Result<(), StorageError> {
        let mut folders = BTreeSet::new();
        for file in files {
            durable::are_real_dirs(&self.folder, file.path.parent().unwrap_or(Path::new("")))?;
            let target = self.folder.join(file.path);
            durable::remove_file(&moving::temporary(&target))?;
            if matches!(moving::size(&target), Ok(Some(_))) && moving::is_ours(&target, file)? {
                durable::remove_file(&target)?;
                folders.extend(file.path.ancestors().skip(1).filter(|folder| *folder != Path::new("")));
            }
        }
        self.remove_empty_folders(&folders)
    }

    fn overwrite(&self, from: StagingFolder, files: &[StagedFile]) -> Result<(), CompletionError> {
        let mut folders = BTreeSet::new();
        for file in files {
            let folder = file.path.parent().unwrap_or(Path::new(""));
            if folders.insert(folder) {
                durable::are_real_dirs(from.stage, folder)?;
                durable::are_real_dirs(&self.folder, folder)?;
            }
            let (staged, target) = (from.stage.join(file.path), self.folder.join(file.path));
            if moving::size(&staged)? != Some(file.bytes) {
                return Err(CompletionError::Missing { path: staged });
            }
            moving::size(&target)?; // nothing but a regular file is replaced
            moving::move_over(&staged, &target, &mut |_| Ok(()))?;
        }
        for folder in folders {
            durable::sync_dir(&self.folder.join(folder))?;
        }
        Ok(())
    }
}

fn listed(path: String, kind: FileType, meta: Option<&Metadata>) -> Listed {
    let modified = meta.and_then(|meta| meta.modified().ok()).map(Into::into);
    Listed { path, is_regular: kind.is_file(), modified }
}

/// Creates the folders of a relative path below `base` one by one, so that no symbolic link is followed.
fn create_folders(base: &Path, relative: &Path) -> Result<(), StorageError> {
    let mut folder = base.to_owned();
    relative.components().try_for_each(|part| {
        folder.push(part);
        durable::create_dir_all(&folder)
    })
}
