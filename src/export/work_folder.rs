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
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::ExportError;
use super::identity::{Difference, Identity, difference};
use super::shards;
use crate::api::Requests;
use crate::contact_read::{OffsetUnit, ServerBehavior, Status};
use crate::durable::{self, Content};
use crate::fetch::FirstPages;
use crate::id::RunId;
use crate::layout;
use crate::lock::Lock;
use crate::publish::{self, Published};
use crate::settings::{UnfinishedPolicy, Window};
use crate::spool::{self, Entry, Ledger};
use crate::store::{Kind, Store, UPLOADS};

/// Maximum size of `run.json`. A command line of the system fits several times.
const MAX_RUN_FILE: u64 = 16 << 20;

/// A new or unfinished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "a run ID is called so everywhere")]
pub struct Run {
    pub run_id: RunId,
    /// Start of the run in microseconds since 1970. Every row has this time.
    pub started_at: i64,
    pub identity: Identity,
    /// Folder of the files of a shard, below that of the run. Only shards have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// URL or absolute path of the export, if the work folder is not in it. Uploads and published files of the run
    /// are there. Runs of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The command that resumes the run. Runs of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<ResumeCommand>,
}

/// The command that resumes a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeCommand {
    /// The command, quoted for a shell.
    pub line: String,
    /// Its working directory.
    pub directory: String,
}

impl Run {
    /// UTC date of the start.
    pub fn day(&self) -> NaiveDate {
        DateTime::from_timestamp_micros(self.started_at).unwrap_or_default().date_naive()
    }
}

/// The work folder of an export.
pub struct WorkFolder {
    out: Store,
    pub folder: PathBuf,
}

/// Contents of a spool that earlier attempts wrote.
pub struct Recovered {
    pub ledger: Ledger,
    pub next_segment: u32,
    pub learned: ServerBehavior,
    pub already_read: u64,
    /// Messages of these contacts.
    pub already_read_messages: u64,
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
    pub fn new(out: &Store, folder: &Path) -> Self {
        Self { out: out.clone(), folder: folder.to_owned() }
    }

    /// Folder of the spool's segments.
    pub fn spool(&self) -> PathBuf {
        self.folder.join(publish::SPOOL)
    }

    /// Folder of the staged files.
    pub fn stage(&self) -> PathBuf {
        self.folder.join(publish::STAGE)
    }

    /// The place of the export.
    pub fn store(&self) -> &Store {
        &self.out
    }

    /// URL or absolute path of the export, if the work folder is not in it.
    pub fn location(&self) -> Option<String> {
        match self.out.folder() {
            None => Some(self.out.display().to_string()),
            // An export may be moved together with its work folder.
            Some(out) if self.folder == out.join(layout::WORK) => None,
            Some(out) => std::path::absolute(out).ok().map(|path| path.display().to_string()),
        }
    }

    /// The difference if the run belongs to an export at another location.
    fn other_location(&self, run: &Run) -> Option<Difference> {
        let (then, now) = (run.location.as_deref()?, self.location());
        let now = now.as_deref().unwrap_or("the folder around the work folder");
        (then != now).then(|| difference("--out", then, now))
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
                let unfinished = self.unfinished()?;
                if let Some(run) = &unfinished
                    && let Some(difference) = self.other_location(run)
                {
                    let (run_id, differences) = (run.run_id.to_string(), vec![difference]);
                    return Err(ExportError::DoesNotFit { run_id, differences });
                }
                if let Some(run) = &unfinished
                    && let Some(difference) = identity.other_erasures(&run.identity)
                {
                    let (run_id, differences) = (run.run_id.to_string(), vec![difference]);
                    return Err(ExportError::DoesNotFit { run_id, differences });
                }
                if let Some(run) = &unfinished {
                    lock.set_run(&run.run_id)?;
                }
                let is_this_run = unfinished.is_some_and(|run| {
                    identity.differences(&run.identity).is_empty()
                        && run_id.is_none_or(|run_id| *run_id == run.run_id)
                });
                let mut check = |_: &str| Ok(lock.check()?);
                Ok(publish::resume(&self.out, &self.folder, &mut check)?.filter(|_| is_this_run))
            }
            UnfinishedPolicy::Discard => {
                let unfinished = self.unfinished()?;
                if let Some(run) = &unfinished
                    && (self.folder.join(publish::JOURNAL).exists() || self.folder.join(UPLOADS).exists())
                    && let Some(difference) = self.other_location(run)
                {
                    // Its files can only be taken back where they are.
                    let (run_id, differences) = (run.run_id.to_string(), vec![difference]);
                    return Err(ExportError::DoesNotFit { run_id, differences });
                }
                self.remove_run()?;
                // A journal may be there without a run.
                publish::withdraw(&self.out, &self.folder)?;
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
        durable::remove_file(&self.folder.join(UPLOADS))?;
        for name in publish::DECISION {
            durable::remove_file(&self.folder.join(name))?;
        }
        durable::remove_file(&self.discarded_file())?;
        durable::remove_dir_if_empty(&self.folder);
        Ok(())
    }

    /// Removes the run: its files are elsewhere by now, or not needed.
    pub fn remove_run(&self) -> Result<(), ExportError> {
        if self.run_file().exists() {
            durable::rename(&self.run_file(), &self.discarded_file())?;
            durable::sync_dir(&self.folder)?;
        }
        self.discard()
    }

    /// Removes a run that has requested nothing of a contact, so that another command can start.
    pub fn abandon(&self) -> Result<(), ExportError> {
        if !self.has_answers() {
            // A run without a spool can be resumed, but not a spool without a run.
            durable::remove_tree(&self.spool())?;
            durable::remove_file(&self.run_file())?;
            durable::remove_dir_if_empty(&self.folder);
        }
        Ok(())
    }

    /// The unfinished run, if there is one.
    pub fn unfinished(&self) -> Result<Option<Run>, ExportError> {
        if !durable::is_real_dir(&self.folder)? {
            return Ok(None);
        }
        let bad = |what: String| ExportError::BadWork { path: self.folder.clone(), what };
        let text = match durable::read_below(&self.folder, Path::new(publish::RUN), MAX_RUN_FILE)? {
            Content::Bytes(text) => text,
            Content::Missing => return Ok(None),
            Content::NotRegular => return Err(durable::not_a_regular_file(&self.run_file()).into()),
            Content::TooLarge(limit) => return Err(bad(durable::too_large(limit))),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| bad(error.to_string()))
    }

    /// Resumes the unfinished run, or starts a new one.
    pub fn open(
        &self,
        choice: UnfinishedPolicy,
        run_id: Option<RunId>,
        (identity, command): (&Identity, Option<ResumeCommand>),
    ) -> Result<Run, ExportError> {
        if let Some(run) = self.resume(choice, run_id.as_ref(), identity)? {
            return Ok(run);
        }
        let now = Utc::now();
        let run_id = run_id.unwrap_or_else(|| RunId::new(now));
        // All shards of a run have the same time.
        let start = run_id.time().filter(|_| identity.shard.is_some()).unwrap_or(now);
        let (started_at, identity) = (start.timestamp_micros(), identity.clone());
        let attempt = identity.shard.map(shards::new_attempt);
        self.begin(Run { run_id, started_at, identity, attempt, location: self.location(), command })
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
        differences.extend(self.other_location(&run));
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
        if self.out.kind(layout::run_file(&run.run_id, layout::MANIFEST))? != Kind::Missing {
            return Err(ExportError::RunIdTaken { run_id: run.run_id.to_string() });
        }
        durable::create_dir_all(&self.folder)?;
        let text =
            serde_json::to_vec_pretty(&run).map_err(|_| ExportError::Bug("run.json cannot be encoded"))?;
        durable::replace(&self.run_file(), &text)?;
        durable::create_dir_all(&self.spool())?;
        Ok(run)
    }

    /// Gives this attempt the window of the run's first start, and returns it. A relative time such as `7d` would
    /// otherwise move with each attempt.
    pub fn keep_window(&self, run: &Run, identity: &mut Identity) -> Result<Window, ExportError> {
        identity.options.keep_window_of(&run.identity.options);
        identity.options.window().map_err(|name| ExportError::BadWork {
            path: self.folder.clone(),
            what: format!("invalid time in options.{name} of run.json"),
        })
    }

    /// Scans the spool. Contacts that failed are read again.
    pub fn recover(&self, contacts: usize) -> Result<Recovered, ExportError> {
        durable::create_dir_all(&self.spool())?;
        let ledger = Ledger::new(contacts);
        let mut learned = ServerBehavior::default();
        let (mut pages, mut failed, first_pages) = (0, HashSet::new(), FirstPages::default());
        let mut messages_of = vec![0_u32; contacts];
        let next_segment = spool::recover(&self.spool(), |entry, place| {
            ledger.enter(&entry, place);
            match entry {
                Entry::Page { .. } => pages += 1,
                Entry::Done { contact, outcome, learned: then, first_page, messages } => {
                    learned = join(learned, then);
                    if let Some(count) = messages_of.get_mut(contact as usize) {
                        *count = u32::try_from(messages).unwrap_or(u32::MAX);
                    }
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
        let (mut already_read, mut already_read_messages) = (0, 0);
        for (contact, messages) in (0..).zip(messages_of) {
            if ledger.is_done(contact) {
                already_read += 1;
                already_read_messages += u64::from(messages);
            }
        }
        let requests = EarlierRequests { pages };
        Ok(Recovered {
            ledger,
            next_segment,
            learned,
            already_read,
            already_read_messages,
            requests,
            first_pages,
        })
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
