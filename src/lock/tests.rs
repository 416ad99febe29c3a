//! Runs that start, end and die at the same time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{DEAD_AFTER, FOLDER, Lock, LockError, NextStep, OwnerFile, Watch};
use super::{LockState, probe};
use crate::durable;
use crate::store::Store;

fn lock(out: &Path) -> Result<Lock, LockError> {
    Lock::acquire(&Store::local(out), None, None)
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
    assert!(matches!(probe(&Store::local(out)), Ok(LockState::Free)));
    let held = lock(out).unwrap();
    assert!(matches!(probe(&Store::local(out)), Ok(LockState::Held(Some(_)))));
    assert!(matches!(lock(out), Err(LockError::Held { owner: Some(_), .. })));
    held.check().unwrap();
    durable::remove_file(&out.join(FOLDER).join("owner.json")).unwrap();
    assert!(matches!(held.check(), Err(LockError::Lost { .. })));
    drop(held);
    assert!(matches!(probe(&Store::local(out)), Ok(LockState::Free)));
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

/// Two runs on different machines: their work folders differ.
mod in_a_store {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::store::Integrity;
    use crate::store::faults::{Fault, FaultStore};

    fn store(inner: &Arc<InMemory>, fault: Option<(usize, Fault)>) -> Store {
        let service = Arc::new(FaultStore::new(inner, fault));
        Store::of_service("s3://bucket/prefix", service, Integrity::Checksums)
    }

    #[test]
    fn one_run_at_a_time_and_a_killed_one_is_followed_by_its_own_work_folder_only() {
        let (folder, inner) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()));
        let (mine, other) = (folder.path().join("mine"), folder.path().join("other"));
        let store = store(&inner, None);
        let held = Lock::acquire(&store, Some(&mine), None).unwrap();
        held.check().unwrap();
        assert!(matches!(probe(&store), Ok(LockState::Held(Some(_)))));
        let error = Lock::acquire(&store, Some(&other), None).map(drop).unwrap_err();
        assert!(matches!(error, LockError::Held { owner: Some(_), .. }), "{error}");
        assert!(matches!(Lock::acquire(&store, None, None), Err(LockError::Held { .. })), "prune");
        held.set_run(&"r".parse().unwrap()).unwrap();
        assert_eq!(crate::lock::run_in_store(&store).unwrap(), Some("r".parse().unwrap()));
        drop(held);
        assert!(matches!(probe(&store), Ok(LockState::Free)));
        assert_eq!(crate::lock::run_in_store(&store).unwrap(), None);
        assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "nothing is left in the work folders");

        // A run that is killed leaves the object, and its token in the work folder.
        let held = Lock::acquire(&store, Some(&mine), None).unwrap();
        let left = store.read("_runs/lock.json", 1 << 20).unwrap();
        let token = std::fs::read(mine.join("lock-token")).unwrap();
        drop(held);
        let durable::Content::Bytes(left) = left else { panic!("no lock") };
        store.write("_runs/lock.json", &left).unwrap();
        durable::create_dir_all(&mine).unwrap();
        durable::replace(&mine.join("lock-token"), &token).unwrap();
        assert!(matches!(Lock::acquire(&store, Some(&other), None), Err(LockError::Held { .. })));
        drop(Lock::acquire(&store, Some(&mine), None).unwrap());
        drop(Lock::acquire(&store, Some(&other), None).unwrap());
    }

    #[test]
    fn a_lock_that_another_run_has_taken_is_lost() {
        let (folder, inner) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()));
        let store = store(&inner, None);
        let held = Lock::acquire(&store, Some(&folder.path().join("mine")), None).unwrap();
        let durable::Content::Bytes(text) = store.read("_runs/lock.json", 1 << 20).unwrap() else { panic!() };
        let mut other: serde_json::Value = serde_json::from_slice(&text).unwrap();
        other["token"] = "other".into();
        store.write("_runs/lock.json", other.to_string().as_bytes()).unwrap();
        let error = held.set_run(&"r".parse().unwrap()).unwrap_err();
        assert!(matches!(error, LockError::Lost { owner: Some(_), .. }), "{error}");
        drop(held);
        assert!(matches!(probe(&store), Ok(LockState::Held(_))), "the lock of the other run stays");
    }

    #[test]
    fn a_fault_at_any_call_of_taking_leaves_a_lock_that_the_same_work_folder_takes() {
        for fault in Fault::ALL {
            for at in 0..12 {
                let (folder, inner) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()));
                let work = folder.path().join("work");
                let taken = Lock::acquire(&store(&inner, Some((at, fault))), Some(&work), None);
                if let Ok(lock) = taken {
                    drop(lock);
                }
                drop(Lock::acquire(&store(&inner, None), Some(&work), None).unwrap());
                let other = folder.path().join("other");
                drop(Lock::acquire(&store(&inner, None), Some(&other), None).unwrap());
            }
        }
    }

    #[test]
    fn of_many_runs_one_at_a_time_holds_the_lock() {
        let (folder, inner) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()));
        let (is_held, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for run in 0..4 {
                let (work, store) = (folder.path().join(run.to_string()), store(&inner, None));
                let (is_held, taken) = (&is_held, &taken);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let Ok(lock) = Lock::acquire(&store, Some(&work), None) else { continue };
                        assert!(!is_held.swap(true, Ordering::SeqCst), "two hold it");
                        taken.fetch_add(1, Ordering::SeqCst);
                        is_held.store(false, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }
}
