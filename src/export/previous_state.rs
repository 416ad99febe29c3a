//! What earlier runs have left: by it is told who is due tonight.
//!
//! What was known is the state of the newest run that left one, found along the chain of manifests: runs without
//! `--incremental` in between change nothing of it. A chain or a state that is damaged is no reason to guess: the run ends,
//! and `--full` is the way out. The state holds for what was asked for: with another address, channel or window all
//! contacts are due, as in a first run.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::json;

use super::ExportError;
use super::work_folder::Identity;
use crate::api::Client;
use crate::catalog::{self, CatalogError, Link, Walk};
use crate::contacts::{ContactIndex, ContactList};
use crate::digest::sha256_of_open;
use crate::durable::{self, NOT_REGULAR, OnPath, Opened};
use crate::event::{Event, SharedObserver};
use crate::fetch::listing;
use crate::layout::LATEST;
use crate::output::manifest::{RunOptions, StateEntry};
use crate::settings::Incremental;
use crate::state::{Decision, FileBelow, Known, Reason, Rule, StateError, Times};

/// Why it cannot be known who is due.
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

/// The earlier runs of an export, as an incremental run sees them.
pub struct PreviousState<'a> {
    /// How it is decided who is due.
    pub settings: Incremental,
    /// What is asked for.
    pub identity: &'a Identity,
    /// The folder of the export.
    pub out: &'a Path,
}

/// The state they have left.
enum Earlier {
    None,
    /// With another address, channel or window.
    OfSomethingElse,
    At(FileBelow),
}

impl PreviousState<'_> {
    /// The state of the run before, whose contents hold for this run too; none where all contacts are to be read.
    pub fn state(&self, observer: &SharedObserver) -> Result<Option<FileBelow>, ExportError> {
        if self.settings.full {
            return Ok(None);
        }
        let note = |message: &str| observer.event(Event::Note { message: message.to_owned() });
        match self.find_state()? {
            Earlier::At(state) => return Ok(Some(state)),
            Earlier::OfSomethingElse => {
                note("earlier runs were told to export something else: all contacts are read");
            }
            Earlier::None => note("no earlier incremental run is there: all contacts are read"),
        }
        Ok(None)
    }

    /// The state of the newest run that left one.
    fn find_state(&self) -> Result<Earlier, ExportError> {
        let Some(state) = find(self.out)? else { return Ok(Earlier::None) };
        let path = self.out.join(&state.path);
        let lost = |what: &str| StateLost::error(format!("{} {what}", path.display()));
        match durable::open_below(self.out, state.path.as_path())? {
            Opened::File(file, size) => {
                if sha256_of_open(file, size).on("read", &path)?.0 != state.sha256 {
                    return Err(lost("is not as it was written"));
                }
            }
            Opened::Missing => return Err(lost("is missing")),
            Opened::NotRegular => return Err(lost(&format!("cannot be read: {NOT_REGULAR}"))),
        }
        let state = FileBelow { base: self.out.to_owned(), relative: state.path.as_path().to_owned() };
        match Known::is_of(&state, &self.scope()) {
            Ok(true) => Ok(Earlier::At(state)),
            Ok(false) => Ok(Earlier::OfSomethingElse),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// What a state holds for: with something else of these, what was exported before is no answer.
    pub fn scope(&self) -> String {
        scope(&self.identity.base_url, &self.identity.options)
    }

    /// By what it is decided who is due for a run that begins `now`, in microseconds since 1970.
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
            rule: Rule { now, sweep_every, full },
            contacts,
            known,
            listed: times,
            is_there: Box::new(move |run| runs.contains(run)),
            scope: self.scope(),
        })
    }
}

/// The part of the account that these options ask for, as text that is equal for equal parts.
pub(super) fn scope(base_url: &str, options: &RunOptions) -> String {
    let RunOptions { flat, since, until, .. } = options;
    let mut channel = options.channel.clone();
    channel.sort();
    json!({"base_url": base_url, "channel": channel, "flat": flat, "since": since, "until": until})
        .to_string()
}

/// What was known of these contacts before this run, by what [`PreviousState::state`] gave.
pub fn known(state: Option<&FileBelow>, contacts: &ContactList) -> Result<Known, ExportError> {
    let Some(state) = state else { return Ok(Known::default()) };
    Known::read(state, contacts, &ContactIndex::of(contacts)).map_err(unreadable)
}

/// The times that the account lists for these contacts: `read` of a list that was just read, else asked for.
pub async fn times_or_ask(
    read: Option<Times>,
    contacts: &ContactList,
    client: &Client,
    observer: &SharedObserver,
) -> Result<Times, ExportError> {
    if let Some(times) = read {
        return Ok(times);
    }
    let roster = Box::pin(listing::roster(client, observer)).await?;
    Ok(tokio::task::block_in_place(|| roster.times_of(contacts)))
}

/// The newest state, found along the chain of manifests from `latest.json` on. Pruned runs can be skipped:
/// the newest state is never pruned.
fn find(out: &Path) -> Result<Option<StateEntry>, ExportError> {
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
            // A run that was made again leaves no state.
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

/// An error of a state that holds what was written.
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

/// In one line how many are due, and why.
pub fn told(reasons: &[Option<Reason>]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in reasons.iter().flatten() {
        *counts.entry(reason.as_str()).or_default() += 1;
    }
    let (due, all) = (counts.values().sum::<u64>(), reasons.len());
    let why: Vec<String> = counts.iter().map(|(why, count)| format!("{count} {why}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    format!("{due} of {all} contacts are due{why}")
}
