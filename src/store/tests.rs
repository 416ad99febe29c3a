//! One suite over all kinds of locations: what the rooms above rely on.

pub(crate) mod faults;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::memory::InMemory;

use super::{CompletionError, Created, Hashed, Integrity, Kind, Replaced, StagedFile, StagingFolder, Store};
use crate::digest::sha256;
use crate::durable::{self, Content, Opened};

/// A location, and a folder for its staged files.
struct Scene {
    folder: tempfile::TempDir,
    store: Store,
}

impl Scene {
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn stage(&self, path: &str, text: &str) {
        let path = self.work().join("stage").join(path);
        durable::create_dir_all(path.parent().unwrap()).unwrap();
        durable::replace(&path, text.as_bytes()).unwrap();
    }

    /// Publishes one staged file.
    fn publish(&self, path: &str, text: &str) -> Result<(), CompletionError> {
        let (work, sha256) = (self.work(), sha256(text));
        let (stage, bytes) = (work.join("stage"), text.len() as u64);
        let from = StagingFolder { stage: &stage, work: &work };
        let files = [StagedFile { path: Path::new(path), bytes, sha256: &sha256 }];
        self.store.upload(from, &files)?;
        self.store.complete(from, &files, &mut |_| Ok(()))
    }
}

/// Runs a test on a folder and on a prefix of an object store.
fn on_each(test: impl Fn(&Scene)) {
    let folder = || tempfile::tempdir().unwrap();
    let local = folder();
    let store = Store::local(&local.path().join("out"));
    test(&Scene { folder: local, store });
    for integrity in [Integrity::Checksums, Integrity::ReadBack] {
        for url in ["s3://bucket/a/prefix", "gs://bucket"] {
            let store = Store::of_service(url, Arc::new(InMemory::new()), integrity);
            test(&Scene { folder: folder(), store });
        }
    }
}

#[test]
fn a_written_file_is_read_back_and_listed() {
    on_each(|Scene { store, .. }| {
        store.prepare("_runs").unwrap();
        assert_eq!(store.kind("messages/a").unwrap(), Kind::Missing);
        assert!(!store.is_folder("messages").unwrap());
        assert!(matches!(store.open("messages/a").unwrap(), Opened::Missing));
        assert!(matches!(store.read("messages/a", 9).unwrap(), Content::Missing));
        assert_eq!(store.hash("messages/a").unwrap(), Hashed::Missing);
        assert_eq!(store.list("messages").unwrap(), []);
        assert_eq!(store.modified("messages/a").unwrap(), None);

        store.write("messages/month=2026-11/b", b"old").unwrap();
        store.write("messages/month=2026-11/b", b"bb").unwrap();
        store.write("messages/channel=web%2Fx/a", b"a").unwrap();
        store.write("messages-other/c", b"c").unwrap();
        assert!(store.is_folder("messages").unwrap());
        assert_eq!(store.kind("messages/month=2026-11/b").unwrap(), Kind::File(2));
        let listed: Vec<_> = store.list("messages").unwrap().into_iter().map(|found| found.path).collect();
        assert_eq!(listed, ["messages/channel=web%2Fx/a", "messages/month=2026-11/b"]);
        let several = ["messages/month=2026-11/b", "messages/none", "messages-other/c"].map(Path::new);
        let several = store.read_several(&several, 9).unwrap();
        assert!(
            matches!(several.as_slice(), [Content::Bytes(b), Content::Missing, Content::Bytes(c)] if b == b"bb" && c == b"c")
        );
        let Opened::File(mut file, 2) = store.open("messages/month=2026-11/b").unwrap() else {
            panic!("no file")
        };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bb");
        assert!(
            matches!(store.read("messages/month=2026-11/b", 2).unwrap(), Content::Bytes(text) if text == b"bb")
        );
        assert!(matches!(store.read("messages/month=2026-11/b", 1).unwrap(), Content::TooLarge(1)));
        assert_eq!(store.hash("messages/month=2026-11/b").unwrap(), Hashed::Sha256(sha256("bb")));
        assert!(store.modified("messages/month=2026-11/b").unwrap().is_some());
        assert_eq!(store.loose_permissions("messages/month=2026-11/b").unwrap(), None);
    });
}

#[test]
fn paths_that_lead_elsewhere_have_no_file() {
    on_each(|Scene { store, .. }| {
        store.prepare("").unwrap();
        for path in ["../secret", "/etc/passwd", "a/../../b", ""] {
            assert_eq!(store.kind(path).unwrap(), Kind::NotRegular, "{path:?}");
            assert!(!matches!(store.open(path), Ok(Opened::File(..))), "{path:?}");
        }
    });
}

#[test]
fn a_file_is_created_once() {
    on_each(|Scene { store, .. }| {
        store.prepare("").unwrap();
        assert_eq!(store.create("_runs/r/manifest.json", b"1").unwrap(), Created::Written);
        assert_eq!(store.create("_runs/r/manifest.json", b"1").unwrap(), Created::Written, "a repetition");
        assert_eq!(store.create("_runs/r/manifest.json", b"2").unwrap(), Created::Foreign);
        assert!(
            matches!(store.read("_runs/r/manifest.json", 9).unwrap(), Content::Bytes(text) if text == b"1")
        );
        let alone = store.unconditional();
        assert_eq!(alone.create("_runs/r/manifest.json", b"2").unwrap(), Created::Foreign);
        assert_eq!(alone.create("_runs/s/manifest.json", b"2").unwrap(), Created::Written);
    });
}

#[test]
fn the_first_of_many_creates_a_file() {
    on_each(|Scene { store, .. }| {
        store.prepare("").unwrap();
        let path = "messages/_delta_log/0.json";
        let create = |content: String| {
            let store = store.clone();
            std::thread::spawn(move || (store.create_first(path, content.as_bytes()).unwrap(), content))
        };
        let threads: Vec<_> = (0..8).map(|number| create(number.to_string())).collect();
        let mut created: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        created.retain(|(created, _)| *created == Created::Written);
        let [(_, won)] = created.as_slice() else { panic!("{created:?}") };
        let content = store.read(path, 9).unwrap();
        assert!(matches!(content, Content::Bytes(text) if text == won.as_bytes()));
        assert_eq!(store.create_first(path, won.as_bytes()).unwrap(), Created::Written, "a repetition");
        assert_eq!(store.list("messages").unwrap().len(), 1, "nothing is left over");
    });
}

#[test]
fn a_version_is_replaced_once() {
    on_each(|Scene { store, .. }| {
        store.prepare("").unwrap();
        let (content, none) = store.read_version("_runs/latest.json", 9).unwrap();
        assert!(matches!(content, Content::Missing));
        assert_eq!(store.replace("_runs/latest.json", b"1", &none).unwrap(), Replaced::Written);
        let (_, first) = store.read_version("_runs/latest.json", 9).unwrap();
        assert_eq!(store.replace("_runs/latest.json", b"2", &first).unwrap(), Replaced::Written);
        assert_eq!(
            store.replace("_runs/latest.json", b"2", &first).unwrap(),
            Replaced::Written,
            "a repetition"
        );
        if store.folder().is_none() {
            assert_eq!(store.replace("_runs/latest.json", b"3", &first).unwrap(), Replaced::Conflict);
            assert_eq!(store.replace("_runs/latest.json", b"3", &none).unwrap(), Replaced::Conflict);
            assert!(
                matches!(store.read("_runs/latest.json", 9).unwrap(), Content::Bytes(text) if text == b"2")
            );
        }
        let alone = store.unconditional();
        assert_eq!(alone.replace("_runs/latest.json", b"4", &first).unwrap(), Replaced::Written);
    });
}

#[test]
fn files_are_renamed_and_removed_repeatedly() {
    on_each(|Scene { store, .. }| {
        store.write("_runs/r/manifest.json", b"1").unwrap();
        for _ in 0..2 {
            store.rename("_runs/r/manifest.json", "_runs/r/manifest.pruned.json").unwrap();
            assert_eq!(store.kind("_runs/r/manifest.json").unwrap(), Kind::Missing);
            assert_eq!(store.kind("_runs/r/manifest.pruned.json").unwrap(), Kind::File(1));
        }
        for _ in 0..2 {
            store.remove(&[Path::new("_runs/r/manifest.pruned.json"), Path::new("_runs/r/x")]).unwrap();
            store.remove_empty_folders(&BTreeSet::from([Path::new("_runs"), Path::new("_runs/r")])).unwrap();
            assert!(!store.is_folder("_runs").unwrap());
        }
    });
}

#[test]
fn staged_files_are_published_and_taken_back() {
    on_each(|scene| {
        let path = "messages/month=2026-11/part-r-00000.jsonl";
        scene.stage(path, "text");
        scene.store.write("messages/notes.txt", b"mine").unwrap();
        scene.publish(path, "text").unwrap();
        scene.publish(path, "text").unwrap();
        assert_eq!(scene.store.hash(path).unwrap(), Hashed::Sha256(sha256("text")));
        let (work, sha256) = (scene.work(), sha256("text"));
        let stage = work.join("stage");
        let from = StagingFolder { stage: &stage, work: &work };
        let files = [StagedFile { path: Path::new(path), bytes: 4, sha256: &sha256 }];
        for _ in 0..2 {
            scene.store.withdraw(from, &files).unwrap();
            assert_eq!(scene.store.kind(path).unwrap(), Kind::Missing);
        }
        assert_eq!(scene.store.kind("messages/notes.txt").unwrap(), Kind::File(4));
    });
}

#[test]
fn uploaded_files_are_invisible_until_they_are_completed() {
    on_each(|scene| {
        let path = "messages/part-r-00000.jsonl";
        scene.stage(path, "text");
        let (work, sha256) = (scene.work(), sha256("text"));
        let stage = work.join("stage");
        let from = StagingFolder { stage: &stage, work: &work };
        let files = [StagedFile { path: Path::new(path), bytes: 4, sha256: &sha256 }];
        scene.store.upload(from, &files).unwrap();
        assert_eq!(scene.store.list("messages").unwrap(), []);
        scene.store.complete(from, &files, &mut |_| Ok(())).unwrap();
        assert_eq!(scene.store.kind(path).unwrap(), Kind::File(4));
    });
}

#[test]
fn another_file_is_never_replaced() {
    on_each(|scene| {
        let path = "messages/part-r-00000.jsonl";
        for other in ["mine", "longer text"] {
            scene.store.write(path, other.as_bytes()).unwrap();
            scene.stage(path, "text");
            let error = scene.publish(path, "text").unwrap_err();
            assert!(matches!(error, CompletionError::Foreign { .. }), "{error}");
            assert_eq!(scene.store.hash(path).unwrap(), Hashed::Sha256(sha256(other)));
        }
    });
}

#[test]
fn a_staged_file_that_is_missing_or_changed_is_not_published() {
    on_each(|scene| {
        let path = "messages/part-r-00000.jsonl";
        for text in [None, Some("tex")] {
            if let Some(text) = text {
                scene.stage(path, text);
            }
            let error = scene.publish(path, "text").unwrap_err();
            assert!(matches!(error, CompletionError::Missing { .. }), "{error}");
            assert_eq!(scene.store.kind(path).unwrap(), Kind::Missing);
        }
    });
}

#[test]
fn large_files_have_several_parts() {
    let text = "0123456789abcdef".repeat((20 << 20) / 16);
    for integrity in [Integrity::Checksums, Integrity::ReadBack] {
        let store = Store::of_service("s3://bucket/p", Arc::new(InMemory::new()), integrity);
        let scene = Scene { folder: tempfile::tempdir().unwrap(), store };
        scene.stage("raw/part-r-00000.jsonl.zst", &text);
        scene.publish("raw/part-r-00000.jsonl.zst", &text).unwrap();
        assert_eq!(scene.store.hash("raw/part-r-00000.jsonl.zst").unwrap(), Hashed::Sha256(sha256(&text)));
    }
}
