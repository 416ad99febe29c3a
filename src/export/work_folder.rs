//! The work folder, and the unfinished run in it.
//!
//! ```text
//! _work/lock, owner.json   the lock of the run: [`crate::lock`]
//! _work/run.json           ID, start and identity of the run; a resuming command has the same identity
//! _work/all-contacts.json  all contacts of the account, if the run exports them
//! _work/decision.*         due contacts of an incremental run
//! _work/spool/             responses
//! _work/stage/             staged files
//! _work/publish.json       journal of the publication, from its start on
//! _work/discarded.json     run.json renamed by --fresh; from then on the run cannot be resumed
//! ```

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ExportError;
use crate::api::Requests;
use crate::contact_read::{OffsetUnit, ServerBehavior, Status};
use crate::durable;
use crate::fetch::FirstPages;
use crate::id::RunId;
use crate::layout;
use crate::lock::Lock;
use crate::output::manifest::RunOptions;
use crate::publish::{self, Published};
use crate::settings::UnfinishedPolicy;
use crate::spool::{self, Entry, Ledger};

/// Properties that a resumed run must have in common with its first attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Major version of this program. Another one may read the spool differently.
    pub major_version: String,
    /// Version of the tables.
    pub schema_version: u32,
    /// Address of the API.
    pub base_url: String,
    /// SHA-256 of the contacts file, or `all-contacts`.
    pub input_sha256: String,
    /// Options of the run.
    pub options: RunOptions,
    /// SHA-256 of the manifest that `rebuild` makes the run from.
    #[serde(default)]
    pub rebuilt_from: Option<String>,
}

/// One difference between a command and the unfinished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the property or option.
    pub what: String,
    /// Value in the unfinished run.
    pub before: String,
    /// Value in the command.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {} and is now {}", self.what, self.before, self.now)
    }
}

/// A new or unfinished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "a run ID is called so everywhere")]
pub struct Run {
    pub run_id: RunId,
    /// Start of the run in microseconds since 1970. Every row has this time.
    pub started_at: i64,
    pub identity: Identity,
}

impl Run {
    /// UTC date of the start.
    pub fn day(&self) -> NaiveDate {
        DateTime::from_timestamp_micros(self.started_at).unwrap_or_default().date_naive()
    }
}

/// The work folder of an export.
pub struct WorkFolder {
    out: PathBuf,
    pub folder: PathBuf,
}

/// Contents of a spool that earlier attempts wrote.
pub struct Recovered {
    pub ledger: Ledger,
    pub next_segment: u32,
    pub learned: ServerBehavior,
    pub already_read: u64,
    pub requests: EarlierRequests,
    /// Fingerprints of the contacts' first pages.
    pub first_pages: FirstPages,
}

/// Requests of earlier attempts: one per page in the spool. The others are not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct EarlierRequests {
    pages: u64,
}

impl EarlierRequests {
    /// Adds the requests of this attempt.
    pub fn and(self, mut requests: Requests) -> Requests {
        if self.pages > 0 {
            requests.sent += self.pages;
            *requests.by_status.entry("200".to_owned()).or_default() += self.pages;
        }
        requests
    }
}

impl WorkFolder {
    pub fn new(out: &Path, folder: &Path) -> Self {
        Self { out: out.to_owned(), folder: folder.to_owned() }
    }

    /// Folder of the spool's segments.
    pub fn spool(&self) -> PathBuf {
        self.folder.join(publish::SPOOL)
    }

    /// Folder of the staged files.
    pub fn stage(&self) -> PathBuf {
        self.folder.join(publish::STAGE)
    }

    fn run_file(&self) -> PathBuf {
        self.folder.join(publish::RUN)
    }

    /// Path of the list of the account's contacts.
    pub fn list_file(&self) -> PathBuf {
        self.folder.join(publish::LIST)
    }

    /// True if the spool has a segment.
    pub fn has_answers(&self) -> bool {
        std::fs::read_dir(self.spool()).is_ok_and(|mut segments| segments.next().is_some())
    }

    fn discarded_file(&self) -> PathBuf {
        self.folder.join("discarded.json")
    }

    /// Finishes the publication of an interrupted run, or discards the run with `--fresh`.
    ///
    /// Returns the published run only if it is the run of this command. Otherwise the command still has its
    /// own run to do.
    pub fn finish_publishing(
        &self,
        unfinished: UnfinishedPolicy,
        run_id: Option<&RunId>,
        identity: &Identity,
        lock: &Lock,
    ) -> Result<Option<Published>, ExportError> {
        match unfinished {
            UnfinishedPolicy::Resume => {
                self.discard()?; // finish an interrupted --fresh
                let is_this_run = self.unfinished()?.is_some_and(|run| {
                    identity.differences(&run.identity).is_empty()
                        && run_id.is_none_or(|run_id| *run_id == run.run_id)
                });
                let mut check = |_: &str| Ok(lock.check()?);
                Ok(publish::resume(&self.out, &self.folder, &mut check)?.filter(|_| is_this_run))
            }
            UnfinishedPolicy::Discard => {
                if self.run_file().exists() {
                    durable::rename(&self.run_file(), &self.discarded_file())?;
                    durable::sync_dir(&self.folder)?;
                }
                publish::withdraw(&self.out, &self.folder)?;
                self.discard()?;
                Ok(None)
            }
        }
    }

    /// Removes a discarded run, and the folder if it is empty then. `discarded.json` is removed last: until
    /// then, an interruption cannot leave half a spool that looks like an unfinished run.
    fn discard(&self) -> Result<(), ExportError> {
        if !self.discarded_file().exists() {
            return Ok(());
        }
        publish::withdraw(&self.out, &self.folder)?;
        durable::remove_tree(&self.stage())?;
        durable::remove_tree(&self.spool())?;
        durable::remove_file(&self.list_file())?;
        for name in publish::DECISION {
            durable::remove_file(&self.folder.join(name))?;
        }
        durable::remove_file(&self.discarded_file())?;
        durable::remove_dir_if_empty(&self.folder);
        Ok(())
    }

    /// The unfinished run, if there is one.
    pub fn unfinished(&self) -> Result<Option<Run>, ExportError> {
        if !durable::is_real_dir(&self.folder)? {
            return Ok(None);
        }
        let Some(text) = durable::read_if_exists(&self.run_file())? else { return Ok(None) };
        let bad = |error: serde_json::Error| ExportError::BadWork {
            path: self.folder.clone(),
            what: error.to_string(),
        };
        serde_json::from_slice(&text).map(Some).map_err(bad)
    }

    /// Resumes the unfinished run, or starts a new one.
    pub fn open(
        &self,
        choice: UnfinishedPolicy,
        run_id: Option<RunId>,
        identity: &Identity,
    ) -> Result<Run, ExportError> {
        if let Some(run) = self.resume(choice, run_id.as_ref(), identity)? {
            return Ok(run);
        }
        let now = Utc::now();
        let run_id = run_id.unwrap_or_else(|| RunId::new(now));
        self.begin(Run { run_id, started_at: now.timestamp_micros(), identity: identity.clone() })
    }

    /// Resumes or starts `run`, which `rebuild` makes from an archive.
    pub fn open_as(&self, choice: UnfinishedPolicy, run: Run) -> Result<Run, ExportError> {
        match self.resume(choice, Some(&run.run_id), &run.identity)? {
            Some(unfinished) => Ok(unfinished),
            None => self.begin(run),
        }
    }

    /// The unfinished run, if it is to be resumed. It must fit the command.
    fn resume(
        &self,
        choice: UnfinishedPolicy,
        run_id: Option<&RunId>,
        identity: &Identity,
    ) -> Result<Option<Run>, ExportError> {
        if choice == UnfinishedPolicy::Discard {
            return Ok(None);
        }
        let Some(run) = self.unfinished()? else { return Ok(None) };
        let mut differences = identity.differences(&run.identity);
        if let Some(run_id) = run_id.filter(|run_id| **run_id != run.run_id) {
            differences.push(difference("--run-id", run.run_id.as_str(), run_id.as_str()));
        }
        if !differences.is_empty() {
            return Err(ExportError::DoesNotFit { run_id: run.run_id.to_string(), differences });
        }
        Ok(Some(run))
    }

    fn begin(&self, run: Run) -> Result<Run, ExportError> {
        if self.spool().exists() || self.stage().exists() {
            // The files of a run without run.json, or of another program.
            return Err(ExportError::ForeignWork { path: self.folder.clone() });
        }
        if self.out.join(layout::run_file(&run.run_id, layout::MANIFEST)).exists() {
            return Err(ExportError::RunIdTaken { run_id: run.run_id.to_string() });
        }
        durable::create_dir_all(&self.folder)?;
        let text =
            serde_json::to_vec_pretty(&run).map_err(|_| ExportError::Bug("run.json cannot be encoded"))?;
        durable::replace(&self.run_file(), &text)?;
        durable::create_dir_all(&self.spool())?;
        Ok(run)
    }

    /// Scans the spool. Contacts that failed are read again.
    pub fn recover(&self, contacts: usize) -> Result<Recovered, ExportError> {
        durable::create_dir_all(&self.spool())?;
        let ledger = Ledger::new(contacts);
        let mut learned = ServerBehavior::default();
        let (mut pages, mut failed, first_pages) = (0, HashSet::new(), FirstPages::default());
        let next_segment = spool::recover(&self.spool(), |entry, place| {
            ledger.enter(&entry, place);
            match entry {
                Entry::Page { .. } => pages += 1,
                Entry::Done { contact, outcome, learned: then, first_page } => {
                    learned = join(learned, then);
                    if let Some(print) = first_page {
                        first_pages.put(contact, print);
                    }
                    if outcome.status == Status::Failed {
                        failed.insert(contact);
                    } else {
                        failed.remove(&contact);
                    }
                }
                Entry::Reopened { .. } => {}
            }
        })?;
        for contact in failed {
            ledger.retry_failed(contact);
        }
        let already_read =
            (0..u32::try_from(contacts).unwrap_or(u32::MAX)).filter(|at| ledger.is_done(*at)).count();
        let requests = EarlierRequests { pages };
        let already_read = already_read as u64;
        Ok(Recovered { ledger, next_segment, learned, already_read, requests, first_pages })
    }
}

/// Combines what two attempts learned.
fn join(left: ServerBehavior, right: ServerBehavior) -> ServerBehavior {
    let reading = match (left.reading, right.reading) {
        (OffsetUnit::PerConversation, _) | (_, OffsetUnit::PerConversation) => OffsetUnit::PerConversation,
        (OffsetUnit::Total, _) | (_, OffsetUnit::Total) => OffsetUnit::Total,
        (OffsetUnit::Unknown, OffsetUnit::Unknown) => OffsetUnit::Unknown,
    };
    ServerBehavior {
        reading,
        short_pages_lie: left.short_pages_lie || right.short_pages_lie,
        ignores_limit: left.ignores_limit || right.ignores_limit,
        honours_offset: left.honours_offset || right.honours_offset,
        largest_page: left.largest_page.max(right.largest_page),
    }
}

fn difference(what: &str, before: &str, now: &str) -> Difference {
    Difference { what: what.to_owned(), before: before.to_owned(), now: now.to_owned() }
}

impl Identity {
    /// The differences between this command and the run of `before`.
    fn differences(&self, before: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, then: &str, now: &str| {
            if then != now {
                differences.push(difference(what, then, now));
            }
        };
        compare("the version of chatzy-export", &before.major_version, &self.major_version);
        compare("the schema version", &before.schema_version.to_string(), &self.schema_version.to_string());
        compare("--base-url", &before.base_url, &self.base_url);
        let archive = |identity: &Self| identity.rebuilt_from.as_deref().map_or("none", short).to_owned();
        compare("the run to rebuild", &archive(before), &archive(self));
        compare("the contacts file (SHA-256)", short(&before.input_sha256), short(&self.input_sha256));
        let (then, now) = (before.options.by_name(), self.options.by_name());
        let names = then.keys().chain(now.keys().filter(|name| !then.contains_key(*name)));
        for name in names.filter(|name| !RunOptions::DESCRIPTIVE.contains(&name.as_str())) {
            let text = |options: &Map<String, Value>| match options.get(name) {
                None | Some(Value::Null) => "not set".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            compare(&format!("--{}", name.replace('_', "-")), &text(&then), &text(&now));
        }
        differences
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
