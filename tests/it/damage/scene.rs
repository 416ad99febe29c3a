//! An export of three runs that can be damaged and repaired.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chatzy_export::internals::output::manifest::Manifest;

use crate::support::export::{Export, Outcome, write};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::Service;

/// The check that finds a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    Files,
    Deep,
    /// It is a warning, not damage.
    Warning,
}

/// One damage.
#[derive(Debug)]
pub struct Harm {
    pub kind: &'static str,
    pub what: String,
    /// The files that a finding must name.
    pub named: Vec<String>,
    pub found_by: FoundBy,
}

/// An export, and its state before the damage.
pub struct Scene {
    pub name: &'static str,
    pub out: PathBuf,
    /// The runs, the oldest first.
    pub runs: Vec<String>,
    /// All files as they were written.
    pub files: BTreeMap<String, Vec<u8>>,
    touched: BTreeSet<String>,
    _export: Outcome,
}

impl Scene {
    /// Three chained runs: one with failed contacts, one with an unresolved one, one complete.
    pub fn new(name: &'static str, formats: [&str; 3]) -> Self {
        let calm = Service::start("");
        let wild = Service::start("--wild 0.2 --wild-kind valid");
        // Each request for `restless` returns new messages.
        let restless = Scripted::api(|asked| {
            let mut answer = Answer::page(asked, 30);
            answer.body = answer.body.replace("\"restless-", &format!("\"{}-", asked.before));
            answer
        });
        let runs = [
            (calm.url(), "messages-12-a poison-3-b unknown-c empty-d poison-2-e", "failed"),
            (restless.url(), "f restless h", "unresolved"),
            (wild.url(), "messages-9-i messages-5-j", "exported"),
        ];
        let export =
            Export::run_of(calm.url(), ["unused"]).without("--base-url").args("--page-size 10 --allow-mixed");
        let mut last = None;
        for (at, ((url, contacts, status), format)) in runs.into_iter().zip(formats).enumerate() {
            export.write("contacts.csv", contacts.replace(' ', "\n"));
            let run = export.clone().base_url(url).args(format);
            let outcome = run.args(&format!("--retries 0 --run-id run-{at}")).run();
            assert!(outcome.contacts(status) > 0, "{status}: {}", outcome.stderr);
            last = Some(outcome);
        }
        let outcome = last.expect("three runs");
        let files = outcome.tree().into_iter();
        let files = files.map(|path| (path.clone(), fs::read(outcome.out.join(&path)).expect("a file")));
        Self {
            name,
            out: outcome.out.clone(),
            runs: (0..3).map(|at| format!("run-{at}")).collect(),
            files: files.collect(),
            touched: BTreeSet::new(),
            _export: outcome,
        }
    }

    /// The path of a file in `_runs`.
    pub fn run_file(&self, run: usize, name: &str) -> String {
        format!("_runs/{}/{name}", self.runs[run])
    }

    /// A manifest as it was written.
    pub fn manifest(&self, run: usize) -> Manifest {
        Manifest::parse(&self.files[&self.run_file(run, "manifest.json")]).expect("a manifest")
    }

    /// Writes these bytes to the path.
    pub fn put(&mut self, path: &str, bytes: impl AsRef<[u8]>) {
        store(&self.touch(path), bytes.as_ref());
    }

    /// Removes the object at the path.
    pub fn take_away(&mut self, path: &str) {
        remove(&self.touch(path));
    }

    /// The full path of an object to change.
    pub fn touch(&mut self, path: &str) -> PathBuf {
        self.touched.insert(path.to_owned());
        self.out.join(path)
    }

    /// Repairs the export.
    pub fn undo(&mut self) {
        for path in std::mem::take(&mut self.touched) {
            let full = self.out.join(&path);
            match self.files.get(&path) {
                Some(bytes) => store(&full, bytes),
                None => remove(&full),
            }
        }
    }
}

/// Overwrites a plain file in place, because file systems flush a file that is truncated and written again.
fn store(path: &Path, bytes: &[u8]) {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file()) {
        let mut file = File::options().write(true).open(path).expect("a file of ours");
        file.write_all(bytes).expect("written");
        file.set_len(bytes.len() as u64).expect("cut");
    } else {
        remove(path);
        write(path, bytes);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
}

/// Removes a file, a symlink or an empty folder.
fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir(path).expect("an empty folder"),
        Ok(_) => fs::remove_file(path).expect("removed"),
        Err(_) => {}
    }
}
