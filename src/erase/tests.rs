//! An erasure in an object store that fails, stops or loses a response at any call ends in the same objects.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;

use super::{EraseOrder, EraseTarget, erase, finish};
use crate::contacts::ContactList;
use crate::durable::Content;
use crate::layout::ERASED;
use crate::output::erased::Erasures;
use crate::settings::{Format, JsonlCodec, ParquetCodec};
use crate::store::faults::{Fault, FaultStore};
use crate::store::{Integrity, Store};
use crate::verify::tests::fixture::{Twist, export};
use crate::verify::{Depth, VerifyOptions, verify};

const FORMATS: [Format; 2] = [Format::Parquet(ParquetCodec::Zstd(1)), Format::Jsonl(JsonlCodec::Gzip)];

/// Two runs in a folder.
fn folder(format: Format) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for run in ["r1", "r2"] {
        export(folder.path(), run, format, Twist::default());
    }
    folder
}

fn objects(store: &Store) -> BTreeMap<String, Vec<u8>> {
    let read = |path: String| match store.read(&path, 1 << 20).unwrap() {
        Content::Bytes(text) => (path, text),
        other => panic!("{path}: {other:?}"),
    };
    let folders = ["contacts", "messages", "coverage", "_runs"];
    folders.iter().flat_map(|folder| store.list(folder).unwrap()).map(|found| read(found.path)).collect()
}

/// The same export in an object store.
fn copied(from: &Path) -> Arc<InMemory> {
    let inner = Arc::new(InMemory::new());
    let store = remote(&inner, None, Integrity::Checksums).1;
    for (path, text) in objects(&Store::local(from)) {
        store.write(path, &text).unwrap();
    }
    inner
}

fn remote(
    inner: &Arc<InMemory>,
    fault: Option<(usize, Fault)>,
    integrity: Integrity,
) -> (Arc<FaultStore>, Store) {
    let service = Arc::new(FaultStore::new(inner, fault));
    (Arc::clone(&service), Store::of_service("s3://bucket/prefix", service, integrity))
}

fn order() -> EraseOrder {
    let ids = ["c0", "c2"].map(|id| id.parse().unwrap());
    EraseOrder { contacts: ContactList::of_ids(&ids), reference: "R".to_owned(), reason: None, by: None }
}

/// Erases the contacts, and returns false after an error.
fn erased(store: &Store) -> bool {
    let stage = tempfile::tempdir().unwrap();
    let target = EraseTarget { out: store, stage: &stage.path().join("stage"), held: &|| Ok(()) };
    erase(target, &order()).is_ok()
}

/// All objects but the record, which must be finished.
fn end_state(store: &Store) -> BTreeMap<String, Vec<u8>> {
    let mut objects = objects(store);
    let record = Erasures::parse(&objects.remove(ERASED).unwrap()).unwrap();
    assert!(record.unfinished().is_none());
    assert_eq!(record.erasures.len(), 1);
    let report = verify(store, &VerifyOptions { run: None, depth: Depth::Deep }).unwrap();
    assert_eq!(report.damages, [], "{report:?}");
    assert_eq!(report.erasures.len(), 1);
    objects
}

#[test]
fn an_erasure_in_a_store_writes_the_same_files_as_one_in_a_folder() {
    for format in FORMATS {
        let folder = folder(format);
        let local = Store::local(folder.path());
        assert!(erased(&local));
        for integrity in [Integrity::Checksums, Integrity::ReadBack] {
            let inner = copied(self::folder(format).path());
            let store = remote(&inner, None, integrity).1;
            assert!(erased(&store));
            assert_eq!(end_state(&store), end_state(&local));
        }
    }
}

#[test]
fn a_fault_at_any_call_and_another_attempt_end_in_the_same_objects() {
    let folder = folder(FORMATS[0]);
    let inner = copied(folder.path());
    let (service, store) = remote(&inner, None, Integrity::Checksums);
    assert!(erased(&store));
    let (calls, expected) = (service.calls(), end_state(&store));
    assert!(calls > 40, "{calls} calls");
    for (first, fault) in Fault::ALL.into_iter().enumerate() {
        // Each fault at other calls: all of them take minutes.
        for at in (first..calls).step_by(Fault::ALL.len()) {
            let inner = copied(folder.path());
            let was_erased = erased(&remote(&inner, Some((at, fault)), Integrity::Checksums).1);
            let store = remote(&inner, None, Integrity::Checksums).1;
            // The export is right also before the next attempt.
            let report = verify(&store, &VerifyOptions { run: None, depth: Depth::Deep }).unwrap();
            assert_eq!(report.damages, [], "{fault:?} at {at}");
            if !was_erased {
                let stage = tempfile::tempdir().unwrap();
                let target =
                    EraseTarget { out: &store, stage: &stage.path().join("stage"), held: &|| Ok(()) };
                let finished = finish(target).unwrap();
                assert!(finished.is_some() || erased(&store), "{fault:?} at {at}");
            }
            assert_eq!(end_state(&store), expected, "{fault:?} at {at}");
        }
    }
}
