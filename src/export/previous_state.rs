//! The state that earlier runs left, from which an incremental run decides its due contacts.
//!
//! The state is that of the newest run that has one, found along the chain of manifests. Runs without
//! `--incremental` in between do not change it. If the chain or the state is damaged, the run ends, and
//! `--full` starts again.
//!
//! A state is valid for one scope. With another address, channel or period, all contacts are due, as in a
//! first run.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::ExportError;
use super::identity::Identity;
use crate::api::Client;
use crate::catalog::{self, CatalogError, Link, Walk};
use crate::contacts::{ContactIndex, ContactList};
use crate::durable::NOT_REGULAR;
use crate::event::{Event, SharedObserver};
use crate::fetch::listing::{self, ListingPlan};
use crate::layout::LATEST;
use crate::output::manifest::{RunOptions, StateEntry};
use crate::settings::Incremental;
use crate::state::{Decision, DueRule, FileBelow, Known, Reason, StateError, Times};
use crate::store::{Hashed, Store};

/// The previous state is missing or damaged, so the due contacts cannot be determined.
#[derive(Debug, thiserror::Error)]
#[error("cannot determine which contacts have changed since the last run ({why})")]
pub struct StateLost {
    why: String,
    /// A manifest, or another record of the runs, is damaged.
    pub is_damage: bool,
}

impl StateLost {
    fn error(why: String) -> ExportError {
        ExportError::StateLost(Self { why, is_damage: false })
    }

    fn damage(why: String) -> ExportError {
        ExportError::StateLost(Self { why, is_damage: true })
    }
}

/// Access to the state of an export's earlier runs.
pub struct PreviousState<'a> {
    /// Settings of the decision.
    pub settings: Incremental,
    /// Identity of the new run. It determines the scope.
    pub identity: &'a Identity,
    /// The folder of the export.
    pub out: &'a Store,
}

/// The newest state of the earlier runs.
enum EarlierState {
    None,
    /// The state has another address, channel or period.
    OfOtherScope,
    At(FileBelow),
}

impl PreviousState<'_> {
    /// The previous state, if it is valid for this run. `None` if the run must read all contacts.
    pub fn state(&self, observer: &SharedObserver) -> Result<Option<FileBelow>, ExportError> {
        if self.settings.full {
            return Ok(None);
        }
        let note = |message: &str| observer.event(Event::Note { message: message.to_owned() });
        match self.find_state()? {
            EarlierState::At(state) => return Ok(Some(state)),
            EarlierState::OfOtherScope => {
                note("earlier runs exported another part of the account: all contacts are read");
            }
            EarlierState::None => note("no earlier incremental run found: all contacts are read"),
        }
        Ok(None)
    }

    /// The state of the newest run that left one.
    fn find_state(&self) -> Result<EarlierState, ExportError> {
        let Some(state) = find(self.out)? else { return Ok(EarlierState::None) };
        let path = self.out.join(&state.path);
        let lost = |what: &str| StateLost::error(format!("{} {what}", path.display()));
        match self.out.hash(&state.path)? {
            Hashed::Sha256(sha256) if sha256 == state.sha256 => {}
            Hashed::Sha256(_) => {
                return Err(lost("is damaged: its SHA-256 is not the one in the manifest"));
            }
            Hashed::Missing => return Err(lost("is missing")),
            Hashed::NotRegular => return Err(lost(&format!("cannot be read: {NOT_REGULAR}"))),
        }
        let state = FileBelow { base: self.out.clone(), relative: state.path.as_path().to_owned() };
        match Known::is_of(&state, &self.scope()) {
            Ok(true) => Ok(EarlierState::At(state)),
            Ok(false) => Ok(EarlierState::OfOtherScope),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// The part of the account that this run exports. A state of another scope is not valid.
    ///
    /// A relative `--since` counts by its text: a later start only drops messages, so the rows of an unchanged
    /// contact remain valid. A relative `--until` counts by its time: a later end adds messages to contacts that
    /// did not change.
    pub fn scope(&self) -> String {
        let options = &self.identity.options;
        let [since, _] = options.bounds();
        scope(&self.identity.base_url, options, since.text(), options.until.as_deref())
    }

    /// Input of the decision for a run that starts at `now`, in microseconds since 1970.
    pub fn decision<'b>(
        &self,
        now: i64,
        contacts: &'b ContactList,
        known: &'b Known,
        times: &'b Times,
    ) -> Result<Decision<'b>, ExportError> {
        let runs = catalog::run_ids(self.out)?;
        let runs: HashSet<String> = runs.iter().map(ToString::to_string).collect();
        let Incremental { sweep_every, full } = self.settings;
        Ok(Decision {
            rule: DueRule { now, sweep_every, full },
            contacts,
            known,
            listed: times,
            is_there: Box::new(move |run| runs.contains(run)),
            scope: self.scope(),
        })
    }
}

/// The part of the account that these options select, with the start and end of its period. Equal parts have equal
/// texts.
pub(super) fn scope(
    base_url: &str,
    options: &RunOptions,
    since: Option<&str>,
    until: Option<&str>,
) -> String {
    let flat = options.flat;
    let mut channel = options.channel.clone();
    channel.sort();
    json!({"base_url": base_url, "channel": channel, "flat": flat, "since": since, "until": until})
        .to_string()
}

/// The rows of these contacts in the state from [`PreviousState::state`].
pub fn known(state: Option<&FileBelow>, contacts: &ContactList) -> Result<Known, ExportError> {
    let Some(state) = state else { return Ok(Known::default()) };
    Known::read(state, contacts, &ContactIndex::of(contacts)).map_err(unreadable)
}

/// The times that the account lists for these contacts: `read`, if the list was just read, or else from the
/// API.
pub async fn times_or_ask(
    read: Option<Times>,
    contacts: &ContactList,
    client: &Client,
    observer: &SharedObserver,
) -> Result<Times, ExportError> {
    if let Some(times) = read {
        return Ok(times);
    }
    let roster = Box::pin(listing::roster(client, &ListingPlan::default(), observer)).await?;
    Ok(tokio::task::block_in_place(|| roster.times_of(contacts)))
}

/// The newest state, found along the chain of manifests from `latest.json` on. Pruned runs can be skipped:
/// the newest state is never pruned.
fn find(out: &Store) -> Result<Option<StateEntry>, ExportError> {
    let walk = match Walk::begin(out) {
        Ok(Some(walk)) => walk,
        Ok(None) if catalog::run_ids(out)?.is_empty() => return Ok(None),
        Ok(None) => return Err(StateLost::error(format!("{} is missing", out.join(LATEST).display()))),
        Err(error) => return Err(lost_by(error)),
    };
    for link in walk {
        let manifest = match link.map_err(lost_by)? {
            Link::Run(run) => run.manifest,
            Link::Pruned(_) => continue,
            Link::Broken { path, what, is_missing } => {
                let why = format!("{} is damaged: {what}", out.join(path).display());
                return Err(if is_missing { StateLost::error(why) } else { StateLost::damage(why) });
            }
        };
        match manifest.state {
            Some(state) => return Ok(Some(state)),
            // A rebuilt run has no state.
            None if manifest.rebuilt_from.is_some() => {}
            None if !manifest.options.is_incremental() => {}
            None => {
                let path = out.join(catalog::manifest_path(&manifest.run_id));
                return Err(StateLost::error(format!("{} names no state of its run", path.display())));
            }
        }
    }
    Ok(None)
}

/// The error of reading a state whose SHA-256 is right.
fn unreadable(error: StateError) -> ExportError {
    match error {
        StateError::Unreadable { path, what } => {
            StateLost::error(format!("{} cannot be read: {what}", path.display()))
        }
        error => error.into(),
    }
}

fn lost_by(error: CatalogError) -> ExportError {
    match error {
        CatalogError::Storage(error) => error.into(),
        CatalogError::Newer { path, error } => StateLost::error(format!("{}: {error}", path.display())),
        error @ CatalogError::Damaged { .. } => StateLost::damage(error.to_string()),
    }
}

/// One line with the number of due contacts and the reasons.
pub fn summary(reasons: &[Option<Reason>]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in reasons.iter().flatten() {
        *counts.entry(reason.as_str()).or_default() += 1;
    }
    let (due, all) = (counts.values().sum::<u64>(), reasons.len());
    let why: Vec<String> = counts.iter().map(|(why, count)| format!("{count} {why}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    format!("{due} of {all} contacts are due{why}")
}
