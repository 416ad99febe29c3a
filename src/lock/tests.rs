//! Runs that start, end and die at the same time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::folder::{LockState, probe};
use super::{DEAD_AFTER, FOLDER, Lock, LockError, NextStep, OwnerFile, Watch};
use crate::durable;

fn lock(out: &Path) -> Result<Lock, LockError> {
    Lock::acquire(out, &out.join(FOLDER), None)
}

#[test]
fn only_one_of_many_runs_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (is_held, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let Ok(lock) = lock(folder.path()) else { continue };
                    assert!(!is_held.swap(true, Ordering::SeqCst), "two hold it");
                    taken.fetch_add(1, Ordering::SeqCst);
                    is_held.store(false, Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert!(taken.into_inner() > 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_probe_finds_a_lock_until_its_run_ends() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    assert!(matches!(probe(out), Ok(LockState::Free)));
    let held = lock(out).unwrap();
    assert!(matches!(probe(out), Ok(LockState::Held(Some(_)))));
    assert!(matches!(lock(out), Err(LockError::Held { owner: Some(_), .. })));
    held.check().unwrap();
    durable::remove_file(&out.join(FOLDER).join("owner.json")).unwrap();
    assert!(matches!(held.check(), Err(LockError::Lost { .. })));
    drop(held);
    assert!(matches!(probe(out), Ok(LockState::Free)));
    drop(lock(out).unwrap());
}

#[test]
fn a_touched_owner_file_is_alive_and_an_unchanged_one_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("owner.json");
    let uncertain = |content: &[u8]| {
        durable::replace(&path, content).unwrap();
        let seen = Box::new(OwnerFile::read(&path).unwrap().unwrap());
        Err(LockError::Uncertain { path: folder.path().to_owned(), seen })
    };
    let again = |watch: &Watch| {
        let seen = Box::new(watch.dead(Duration::MAX).unwrap().clone());
        Err(LockError::Uncertain { path: folder.path().to_owned(), seen })
    };
    let mut watch = Watch::default();
    let at = Duration::from_secs;
    assert!(matches!(watch.next(uncertain(b"1"), at(100)), NextStep::Watch));
    let still = again(&watch);
    assert!(matches!(watch.next(still, at(101)), NextStep::Watch));
    assert!(watch.dead(at(101)).is_none());
    assert!(watch.dead(at(100) + DEAD_AFTER).is_some());
    assert!(matches!(watch.next(uncertain(b"2"), at(102)), NextStep::GiveUp(LockError::Held { .. })));
    assert!(watch.dead(at(100) + DEAD_AFTER).is_none(), "the watch starts again");
}
