//! Due contacts of an incremental run.
//!
//! They are decided once, at the start of the run, from the state of earlier runs
//! ([`super::previous_state`]). The work folder keeps the decision for a resumed run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ExportError;
use super::identity::difference;
use super::previous_state::{PreviousState, known, summary, times_or_ask};
use super::work_folder::{Run, WorkFolder};
use crate::api::Client;
use crate::contact_read::Status;
use crate::contacts::ContactList;
use crate::digest::sha256_of_file;
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::output::ExportPath;
use crate::output::manifest::StateEntry;
use crate::publish::DECISION;
use crate::state::{self, Due, Known, RunResult, StateError, Times};
use crate::store::Store;

/// `decision.json`: marks the decision file beside it as complete.
#[derive(Serialize, Deserialize)]
struct DecisionRecord {
    sha256: String,
    full: bool,
}

/// An incremental run, its previous state and its work folder.
pub struct IncrementalRun<'a> {
    pub previous: PreviousState<'a>,
    pub work: &'a WorkFolder,
    pub run: &'a Run,
}

impl IncrementalRun<'_> {
    /// The due contacts: as decided before, or else decided and saved now. `times` are given if the list was
    /// just read.
    pub async fn due(
        &self,
        contacts: &ContactList,
        times: Option<Times>,
        client: &Client,
        observer: &SharedObserver,
    ) -> Result<Due, ExportError> {
        if let Some(due) = self.decided(contacts)? {
            return Ok(due);
        }
        if self.work.has_answers() {
            return Err(self.bad("its decision on due contacts is missing"));
        }
        let state = self.previous.state(observer)?;
        let times = times_or_ask(times, contacts, client, observer).await?;
        // The list needs more memory while it is read than afterwards. So the state is read after it.
        tokio::task::block_in_place(|| {
            let known = known(state.as_ref(), contacts)?;
            self.decide(contacts, &known, &times, observer)
        })
    }

    fn decide(
        &self,
        contacts: &ContactList,
        known: &Known,
        times: &Times,
        observer: &SharedObserver,
    ) -> Result<Due, ExportError> {
        let (reasons, written) = self
            .previous
            .decision(self.run.started_at, contacts, known, times)?
            .make(&self.decision_file())?;
        let record =
            json!(DecisionRecord { sha256: written.sha256, full: self.previous.settings.full }).to_string();
        durable::replace(&self.work.folder.join(DECISION[0]), record.as_bytes())?;
        observer.event(Event::Note { message: summary(&reasons) });
        Ok(Due::of(reasons.iter().map(Option::is_some).collect::<Vec<_>>()))
    }

    /// The decision of an earlier attempt.
    fn decided(&self, contacts: &ContactList) -> Result<Option<Due>, ExportError> {
        let Some(record) = self.record()? else { return Ok(None) };
        if self.previous.settings.full && !record.full {
            let differences = vec![difference("--full", "not set", "true")];
            return Err(ExportError::DoesNotFit { run_id: self.run.run_id.to_string(), differences });
        }
        match state::read_due(&Store::local(&self.work.folder), Path::new(DECISION[1]), contacts.len()) {
            Ok(due) if sha256_of_file(&self.decision_file())?.0 == record.sha256 => Ok(Some(due)),
            Ok(_) | Err(StateError::Unreadable { .. }) => {
                Err(self.bad("its decision on due contacts is damaged"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn record(&self) -> Result<Option<DecisionRecord>, ExportError> {
        let Some(text) = durable::read_if_exists(&self.work.folder.join(DECISION[0]))? else {
            return Ok(None);
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| self.bad(&error.to_string()))
    }

    /// Writes the run's new state to the staging folder.
    pub fn stage_state(&self, statuses: &[Status]) -> Result<StagedState, ExportError> {
        let is_full = self.record()?.is_some_and(|record| record.full);
        let path = ExportPath::state(&self.run.run_id);
        let staged = self.work.stage().join(&path);
        let folder = staged.parent().unwrap_or(&staged);
        durable::create_dir_all(folder)?;
        let result = RunResult {
            statuses,
            at: self.run.started_at,
            run_id: self.run.run_id.as_str(),
            scope: &self.previous.scope(),
        };
        let written =
            state::next((&Store::local(&self.work.folder), Path::new(DECISION[1])), &staged, &result)?;
        durable::sync_dir(folder)?;
        let state::WrittenFile { rows, bytes, sha256 } = written;
        Ok(StagedState { entry: StateEntry { path, rows, bytes, sha256 }, is_full })
    }

    fn decision_file(&self) -> PathBuf {
        self.work.folder.join(DECISION[1])
    }

    fn bad(&self, what: &str) -> ExportError {
        ExportError::BadWork { path: self.work.folder.clone(), what: what.to_owned() }
    }
}

/// The staged state of an incremental run.
pub struct StagedState {
    pub entry: StateEntry,
    /// True if all contacts were due because of `--full`.
    pub is_full: bool,
}
