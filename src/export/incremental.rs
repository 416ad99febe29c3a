//! Who is due in an incremental run: decided once, when it begins, by what earlier runs have left ([`super::previous_state`]), and
//! kept in the work folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ExportError;
use super::previous_state::{PreviousState, known, times_or_ask, told};
use super::work_folder::{Difference, Run, WorkFolder};
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

/// `decision.json`: written when the decision beside it is, and what makes it one.
#[derive(Serialize, Deserialize)]
struct Kept {
    sha256: String,
    full: bool,
}

/// An incremental run.
pub struct Nightly<'a> {
    pub past: PreviousState<'a>,
    pub work: &'a WorkFolder,
    pub run: &'a Run,
}

impl Nightly<'_> {
    /// Who is due: as was decided, else decided now and written down. `times` are those listed now, where the list was read.
    pub async fn due(
        &self,
        contacts: &ContactList,
        times: Option<Times>,
        client: &Client,
        observer: &SharedObserver,
    ) -> Result<Due, ExportError> {
        if let Some(due) = self.kept(contacts)? {
            return Ok(due);
        }
        if self.work.has_answers() {
            return Err(self.bad("its decision who is due is missing"));
        }
        let state = self.past.state(observer)?;
        let times = times_or_ask(times, contacts, client, observer).await?;
        // What was known is read behind the list, which takes more memory on the way than in the end.
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
        let (reasons, written) =
            self.past.decision(self.run.started_at, contacts, known, times)?.make(&self.decision_file())?;
        let kept = json!(Kept { sha256: written.sha256, full: self.past.settings.full }).to_string();
        durable::replace(&self.work.folder.join(DECISION[0]), kept.as_bytes())?;
        observer.event(Event::Note { message: told(&reasons) });
        Ok(Due::of(reasons.iter().map(Option::is_some).collect::<Vec<_>>()))
    }

    /// What an earlier attempt has decided.
    fn kept(&self, contacts: &ContactList) -> Result<Option<Due>, ExportError> {
        let Some(kept) = self.kept_file()? else { return Ok(None) };
        if self.past.settings.full && !kept.full {
            let [before, now] = ["not set", "true"].map(str::to_owned);
            let differences = vec![Difference { what: "--full".to_owned(), before, now }];
            return Err(ExportError::DoesNotFit { run_id: self.run.run_id.to_string(), differences });
        }
        match state::read_due(&self.work.folder, Path::new(DECISION[1]), contacts.len()) {
            Ok(due) if sha256_of_file(&self.decision_file())?.0 == kept.sha256 => Ok(Some(due)),
            Ok(_) | Err(StateError::Unreadable { .. }) => Err(self.bad("its decision who is due is damaged")),
            Err(error) => Err(error.into()),
        }
    }

    fn kept_file(&self) -> Result<Option<Kept>, ExportError> {
        let Some(text) = durable::read_if_exists(&self.work.folder.join(DECISION[0]))? else {
            return Ok(None);
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| self.bad(&error.to_string()))
    }

    /// Writes the state that the run leaves, staged beside its files.
    pub fn leave_state(&self, statuses: &[Status]) -> Result<Left, ExportError> {
        let is_full = self.kept_file()?.is_some_and(|kept| kept.full);
        let path = ExportPath::state(&self.run.run_id);
        let staged = self.work.stage().join(&path);
        let folder = staged.parent().unwrap_or(&staged);
        durable::create_dir_all(folder)?;
        let reading = RunResult {
            statuses,
            at: self.run.started_at,
            run_id: self.run.run_id.as_str(),
            scope: &self.past.scope(),
        };
        let written = state::next((&self.work.folder, Path::new(DECISION[1])), &staged, &reading)?;
        durable::sync_dir(folder)?;
        let state::Written { rows, bytes, sha256 } = written;
        Ok(Left { state: StateEntry { path, rows, bytes, sha256 }, is_full })
    }

    fn decision_file(&self) -> PathBuf {
        self.work.folder.join(DECISION[1])
    }

    fn bad(&self, what: &str) -> ExportError {
        ExportError::BadWork { path: self.work.folder.clone(), what: what.to_owned() }
    }
}

/// What an incremental run leaves.
pub struct Left {
    pub state: StateEntry,
    /// Whether all contacts were due, whatever was known of them.
    pub is_full: bool,
}
