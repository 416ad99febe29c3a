//! Makes a package, step by step.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::bag::Bag;
use super::cover::{self, Cover};
use super::custody::{self, Collected, Record, RunFacts};
use super::package::{Package, Totals};
use super::publish::{Existing, Target};
use super::redacted::{self, Redacted, SharedRedaction};
use super::view::{AsExported, View};
use super::{EvidenceError, EvidencePlan, StampOutcome, Stamper, answers, guide, proof, run_files};
use crate::catalog::{self, CatalogError, ChosenError};
use crate::contact_read::Status;
use crate::durable::Content;
use crate::event::{Event, SharedObserver};
use crate::output::manifest::{Manifest, Previous};
use crate::snapshot::{self, Choices, Reading, SnapshotError, SourceExport};

/// Label of the package's ID in `bag-info.txt`.
pub(super) const ID_LABEL: &str = "Chatzy-Package-Id";

/// A package that was made, or was there already.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// ID of the package: a digest of its source and options.
    pub id: String,
    /// True if the same package was there already.
    pub is_old: bool,
    /// Contacts in the package.
    pub contacts: u64,
    /// Messages in the package.
    pub messages: u64,
    /// Contacts that failed or are unresolved.
    pub incomplete: u64,
    /// Contacts that the API does not know.
    pub not_found: u64,
    /// Contacts of the selection that no run has.
    pub missing: Vec<String>,
    /// The time stamp.
    pub stamp: StampOutcome,
}

/// Makes the package. `stamper` gets its time stamp, if one is wanted. It ends early, with [`SnapshotError::Stopped`], once `stop` is set.
///
/// # Errors
/// When the export cannot be read or is damaged, something else is at the path of the package, or a file cannot be
/// written.
pub fn make(
    plan: &EvidencePlan,
    stamper: Option<&Stamper<'_>>,
    stop: &AtomicBool,
    observer: &SharedObserver,
) -> Result<Made, EvidenceError> {
    let source = source(plan)?;
    let id = plan.id(&source.digest());
    let target = Target::new(plan);
    let choices = Choices::of(&source, plan.selection.as_ref(), stop)?;
    if choices.is_empty() && plan.selection.is_some() {
        return Err(EvidenceError::NoContacts { path: plan.from.root().to_owned() });
    }
    let missing: Vec<String> = plan
        .selection
        .iter()
        .flat_map(|list| choices.missing(list).map(|id| id.to_owned()).collect::<Vec<_>>())
        .collect();
    if let Existing::Same(custody) = target.existing(&id)? {
        if !plan.is_identified() {
            return Err(EvidenceError::Exists { path: plan.out.clone() });
        }
        target.tidy()?;
        let stamp = proof::stamp_finished(&target, stamper)?;
        return Ok(Made { stamp, ..old(id, missing, &custody["counts"]) });
    }
    observer.event(Event::PackageStarted { package_id: id.clone(), contacts: choices.len() as u64 });
    let folder = target.begin()?;
    let (bag, mut made) = write(plan, &source, &choices, (&id, missing), &folder, (stop, observer))?;
    bag.finish(&facts(plan, &id))?;
    proof::sign(plan, &folder)?;
    made.stamp = proof::stamp(&folder, stamper)?;
    target.finish()?;
    Ok(made)
}

/// Returns the export, up to the run that the user gives.
fn source(plan: &EvidencePlan) -> Result<SourceExport, EvidenceError> {
    let read = SourceExport::read(&plan.from);
    let Some(run_id) = &plan.run else { return Ok(read?) };
    let no_run = || EvidenceError::NoRun { path: plan.from.root().to_owned(), run_id: run_id.clone() };
    let run = match catalog::chosen(&plan.from, Some(run_id)) {
        Ok(run) => run,
        Err(ChosenError::NoRun { .. }) => return Err(no_run()),
        Err(ChosenError::NoExport { path }) => return Err(SnapshotError::NoExport { path }.into()),
        Err(ChosenError::Catalog(error)) => return Err(SnapshotError::from(error).into()),
    };
    let run_entry = Previous { run_id: run_id.clone(), sha256: run.sha256 };
    let mut source = match read {
        // The run alone is a part, too, and the user asks for it.
        Err(SnapshotError::OnlyParts { .. }) => {
            SourceExport::of_run(&plan.from, &run.manifest, run_entry.clone())
        }
        other => other?,
    };
    if source.end_with(&run_entry) { Ok(source) } else { Err(no_run()) }
}

fn write(
    plan: &EvidencePlan,
    source: &SourceExport,
    choices: &Choices,
    (id, missing): (&str, Vec<String>),
    folder: &Path,
    (stop, observer): (&AtomicBool, &SharedObserver),
) -> Result<(Bag, Made), EvidenceError> {
    let temporary = folder;
    let redaction: Option<SharedRedaction> =
        plan.redaction.as_ref().map(|plan| Rc::new(RefCell::new(plan.start())));
    let view: Box<dyn View> = match &redaction {
        Some(redaction) => Box::new(Redacted::new(redaction)),
        None => Box::new(AsExported),
    };
    let mut package = Package::create(Bag::new(folder), view, (plan, id), temporary)?;
    let reading = Reading { temporary, needs_times: false, stop, observer };
    snapshot::read(source, choices, reading, &mut package)?;
    let finished = package.finish()?;
    let (mut bag, contents, totals) = (finished.bag, finished.contents, finished.totals);
    let runs: Vec<Previous> = choices.runs(source).map(|(_, run)| run.clone()).collect();
    let mut facts = Vec::with_capacity(runs.len());
    let erasures = catalog::erasures(&source.path)?;
    for run in &runs {
        let manifest = source.manifest(run)?;
        let erased = erasures.iter().flat_map(|erasures| erasures.of_run(&run.run_id, &run.sha256));
        let erased = erased.map(|(_, changes)| changes.contacts.requested).sum();
        facts.push(RunFacts::new(run, &manifest, erased));
        if redaction.is_none() {
            copy_manifest(&mut bag, source, &manifest)?;
        }
    }
    let is_whole = plan.is_whole();
    if is_whole {
        run_files::write(&mut bag, source, &runs)?;
    }
    // The files of whole runs have the responses already.
    let responses = match &redaction {
        None => answers::write(&mut bag, source, choices, !is_whole)?,
        Some(_) => 0,
    };
    let contents = contents.finish(&mut bag)?;
    let period = period(source, &runs)?;
    let cover = Cover {
        id,
        totals: &totals,
        base_url: &source.base_url,
        period: (&period.0, &period.1),
        missing: missing.len() as u64,
        has_run: is_whole,
        has_responses: responses > 0 && !is_whole,
    };
    bag.write("data/index.html", cover::page(plan, &cover, &contents).as_bytes())?;
    let made = made(id, &totals, missing.clone());
    let parts = guide::Parts { has_run: is_whole, has_responses: responses > 0 && !is_whole };
    bag.write("README.txt", guide::readme(plan, parts, (made.contacts, made.messages)).as_bytes())?;
    bag.write("VERIFY.txt", guide::verify(plan, is_whole).as_bytes())?;
    let base_url = source.base_url.clone();
    let not_in_export = match &redaction {
        None => missing,
        Some(redaction) => missing.iter().map(|id| redaction.borrow().contact_id(id)).collect(),
    };
    if let Some(redaction) = &redaction {
        redacted::write(&mut bag, &redaction.borrow(), &runs)?;
    }
    let collected = Collected { totals, runs: facts, base_url, not_in_export, responses };
    custody::write(&mut bag, &Record::new(plan, id, collected))?;
    Ok((bag, made))
}

/// Returns what a package has that exists already.
fn old(id: String, missing: Vec<String>, counts: &Value) -> Made {
    let of = |status: Status| counts["by_status"][status.as_str()].as_u64().unwrap_or_default();
    Made {
        id,
        is_old: true,
        contacts: counts["contacts"].as_u64().unwrap_or_default(),
        messages: counts["messages"].as_u64().unwrap_or_default(),
        incomplete: of(Status::Failed) + of(Status::Unresolved),
        not_found: of(Status::NotFound),
        missing,
        stamp: StampOutcome::NotRequested,
    }
}

fn made(id: &str, totals: &Totals, missing: Vec<String>) -> Made {
    Made {
        id: id.to_owned(),
        is_old: false,
        contacts: totals.contacts(),
        messages: totals.messages,
        incomplete: totals.of(Status::Failed) + totals.of(Status::Unresolved),
        not_found: totals.of(Status::NotFound),
        missing,
        stamp: StampOutcome::NotRequested,
    }
}

fn copy_manifest(bag: &mut Bag, source: &SourceExport, manifest: &Manifest) -> Result<(), EvidenceError> {
    let path = catalog::manifest_path(&manifest.run_id);
    let Content::Bytes(text) = source.path.read(&path, catalog::MAX_MANIFEST)? else {
        let (path, what) = (source.path.join(&path), "it is missing".to_owned());
        return Err(EvidenceError::Damaged { path, what });
    };
    bag.write(&format!("data/custody/manifests/{}.json", manifest.run_id), &text)?;
    Ok(())
}

/// Returns the start of the first run and the end of the last.
fn period(source: &SourceExport, runs: &[Previous]) -> Result<(String, String), EvidenceError> {
    let manifest = |run: Option<&Previous>| run.map(|run| source.manifest(run)).transpose();
    let first = manifest(runs.first())?.map_or_else(String::new, |first: Manifest| first.started_at);
    let last = manifest(runs.last())?.map_or_else(String::new, |last: Manifest| last.finished_at);
    Ok((first, last))
}

/// Returns the facts of `bag-info.txt`.
fn facts(plan: &EvidencePlan, id: &str) -> Vec<(&'static str, String)> {
    let case = &plan.case;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("Source-Organization", or_none(&case.organization)),
        ("Contact-Name", or_none(&case.operator)),
        ("External-Identifier", or_none(&case.reference)),
        ("External-Description", "Conversations of a Chatzy AI account".to_owned()),
        ("Bagging-Date", or_none(&case.date)),
        ("Bag-Software-Agent", format!("{} {}", plan.tool.name, plan.tool.version)),
        (ID_LABEL, id.to_owned()),
    ]
}

impl From<CatalogError> for EvidenceError {
    fn from(error: CatalogError) -> Self {
        Self::Source(error.into())
    }
}
