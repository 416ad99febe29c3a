//! Runs that come, go and die at the same time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::folder::{Looked, look};
use super::{DEAD_AFTER, FOLDER, Lock, LockError, Next, Seen, Watch};
use crate::durable;

fn lock(out: &Path) -> Result<Lock, LockError> {
    Lock::acquire(out, &out.join(FOLDER), None)
}

#[test]
fn of_many_that_come_and_go_one_holds_it() {
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
fn a_lock_is_seen_from_outside_and_gone_with_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    assert!(matches!(look(out), Ok(Looked::Free)));
    let held = lock(out).unwrap();
    assert!(matches!(look(out), Ok(Looked::Held(Some(_)))));
    assert!(matches!(lock(out), Err(LockError::Held { owner: Some(_), .. })));
    held.check().unwrap();
    durable::remove_file(&out.join(FOLDER).join("owner.json")).unwrap();
    assert!(matches!(held.check(), Err(LockError::Lost { .. })));
    drop(held);
    assert!(matches!(look(out), Ok(Looked::Free)));
    drop(lock(out).unwrap());
}

#[test]
fn an_owner_file_is_watched_and_one_that_moves_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("owner.json");
    let uncertain = |content: &[u8]| {
        durable::replace(&path, content).unwrap();
        let seen = Box::new(Seen::read(&path).unwrap().unwrap());
        Err(LockError::Uncertain { path: folder.path().to_owned(), seen })
    };
    let again = |watch: &Watch| {
        let seen = Box::new(watch.dead(Duration::MAX).unwrap().clone());
        Err(LockError::Uncertain { path: folder.path().to_owned(), seen })
    };
    let mut watch = Watch::default();
    let at = Duration::from_secs;
    assert!(matches!(watch.next(uncertain(b"1"), at(100)), Next::Watch));
    let still = again(&watch);
    assert!(matches!(watch.next(still, at(101)), Next::Watch));
    assert!(watch.dead(at(101)).is_none());
    assert!(watch.dead(at(100) + DEAD_AFTER).is_some());
    assert!(matches!(watch.next(uncertain(b"2"), at(102)), Next::GiveUp(LockError::Held { .. })));
    assert!(watch.dead(at(100) + DEAD_AFTER).is_none(), "it begins anew");
}
