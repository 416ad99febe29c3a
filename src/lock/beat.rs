//! The thread that touches the owner files, and detects when another run has taken them over.

use std::fs::{File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::SystemTime;

use tokio::sync::watch;

use super::BEAT;
use super::owner::OwnerFile;
use crate::durable::{OnPath, StorageError};

/// The thread. It stops when this value is dropped.
pub(super) struct Beat {
    _stop: mpsc::Sender<()>,
    lost: watch::Receiver<bool>,
}

impl Beat {
    pub(super) fn start(files: Vec<PathBuf>, token: String) -> Result<Self, StorageError> {
        let (stop, stopped) = mpsc::channel::<()>();
        let (sender, lost) = watch::channel(false);
        let first = files.first().cloned().unwrap_or_default();
        let beat = move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                if files.iter().any(|file| !touch(file, &token)) {
                    // There is no receiver if the run has just ended.
                    let _ = sender.send(true);
                    return;
                }
            }
        };
        // The thread is not joined: a disk that hangs must not delay the end of a run.
        std::thread::Builder::new()
            .name("lock".to_owned())
            .spawn(beat)
            .on("start the thread that keeps", &first)?;
        Ok(Self { _stop: stop, lost })
    }

    pub(super) async fn lost(&self) {
        if self.lost.clone().wait_for(|is_lost| *is_lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Touches the file. False if another run has taken it over.
fn touch(path: &Path, token: &str) -> bool {
    match OwnerFile::read(path) {
        Ok(Some(seen)) if seen.is_of(token) => {}
        Ok(_) => return false,
        // The server may be slow for a moment. A lasting failure shows in the files that the run writes.
        Err(_) => return true,
    }
    let now = SystemTime::now();
    // Some FUSE file systems accept a single time and change neither, so both are set.
    let times = FileTimes::new().set_accessed(now).set_modified(now);
    let touched = File::open(path).and_then(|file| file.set_times(times));
    !touched.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable;
    use crate::lock::Owner;

    #[test]
    fn a_touch_moves_the_time_of_our_own_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owner.json");
        let me = Owner::this_process();
        assert!(!touch(&path, &me.token()), "it is gone");
        durable::replace(&path, &serde_json::to_vec(&me).unwrap()).unwrap();
        let before = OwnerFile::read(&path).unwrap();
        assert!(touch(&path, &me.token()));
        let after = OwnerFile::read(&path).unwrap();
        assert_ne!(after, before);
        assert!(!touch(&path, "another"), "it is another run's");
        assert_eq!(OwnerFile::read(&path).unwrap(), after);
    }
}
