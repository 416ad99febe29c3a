//! Possible results of a power failure: a file lacks the data after its last sync. A name without a sync of
//! its folder is gone, or is still the old one.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use chatzy_export::internals::durable::remove_tree;
use fastrand::Rng;

use crate::support::faults::Call;

/// A change of names that a sync of the folder makes durable.
#[derive(Debug)]
enum Change {
    Made { path: PathBuf },
    Named { from: PathBuf, to: PathBuf, replaced: bool },
}

impl Change {
    fn folder(&self) -> &Path {
        let (Self::Made { path } | Self::Named { to: path, .. }) = self;
        path.parent().expect("a folder")
    }
}

/// Removes from the disk, at random, changes that the calls had not made durable. Returns a description of
/// them.
pub fn cut(calls: &[Call], rng: &mut Rng) -> Vec<String> {
    cut_over(calls, rng, &|_| None)
}

/// Like [`cut`], for calls that replaced older files. `before` returns a copy of the file that was at a path.
pub fn cut_over(calls: &[Call], rng: &mut Rng, before: &dyn Fn(&Path) -> Option<PathBuf>) -> Vec<String> {
    let Disk { synced, changes, .. } = replay(calls);
    let mut lost = Vec::new();
    for (path, synced) in synced {
        let Ok(now) = fs::metadata(&path).map(|meta| meta.len()) else { continue };
        if now > synced && rng.bool() {
            let keep = rng.u64(synced..now);
            let file = OpenOptions::new().write(true).open(&path).expect("a file");
            file.set_len(keep).expect("cut");
            if rng.bool() {
                file.set_len(now).expect("filled with zeros");
            }
            lost.push(format!("{} after {keep}", path.display()));
        }
    }
    // The latest first, like the undo of a journal.
    for change in changes.iter().rev().filter(|_| rng.bool()) {
        match change {
            Change::Made { path } if path.is_dir() => remove_tree(path).expect("removed"),
            Change::Made { path } if path.exists() => fs::remove_file(path).expect("removed"),
            #[expect(clippy::disallowed_methods, reason = "files of the tests are not to be durable")]
            Change::Named { from, to, replaced: false } if to.exists() && from.parent().unwrap().exists() => {
                fs::rename(to, from).expect("renamed back");
                if let Some(old) = before(to) {
                    fs::copy(old, to).expect("the file as it was");
                }
            }
            Change::Made { .. } | Change::Named { .. } => continue,
        }
        lost.push(format!("{change:?}"));
    }
    lost
}

/// The files and names that a power failure after these calls would lose.
pub fn not_durable(calls: &[Call]) -> Vec<PathBuf> {
    let Disk { written, synced, changes } = replay(calls);
    let cut = written.into_iter().filter(|(path, bytes)| synced.get(path) != Some(bytes));
    let names = changes.into_iter().map(|change| match change {
        Change::Made { path } | Change::Named { to: path, .. } => path,
    });
    cut.map(|(path, _)| path).chain(names).collect()
}

/// The effects of calls on the disk.
struct Disk {
    /// Bytes of each file.
    written: BTreeMap<PathBuf, u64>,
    /// Number of these bytes that are durable.
    synced: BTreeMap<PathBuf, u64>,
    /// Changes of names that are not durable.
    changes: Vec<Change>,
}

fn replay(calls: &[Call]) -> Disk {
    let mut written: BTreeMap<PathBuf, u64> = BTreeMap::new();
    let mut synced: BTreeMap<PathBuf, u64> = BTreeMap::new();
    let mut changes: Vec<Change> = Vec::new();
    for call in calls {
        let path = PathBuf::from(&call.path);
        match (call.name.as_str(), call.with.as_str()) {
            ("openat", "create") => {
                written.insert(path.clone(), 0);
                synced.insert(path.clone(), 0);
                changes.push(Change::Made { path });
            }
            ("mkdir", _) => changes.push(Change::Made { path }),
            ("write", bytes) => {
                *written.entry(path).or_default() += bytes.parse::<u64>().expect("bytes");
            }
            ("fsync" | "fdatasync", _) => {
                if let Some(bytes) = written.get(&path) {
                    synced.insert(path, *bytes);
                } else {
                    changes.retain(|change| change.folder() != path);
                }
            }
            ("rename", to) => {
                let to = PathBuf::from(to);
                let known = written.remove(&path).zip(synced.remove(&path));
                let replaced = written.contains_key(&to);
                if let Some((bytes, durable)) = known {
                    written.insert(to.clone(), bytes);
                    synced.insert(to.clone(), durable);
                }
                changes.retain(|change| !matches!(change, Change::Made { path: made } if *made == path));
                changes.push(Change::Named { from: path, to, replaced });
            }
            ("unlink", _) => {
                written.remove(&path);
                synced.remove(&path);
                changes.retain(|change| match change {
                    Change::Made { path: made } => *made != path,
                    Change::Named { to, .. } => *to != path,
                });
            }
            _ => {}
        }
    }
    Disk { written, synced, changes }
}
