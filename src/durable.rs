//! All creation, syncing, renaming and removal of files and folders. No other module does any of it.
//!
//! The order that survives a power failure: write a temporary file, sync it, rename it, sync the folder. A
//! failed sync is final for that file. The kernel may have dropped the pages, so a later successful sync
//! proves nothing. The content is then written into a new file, once.
//!
//! Files have mode 0600 and folders 0700, whatever the umask. Only the metrics file, which holds no message
//! content, has 0644. Symbolic links below a folder of the program are never followed.
//!
//! Layer 1.
#![expect(clippy::disallowed_methods, reason = "this is the module that the ban points to")]

mod exclusive;
mod replace;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

pub use exclusive::name_first;
pub use replace::{create, replace, replace_by, replace_readable};

/// An error of the file system: the operation, its path and its cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct StorageError {
    /// Verb of the operation, as in "cannot *write* /data/out/…".
    pub action: &'static str,
    /// Path of the file or folder.
    pub path: PathBuf,
    /// Error of the operating system.
    #[source]
    pub source: io::Error,
}

/// Mode of files: for their owner only.
const OWN: u32 = 0o600;
/// Mode of folders: for their owner only.
const OWN_FOLDER: u32 = 0o700;
/// Mode of a file that every user may read.
const READABLE: u32 = 0o644;

/// Action of syncing the content of a file.
const SYNC: &str = "sync";
/// Action of syncing a folder.
const SYNC_FOLDER: &str = "sync the folder";

impl StorageError {
    /// Creates an error of `action` on `path`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }

    /// True if a sync failed. The written content may then be lost, and only a new file can hold it.
    pub fn is_failed_sync(&self) -> bool {
        [SYNC, SYNC_FOLDER].contains(&self.action)
    }

    /// Formats the error and its cause in one line.
    pub fn describe(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// Adds the operation and the path to an I/O error.
pub trait OnPath<T> {
    /// Adds the operation and the path.
    fn on(self, action: &'static str, path: &Path) -> Result<T, StorageError>;
}

impl<T> OnPath<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, StorageError> {
        self.map_err(|source| StorageError::new(action, path, source))
    }
}

/// Creates the folder and its missing parents, each with mode 0700 and durable in its parent.
///
/// # Errors
/// If a part of the path is a file, the last part is a symbolic link, or a folder cannot be created or
/// synced.
pub fn create_dir_all(path: &Path) -> Result<(), StorageError> {
    create_dirs(path, &sync_dir)
}

/// Like [`create_dir_all`], for folders that [`sync_file_system`] makes durable later.
///
/// # Errors
/// As for [`create_dir_all`].
pub fn create_dir_all_unsynced(path: &Path) -> Result<(), StorageError> {
    create_dirs(path, &|_| Ok(()))
}

fn create_dirs(path: &Path, sync: &dyn Fn(&Path) -> Result<(), StorageError>) -> Result<(), StorageError> {
    if is_real_dir(path)? {
        return Ok(());
    }
    let parent = parent_of(path);
    // The parent may be reached through a link of the user's own (/var -> /private/var). Only created folders
    // are checked.
    if !parent.is_dir() {
        create_dirs(&parent, sync)?;
    }
    match DirBuilder::new().mode(OWN_FOLDER).create(path) {
        Ok(()) => {
            let set = fs::set_permissions(path, Permissions::from_mode(OWN_FOLDER));
            accept_stricter_mode(set, path, OWN_FOLDER).inspect_err(|_| remove_dir_if_empty(path))?;
            sync(&parent)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_real_dir(path)? => Ok(()),
        Err(error) => Err(StorageError::new("create the folder", path, error)),
    }
}

/// True if the path is a folder, and not a symbolic link to one.
///
/// # Errors
/// If the path is something else.
pub fn is_real_dir(path: &Path) -> Result<bool, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(true),
        Ok(meta) if meta.is_symlink() => Err(StorageError::new(
            "use as a folder",
            path,
            io::Error::other("it is a symbolic link, which is not followed"),
        )),
        Ok(_) => {
            Err(StorageError::new("use as a folder", path, io::Error::from(io::ErrorKind::NotADirectory)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::new("inspect", path, error)),
    }
}

/// True if `base` and all folders of the relative path below it exist.
///
/// # Errors
/// If one of them is a symbolic link, or not a folder.
pub fn are_real_dirs(base: &Path, relative: &Path) -> Result<bool, StorageError> {
    let mut folder = base.to_owned();
    for part in relative.components() {
        if !is_real_dir(&folder)? {
            return Ok(false);
        }
        folder.push(part);
    }
    is_real_dir(&folder)
}

/// Result of opening a path below a folder.
#[derive(Debug)]
pub enum Opened {
    /// A regular file, open for reading, and its size.
    File(File, u64),
    /// There is no file.
    Missing,
    /// Another kind of file, or a symbolic link in the path.
    NotRegular,
}

/// Opens a regular file below `base` for reading. No component below `base` may be a symbolic link. It never
/// blocks on other kinds of files, such as named pipes. `relative` has only plain components.
///
/// # Errors
/// If a file operation fails.
pub fn open_below(base: &Path, relative: &Path) -> Result<Opened, StorageError> {
    let path = base.join(relative);
    let opened = open_each(base, relative);
    match opened {
        Ok(file) => {
            let meta = file.metadata().on("read", &path)?;
            Ok(if meta.is_file() { Opened::File(file, meta.len()) } else { Opened::NotRegular })
        }
        Err(Errno::NOENT) => Ok(Opened::Missing),
        // A symbolic link, a file in place of a folder, a socket, a device, or an invalid name.
        Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::NODEV | Errno::NAMETOOLONG | Errno::INVAL) => {
            Ok(Opened::NotRegular)
        }
        Err(error) => Err(StorageError::new("read", &path, error.into())),
    }
}

fn open_each(base: &Path, relative: &Path) -> Result<File, Errno> {
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(base, folder, Mode::empty())?;
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { return Err(Errno::INVAL) };
        let flags = if parts.peek().is_some() {
            folder | OFlags::NOFOLLOW
        } else {
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC
        };
        at = rustix::fs::openat(&at, name, flags, Mode::empty())?;
    }
    Ok(File::from(at))
}

/// Content of a small file, or the reason why there is none.
#[derive(Debug)]
pub enum Content {
    /// All bytes of a regular file.
    Bytes(Vec<u8>),
    /// There is no file.
    Missing,
    /// Another kind of file, or a symbolic link in the path.
    NotRegular,
    /// The file has more than this many bytes.
    TooLarge(u64),
}

/// Text that describes [`Content::NotRegular`].
pub const NOT_REGULAR: &str = "it is not a regular file, or a folder on the way is a symbolic link";

/// Returns a text that describes [`Content::TooLarge`].
pub fn too_large(limit: u64) -> String {
    format!("it has more than {limit} bytes")
}

/// Reads a file below `base` if it has at most `limit` bytes. [`open_below`] opens it.
///
/// # Errors
/// If the file cannot be read.
pub fn read_below(base: &Path, relative: &Path, limit: u64) -> Result<Content, StorageError> {
    match open_below(base, relative)? {
        Opened::File(_, size) if size > limit => Ok(Content::TooLarge(limit)),
        Opened::File(file, size) => {
            let text = read_at_most(file, size, limit).on("read", &base.join(relative))?;
            Ok(text.map_or(Content::TooLarge(limit), Content::Bytes))
        }
        Opened::Missing => Ok(Content::Missing),
        Opened::NotRegular => Ok(Content::NotRegular),
    }
}

/// Reads an open file to its end; `None` if it has grown above `limit` bytes. `size` is its size when it was
/// opened.
fn read_at_most(file: File, size: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut text)?;
    Ok((text.len() as u64 <= limit).then_some(text))
}

/// Reads a file of the program; `None` if it is missing.
///
/// # Errors
/// If the file cannot be read, or is not a regular file.
pub fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    let mut text = Vec::new();
    match open(path)? {
        Opened::File(mut file, _) => file.read_to_end(&mut text).on("read", path).map(|_| Some(text)),
        Opened::Missing => Ok(None),
        Opened::NotRegular => Err(not_a_regular_file(path)),
    }
}

/// Opens a regular file for reading, as [`open_below`] does. The path of its folder may contain symbolic
/// links.
///
/// # Errors
/// If a file operation fails.
pub fn open(path: &Path) -> Result<Opened, StorageError> {
    open_below(&parent_of(path), Path::new(path.file_name().unwrap_or_default()))
}

/// Creates the error for a path that is not a regular file.
pub fn not_a_regular_file(path: &Path) -> StorageError {
    let why = "it is not a regular file (symbolic links are not followed)";
    StorageError::new("use as a file", path, io::Error::other(why))
}

/// True if there is a regular file at the path.
///
/// # Errors
/// If the path is something else.
pub fn is_regular_file(path: &Path) -> Result<bool, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(true),
        Ok(_) => Err(not_a_regular_file(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::new("inspect", path, error)),
    }
}

/// Creates a file with mode 0600 for reading and writing. It fails if anything exists at the path, even a
/// symbolic link.
///
/// # Errors
/// If the file exists or cannot be created.
pub fn create_new(path: &Path) -> Result<File, StorageError> {
    create_with(path, OWN)
}

fn create_with(path: &Path, mode: u32) -> Result<File, StorageError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .on("create", path)?;
    let set = file.set_permissions(Permissions::from_mode(mode));
    accept_stricter_mode(set, path, mode).inspect_err(|_| drop(remove_file(path)))?;
    Ok(file)
}

/// Accepts a rejected change of the mode if the existing mode is strict enough. Some file systems (FAT, SMB,
/// FUSE) have one mode for all files and reject any other. It may grant no more than the wanted mode.
fn accept_stricter_mode(attempt: io::Result<()>, path: &Path, wanted: u32) -> Result<(), StorageError> {
    let Err(error) = attempt else { return Ok(()) };
    let error = match (error.kind(), fs::symlink_metadata(path)) {
        (io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported, Ok(meta)) => {
            let actual = meta.permissions().mode() & 0o777;
            if actual & 0o077 & !wanted == 0 && actual & 0o700 & wanted == wanted & 0o700 {
                return Ok(());
            }
            let why = format!("{error}; the file system reports mode {actual:04o} instead of {wanted:04o}");
            io::Error::new(error.kind(), why)
        }
        _ => error,
    };
    Err(StorageError::new("set the permissions of", path, error))
}

/// Creates a nameless temporary file in the folder. It vanishes when it is closed, even if the program is
/// killed.
///
/// # Errors
/// If a file operation fails.
pub fn create_nameless(folder: &Path) -> Result<File, StorageError> {
    tempfile::tempfile_in(folder).on("create a temporary file in", folder)
}

/// Opens an existing file of the program for reading and writing. A symbolic link in its place is an error.
///
/// # Errors
/// If the file is missing, is not a regular file, or cannot be opened.
pub fn open_existing(path: &Path) -> Result<File, StorageError> {
    let meta = fs::symlink_metadata(path).on("open", path)?;
    if !meta.is_file() {
        let why = io::Error::other("it is not a regular file (symbolic links are not followed)");
        return Err(StorageError::new("open", path, why));
    }
    OpenOptions::new().read(true).write(true).open(path).on("open", path)
}

/// Makes the file's content durable.
///
/// # Errors
/// If the sync fails. The caller must abandon the file, since a second sync proves nothing.
pub fn sync(file: &File, path: &Path) -> Result<(), StorageError> {
    file.sync_all().on(SYNC, path)
}

/// Makes all files durable that were written to the file system of this folder. For many files this is faster
/// than a sync of each.
///
/// # Errors
/// If the sync fails. The caller must abandon the files.
pub fn sync_file_system(folder: &Path) -> Result<(), StorageError> {
    let open = File::open(folder).on("open", folder)?;
    rustix::fs::syncfs(open).map_err(Into::into).on(SYNC, folder)
}

/// Renames a synced file. The caller syncs the folder after all of its files are renamed.
///
/// # Errors
/// If the rename fails.
pub fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).on("rename to its final name", to)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_dir(path: &Path) -> Result<(), StorageError> {
    File::open(path).and_then(|folder| folder.sync_all()).on(SYNC_FOLDER, path)
}

/// Removes a file. A missing file is not an error.
///
/// # Errors
/// If the file exists and cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StorageError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Removes a folder of the program and its content, and syncs the parent. Symbolic links in it are removed,
/// not followed.
///
/// # Errors
/// If something in it cannot be removed.
pub fn remove_tree(path: &Path) -> Result<(), StorageError> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_dir(&parent_of(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StorageError::new("remove", path, error)),
    }
}

/// Removes the folder if it is empty. Otherwise nothing happens.
pub fn remove_dir_if_empty(path: &Path) {
    // The system refuses this if the folder is not empty: a check without a race.
    drop(fs::remove_dir(path));
}

/// Returns the folder that contains `path`: `.` for a bare name.
fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => path.to_owned(),
    }
}
