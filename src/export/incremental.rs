//! Who is due in an incremental run: decided once, when it begins, and kept in the work folder.
//!
//! What was known is the state of the newest run that left one, found along the chain of manifests: runs without
//! `--incremental` in between change nothing of it. A chain or a state that is damaged is no reason to guess: the run ends,
//! and `--full` is the way out. The state holds for what was asked for: with another address, channel or window all
//! contacts are due, as in a first run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ExportError;
use super::unfinished::{Difference, Identity, Run, Work};
use crate::api::Client;
use crate::contacts::ContactList;
use crate::digest::{sha256, sha256_of_file};
use crate::durable::{self, OnPath, StorageError};
use crate::event::{Event, SharedObserver};
use crate::fetch::listing::{self, ListingPlan};
use crate::history::Status;
use crate::output::manifest::{Latest, Manifest, StateEntry};
use crate::publish::DECISION;
use crate::record::listing::ListedContact;
use crate::settings::Incremental;
use crate::state::{self, Decision, Due, Known, Listed, Reading, Reason, Rule, StateError};

/// `decision.json`: written when the decision beside it is, and what makes it one.
#[derive(Serialize, Deserialize)]
struct Kept {
    sha256: String,
    full: bool,
}

/// Why it cannot be known who is due.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot tell which contacts have changed since the last run ({0}): export all of them anew with --full"
)]
pub struct Lost(String);

/// What earlier runs have left.
enum Earlier {
    None,
    /// With another address, channel or window.
    OfSomethingElse,
    Known(Known),
}

/// The `latest_message_time` of the contacts that the account lists, by their IDs.
pub type Times = HashMap<Box<str>, Option<Box<str>>>;

/// An incremental run.
pub struct Nightly<'a> {
    pub settings: Incremental,
    pub identity: &'a Identity,
    pub out: &'a Path,
    pub work: &'a Work,
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
        let known = self.known(observer)?;
        let times = match times {
            Some(times) => times,
            None => {
                times_of(&Box::pin(listing::list(client, &ListingPlan::default(), observer)).await?.contacts)
            }
        };
        tokio::task::block_in_place(|| self.decide(contacts, &known, &times, observer))
    }

    fn decide(
        &self,
        contacts: &ContactList,
        known: &Known,
        times: &Times,
        observer: &SharedObserver,
    ) -> Result<Due, ExportError> {
        let runs = runs_there(self.out)?;
        let scope = self.scope();
        let Incremental { sweep_every, full } = self.settings;
        let decision = Decision {
            rule: Rule { now: self.run.started_at, sweep_every, full },
            known,
            listed: |id: &str| times.get(id).map_or(Listed::Absent, |time| Listed::With(time.as_deref())),
            is_there: |run: &str| runs.contains(run),
            scope: &scope,
        };
        let (reasons, written) = decision.make(&self.decision_file(), || contacts.iter())?;
        let kept = json!(Kept { sha256: written.sha256, full }).to_string();
        durable::replace(&self.work.folder.join(DECISION[0]), kept.as_bytes())?;
        observer.event(Event::Note { message: told(&reasons) });
        Ok(Due::of(reasons.iter().map(Option::is_some).collect::<Vec<_>>()))
    }

    /// What an earlier attempt has decided.
    fn kept(&self, contacts: &ContactList) -> Result<Option<Due>, ExportError> {
        let Some(kept) = self.kept_file()? else { return Ok(None) };
        if self.settings.full && !kept.full {
            let [before, now] = ["not set", "true"].map(str::to_owned);
            let differences = vec![Difference { what: "--full".to_owned(), before, now }];
            return Err(ExportError::DoesNotFit { run_id: self.run.run_id.to_string(), differences });
        }
        match state::read_due(&self.decision_file(), contacts.len()) {
            Ok(due) if sha256_of_file(&self.decision_file())?.0 == kept.sha256 => Ok(Some(due)),
            Ok(_) | Err(StateError::Unreadable { .. }) => Err(self.bad("its decision who is due is damaged")),
            Err(error) => Err(error.into()),
        }
    }

    fn kept_file(&self) -> Result<Option<Kept>, ExportError> {
        let Some(text) = durable::read_if_there(&self.work.folder.join(DECISION[0]))? else {
            return Ok(None);
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| self.bad(&error.to_string()))
    }

    /// Writes the state that the run leaves, staged beside its files.
    pub fn leave_state(&self, statuses: &[Status]) -> Result<Left, ExportError> {
        let is_full = self.kept_file()?.is_some_and(|kept| kept.full);
        let path = StateEntry::path_of(self.run.run_id.as_str());
        let staged = self.work.stage().join(&path);
        let folder = staged.parent().unwrap_or(&staged);
        durable::create_dir_all(folder)?;
        let reading = Reading {
            statuses,
            at: self.run.started_at,
            run_id: self.run.run_id.as_str(),
            scope: &self.scope(),
        };
        let written = state::next(&self.decision_file(), &staged, &reading)?;
        durable::sync_dir(folder)?;
        let state::Written { rows, bytes, sha256 } = written;
        Ok(Left { state: StateEntry { path, rows, bytes, sha256 }, is_full })
    }

    /// What was known before this run.
    fn known(&self, observer: &SharedObserver) -> Result<Known, ExportError> {
        if self.settings.full {
            return Ok(Known::default());
        }
        let note = |message: &str| observer.event(Event::Note { message: message.to_owned() });
        match self.find_known()? {
            Earlier::Known(known) => return Ok(known),
            Earlier::OfSomethingElse => {
                note("earlier runs were told to export something else: all contacts are read");
            }
            Earlier::None => note("no earlier incremental run is there: all contacts are read"),
        }
        Ok(Known::default())
    }

    /// The state of the newest run that left one.
    fn find_known(&self) -> Result<Earlier, ExportError> {
        let Some(state) = find(self.out)? else { return Ok(Earlier::None) };
        let path = self.out.join(&state.path);
        let lost = |what: &str| ExportError::Lost(Lost(format!("{} {what}", path.display())));
        if durable::read_if_there(&path).is_ok_and(|text| text.is_none()) {
            return Err(lost("is missing"));
        }
        if sha256_of_file(&path)?.0 != state.sha256 {
            return Err(lost("is not as it was written"));
        }
        match Known::read(&path, &self.scope()) {
            Ok(Some(known)) => Ok(Earlier::Known(known)),
            Ok(None) => Ok(Earlier::OfSomethingElse),
            Err(StateError::Unreadable { what, .. }) => Err(lost(&format!("cannot be read: {what}"))),
            Err(error) => Err(error.into()),
        }
    }

    /// What a state holds for: with something else of these, what was exported before is no answer.
    fn scope(&self) -> String {
        let option = |name: &str| self.identity.options.get(name).cloned().unwrap_or(Value::Null);
        let mut channels = option("channel");
        if let Value::Array(channels) = &mut channels {
            channels.sort_by_key(ToString::to_string);
        }
        let [flat, since, until] = ["flat", "since", "until"].map(option);
        let base_url = &self.identity.base_url;
        json!({"base_url": base_url, "channel": channels, "flat": flat, "since": since, "until": until})
            .to_string()
    }

    fn decision_file(&self) -> std::path::PathBuf {
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

/// What of a list is remembered.
pub fn times_of(contacts: &[ListedContact]) -> Times {
    let time =
        |contact: &ListedContact| (contact.contact_id.as_str().into(), contact.latest_message_time.clone());
    contacts.iter().map(time).collect()
}

/// The newest state, found along the chain of manifests from `latest.json` on.
fn find(out: &Path) -> Result<Option<StateEntry>, ExportError> {
    let lost = |what: String| Err(ExportError::Lost(Lost(what)));
    let path = out.join("_runs/latest.json");
    let Some(text) = durable::read_if_there(&path)? else {
        let is_first = runs_there(out)?.is_empty();
        return if is_first { Ok(None) } else { lost(format!("{} is missing", path.display())) };
    };
    let Ok(latest) = Latest::parse(&text) else { return lost(format!("{} is damaged", path.display())) };
    let mut next = Some((latest.run_id, latest.sha256));
    while let Some((run_id, expected)) = next {
        let path = out.join("_runs").join(run_id.as_str()).join("manifest.json");
        let Some(text) = durable::read_if_there(&path)? else {
            return lost(format!("{} is missing", path.display()));
        };
        let manifest = match Manifest::parse(&text) {
            Ok(manifest) if sha256(&text) == expected => manifest,
            _ => return lost(format!("{} is not as it was written", path.display())),
        };
        match manifest.state {
            Some(state) if state.path == StateEntry::path_of(run_id.as_str()) => return Ok(Some(state)),
            None if manifest.options.get("incremental") != Some(&Value::Bool(true)) => {}
            _ => return lost(format!("{} names no state of its run", path.display())),
        }
        next = manifest.previous.map(|previous| (previous.run_id, previous.sha256));
    }
    Ok(None)
}

/// The runs whose manifests are there.
fn runs_there(out: &Path) -> Result<HashSet<String>, StorageError> {
    let folder = out.join("_runs");
    let mut runs = HashSet::new();
    if !durable::is_real_dir(&folder)? {
        return Ok(runs);
    }
    for entry in std::fs::read_dir(&folder).on("list", &folder)? {
        let entry = entry.on("list", &folder)?;
        if entry.path().join("manifest.json").is_file()
            && let Ok(name) = entry.file_name().into_string()
        {
            runs.insert(name);
        }
    }
    Ok(runs)
}

/// In one line how many are due, and why.
fn told(reasons: &[Option<Reason>]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in reasons.iter().flatten() {
        *counts.entry(reason.as_str()).or_default() += 1;
    }
    let (due, all) = (counts.values().sum::<u64>(), reasons.len());
    let why: Vec<String> = counts.iter().map(|(why, count)| format!("{count} {why}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    format!("{due} of {all} contacts are due{why}")
}
