//! The one place where files and folders come into being, become durable and change their names.
//!
//! The order that survives a power cut is: write beside, sync the file, close it, rename it, sync the folder.
//! A failed sync is final for that file: the kernel may have dropped the pages, and a second sync that succeeds proves
//! nothing. The content is then written into a new file, once.
//!
//! Files are 0600 and folders 0700 whatever the umask (a metrics file, which holds nobody's words, 0644), and a symlink is never followed below a folder of ours.
//!
//! Layer 1: used by spool, output and publish.
#![expect(clippy::disallowed_methods, reason = "this is the module that the ban points to")]

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// What a storage operation was about to do, on which path, and why it could not.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct StorageError {
    /// The verb of the operation, as in "cannot *write* /data/out/…".
    pub action: &'static str,
    /// The file or folder it was done on.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

/// The mode of our files: their owner's.
const OWN: u32 = 0o600;
/// The mode of our folders.
const OWN_FOLDER: u32 = 0o700;
/// The mode of a file for everybody to read.
const READABLE: u32 = 0o644;

/// The action of a sync of a file's content.
const SYNC: &str = "sync";
/// The action of a sync of a folder.
const SYNC_FOLDER: &str = "sync the folder";

impl StorageError {
    /// An error of `action` on `path`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }

    /// Whether it was a sync that failed. What was written may be lost then, and only a new file can have it.
    pub fn is_failed_sync(&self) -> bool {
        [SYNC, SYNC_FOLDER].contains(&self.action)
    }

    /// The whole story in one line, with the system's reason.
    pub fn describe(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// Adds the operation and the path to an I/O error.
pub trait OnPath<T> {
    /// Names what was done, and on which path.
    fn on(self, action: &'static str, path: &Path) -> Result<T, StorageError>;
}

impl<T> OnPath<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, StorageError> {
        self.map_err(|source| StorageError::new(action, path, source))
    }
}

/// Makes the folder and its missing parents, each 0700 and each durable in its parent.
///
/// # Errors
/// When a part of the path is a file, or the last part a symlink, or a folder cannot be made or synced.
pub fn create_dir_all(path: &Path) -> Result<(), StorageError> {
    if is_real_dir(path)? {
        return Ok(());
    }
    let parent = parent_of(path);
    // The parent may be reached through a link of the user's own (/var -> /private/var): only what we make is checked.
    if !parent.is_dir() {
        create_dir_all(&parent)?;
    }
    match DirBuilder::new().mode(OWN_FOLDER).create(path) {
        Ok(()) => {
            let set = fs::set_permissions(path, Permissions::from_mode(OWN_FOLDER));
            allowed(set, path, OWN_FOLDER).inspect_err(|_| remove_dir_if_empty(path))?;
            sync_dir(&parent)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_real_dir(path)? => Ok(()),
        Err(error) => Err(StorageError::new("create the folder", path, error)),
    }
}

/// Whether there is a folder, and not a symlink to one, at the path.
///
/// # Errors
/// When something else stands there.
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
        Err(error) => Err(StorageError::new("look at", path, error)),
    }
}

/// Whether `base` and all folders of the relative path below it are there.
///
/// # Errors
/// When one of them is a symlink, or no folder.
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
    /// Nothing.
    Missing,
    /// Another kind of file, or a symbolic link on the way.
    NotRegular,
}

/// Opens a regular file below `base` for reading. No component below `base` may be a symbolic link, and nothing that is
/// not a regular file is waited for, such as a named pipe. `relative` has plain components only.
///
/// # Errors
/// When the file system refuses.
pub fn open_below(base: &Path, relative: &Path) -> Result<Opened, StorageError> {
    let path = base.join(relative);
    let opened = open_each(base, relative);
    match opened {
        Ok(file) => {
            let meta = file.metadata().on("read", &path)?;
            Ok(if meta.is_file() { Opened::File(file, meta.len()) } else { Opened::NotRegular })
        }
        Err(Errno::NOENT) => Ok(Opened::Missing),
        // A symbolic link, a file in place of a folder, a socket, a device, a name that cannot be.
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
    /// Nothing.
    Missing,
    /// Another kind of file, or a symbolic link on the way.
    NotRegular,
    /// A file of more than this many bytes.
    TooLarge(u64),
}

/// Description of [`Content::NotRegular`].
pub const NOT_REGULAR: &str = "it is not a regular file, or a folder on the way is a symbolic link";

/// Description of [`Content::TooLarge`].
pub fn too_large(limit: u64) -> String {
    format!("it has more than {limit} bytes")
}

/// Reads a file below `base`, as [`open_below`] opens it, if it has at most `limit` bytes.
///
/// # Errors
/// When it cannot be read.
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

/// Reads an open file of this size to its end; none if it has grown above `limit` bytes.
fn read_at_most(file: File, size: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut text)?;
    Ok((text.len() as u64 <= limit).then_some(text))
}

/// Reads a file of ours that may be missing.
///
/// # Errors
/// When it cannot be read, or is a symlink or something else that is no plain file.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    let mut text = Vec::new();
    match open(path)? {
        Opened::File(mut file, _) => file.read_to_end(&mut text).on("read", path).map(|_| Some(text)),
        Opened::Missing => Ok(None),
        Opened::NotRegular => Err(no_plain_file(path)),
    }
}

/// Opens a regular file for reading, as [`open_below`] does. Its folder may be reached through symbolic links.
///
/// # Errors
/// When the file system refuses.
pub fn open(path: &Path) -> Result<Opened, StorageError> {
    open_below(&parent_of(path), Path::new(path.file_name().unwrap_or_default()))
}

/// The error of a path at which no regular file stands.
pub fn no_plain_file(path: &Path) -> StorageError {
    let why = "it is not a plain file (symbolic links are not followed)";
    StorageError::new("use as a file", path, io::Error::other(why))
}

/// Reports if there is a file at the path.
///
/// # Errors
/// When something else than a plain file stands there.
pub fn is_plain_file(path: &Path) -> Result<bool, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(true),
        Ok(_) => Err(no_plain_file(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::new("look at", path, error)),
    }
}

/// Makes a new file, 0600, for reading and writing; fails when anything, a symlink too, stands there already.
///
/// # Errors
/// When the file exists or cannot be made.
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
    allowed(set, path, mode).inspect_err(|_| drop(remove_file(path)))?;
    Ok(file)
}

/// Accepts a refused change of the mode if the mode is strict enough. Some file systems (FAT, SMB, FUSE) have one mode for all files
/// and refuse any other; it may grant no more than the mode asked for.
fn allowed(attempt: io::Result<()>, path: &Path, wanted: u32) -> Result<(), StorageError> {
    let Err(error) = attempt else { return Ok(()) };
    let error = match (error.kind(), fs::symlink_metadata(path)) {
        (io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported, Ok(meta)) => {
            let there = meta.permissions().mode() & 0o777;
            if there & 0o077 & !wanted == 0 && there & 0o700 & wanted == wanted & 0o700 {
                return Ok(());
            }
            let why = format!("{error}; the file system gives it mode {there:04o} instead of {wanted:04o}");
            io::Error::new(error.kind(), why)
        }
        _ => error,
    };
    Err(StorageError::new("set the permissions of", path, error))
}

/// Makes a file without a name in the folder: it is gone when it is closed, however that comes.
///
/// # Errors
/// When the file system refuses.
pub fn create_nameless(folder: &Path) -> Result<File, StorageError> {
    tempfile::tempfile_in(folder).on("make a file without a name in", folder)
}

/// Opens a file of ours for reading and writing, refusing a symlink planted in its place.
///
/// # Errors
/// When it is missing, no plain file, or cannot be opened.
pub fn open_existing(path: &Path) -> Result<File, StorageError> {
    let meta = fs::symlink_metadata(path).on("open", path)?;
    if !meta.is_file() {
        let why = io::Error::other("it is not a plain file (symbolic links are not followed)");
        return Err(StorageError::new("open", path, why));
    }
    OpenOptions::new().read(true).write(true).open(path).on("open", path)
}

/// Makes the file's content durable.
///
/// # Errors
/// When it cannot: the file is to be given up, since a second sync proves nothing.
pub fn sync(file: &File, path: &Path) -> Result<(), StorageError> {
    file.sync_all().on(SYNC, path)
}

/// Renames a file that is synced already. The caller syncs the folder when all its files are there.
///
/// # Errors
/// When the rename fails.
pub fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).on("rename to its final name", to)
}

/// Puts `content` at `path`, durably and at once: a reader sees the file before or the file after. A file whose sync
/// fails is given up for a second one.
///
/// # Errors
/// When it cannot be written beside, synced or renamed, or what stands there is no plain file.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), StorageError> {
    replace_with(path, OWN, |file| file.write_all(content))
}

/// As [`replace`], for a file that everybody may read: 0644.
///
/// # Errors
/// As [`replace`].
pub fn replace_readable(path: &Path, content: &[u8]) -> Result<(), StorageError> {
    replace_with(path, READABLE, |file| file.write_all(content))
}

/// As [`replace`], for content that `write` writes piece by piece. It is called again when the first file is given up.
///
/// # Errors
/// As [`replace`].
pub fn replace_by(path: &Path, write: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<(), StorageError> {
    replace_with(path, OWN, |file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.flush()
    })
}

fn replace_with(
    path: &Path,
    mode: u32,
    content: impl Fn(&mut File) -> io::Result<()>,
) -> Result<(), StorageError> {
    is_plain_file(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let staged = path.with_file_name(name);
    let write = || {
        remove_file(&staged)?; // what a killed run may have left, or the file that is given up
        let mut file = create_with(&staged, mode)?;
        content(&mut file).on("write", &staged)?;
        sync(&file, &staged)
    };
    write().or_else(|error| if error.is_failed_sync() { write() } else { Err(error) })?;
    rename(&staged, path)?;
    sync_dir(&parent_of(path))
}

/// Makes the names in a folder durable.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_dir(path: &Path) -> Result<(), StorageError> {
    File::open(path).and_then(|folder| folder.sync_all()).on(SYNC_FOLDER, path)
}

/// Removes a file; one that is gone already is as good.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StorageError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Removes a folder of ours with all it holds (symlinks in it, not what they point to), and syncs its parent.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_tree(path: &Path) -> Result<(), StorageError> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_dir(&parent_of(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StorageError::new("remove", path, error)),
    }
}

/// Removes the folder if it is empty; one that is not, or is gone, is left alone.
pub fn remove_dir_if_empty(path: &Path) {
    // Refused by the system when something is in it, which is the check we want without a race.
    drop(fs::remove_dir(path));
}

/// The folder that holds `path`: `.` for a bare name.
fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => path.to_owned(),
    }
}
