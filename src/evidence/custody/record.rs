//! The facts of a custody record, as `custody.json` has them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::contact_read::Status;
use crate::evidence::package::Totals;
use crate::evidence::{Case, EvidencePlan};
use crate::html::counted;
use crate::output::manifest::{ContactCounts, Manifest, Previous, Tool};

/// The custody record of a package.
#[derive(Debug, Serialize)]
pub(in crate::evidence) struct Record {
    pub(super) package: PackageFacts,
    pub(super) source: SourceFacts,
    pub(super) runs: Vec<RunFacts>,
    pub(super) selection: Selection,
    pub(super) counts: Counts,
    /// Contacts that are not whole. `coverage.csv` has all contacts.
    pub(super) exceptions: Vec<Exception>,
    /// Contacts that were asked for and that no run has.
    pub(super) not_in_export: Vec<String>,
    /// Limits of the package, in sentences.
    pub(super) gaps: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct PackageFacts {
    /// Digest of the runs and options. The same ID means the same content.
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) case: Case,
    pub(super) tool: ToolFacts,
    pub(super) options: BTreeMap<&'static str, Value>,
    /// Fingerprint of the key that signs the package.
    pub(super) signed_by: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ToolFacts {
    pub(super) name: String,
    pub(super) version: String,
    /// SHA-256 of the running program.
    pub(super) sha256: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct SourceFacts {
    pub(super) base_url: String,
    /// Addresses of the account's owner in the exported contacts.
    pub(super) accounts: Vec<String>,
}

/// A run that contacts of the package come from.
#[derive(Debug, Serialize)]
pub(in crate::evidence) struct RunFacts {
    pub(super) run_id: String,
    pub(super) manifest_sha256: String,
    pub(super) started_at: String,
    pub(super) finished_at: String,
    pub(super) status: Value,
    pub(super) tool: Tool,
    /// `None` in a redacted package.
    pub(super) asked_for: Option<AskedFor>,
    pub(super) contacts: ContactCounts,
    pub(super) requests: BTreeMap<String, u64>,
    pub(super) options: Map<String, Value>,
    /// True if the run kept the responses of the API.
    pub(super) has_responses: bool,
    /// Number of contacts that were erased from the run after it was written.
    pub(super) erased_contacts: u64,
}

/// The contacts that a run was asked to read.
#[derive(Debug, Serialize)]
pub(super) struct AskedFor {
    /// Name of the contacts file, or `all-contacts`, `contact` or `search`, after the option.
    pub(super) contacts: String,
    /// SHA-256 of the contacts file, or of the IDs.
    pub(super) sha256: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Selection {
    /// `all`, or the name of the contacts file.
    pub(super) contacts: String,
    /// SHA-256 of the contacts file.
    pub(super) sha256: Option<String>,
    /// Number of contacts in the file.
    pub(super) requested: Option<u64>,
    /// The run given by `--run`.
    pub(super) run: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Counts {
    pub(super) contacts: u64,
    pub(super) by_status: BTreeMap<&'static str, u64>,
    /// Contacts by the evidence for the end of their history.
    pub(super) by_end: BTreeMap<&'static str, u64>,
    pub(super) conversations: u64,
    pub(super) messages: u64,
    pub(super) records: u64,
    /// Responses of the API in the package or in its list of hashes.
    pub(super) responses: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Exception {
    pub(super) contact_id: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
}

impl RunFacts {
    pub(in crate::evidence) fn new(run: &Previous, manifest: &Manifest, erased_contacts: u64) -> Self {
        Self {
            run_id: run.run_id.to_string(),
            manifest_sha256: run.sha256.clone(),
            started_at: manifest.started_at.clone(),
            finished_at: manifest.finished_at.clone(),
            status: serde_json::to_value(manifest.status).unwrap_or_default(),
            tool: manifest.tool.clone(),
            asked_for: Some(AskedFor {
                contacts: file_name(&manifest.input.path).to_owned(),
                sha256: manifest.input.sha256.clone(),
            }),
            contacts: manifest.contacts,
            requests: manifest.requests.by_status.clone(),
            options: manifest.options.by_name(),
            has_responses: manifest.options.keep_raw,
            erased_contacts,
        }
    }

    fn limits(&self) -> Vec<String> {
        let is_set = |key: &str| match self.options.get(key) {
            None | Some(Value::Null) => false,
            Some(Value::Array(values)) => !values.is_empty(),
            Some(_) => true,
        };
        let limits = [("since", "--since"), ("until", "--until"), ("channel", "--channel")];
        limits.into_iter().filter(|(key, _)| is_set(key)).map(|(_, option)| option.to_owned()).collect()
    }
}

/// Facts that are known once the contacts are written.
pub(in crate::evidence) struct Collected {
    pub(in crate::evidence) totals: Totals,
    pub(in crate::evidence) runs: Vec<RunFacts>,
    pub(in crate::evidence) base_url: String,
    pub(in crate::evidence) not_in_export: Vec<String>,
    pub(in crate::evidence) responses: u64,
}

impl Record {
    pub(in crate::evidence) fn new(plan: &EvidencePlan, id: &str, collected: Collected) -> Self {
        let Collected { mut totals, mut runs, base_url, not_in_export, responses } = collected;
        let is_redacted = plan.redaction.is_some();
        if is_redacted {
            redact(&mut totals, &mut runs);
        }
        let mut gaps = gaps(&totals, &runs, &not_in_export, responses, is_redacted);
        if is_redacted {
            gaps.extend(REDACTED.map(str::to_owned));
        }
        let selection = plan.selection.as_ref();
        Self {
            package: PackageFacts {
                id: id.to_owned(),
                case: plan.case.clone(),
                tool: ToolFacts {
                    name: plan.tool.name.clone(),
                    version: plan.tool.version.clone(),
                    sha256: plan.tool_sha256.clone(),
                },
                options: plan.options(),
                signed_by: plan.signed_by(),
            },
            source: SourceFacts { base_url, accounts: totals.accounts.iter().cloned().collect() },
            selection: Selection {
                contacts: match selection {
                    None => "all".to_owned(),
                    Some(_) if is_redacted => "a selection".to_owned(),
                    Some(list) => file_name(&list.path).to_owned(),
                },
                sha256: selection.filter(|_| !is_redacted).map(|list| list.sha256.clone()),
                requested: selection.map(|list| list.len() as u64),
                run: plan.run.as_ref().map(ToString::to_string),
            },
            counts: Counts {
                contacts: totals.contacts(),
                by_status: Status::ALL
                    .into_iter()
                    .map(|status| (status.as_str(), totals.of(status)))
                    .collect(),
                by_end: BTreeMap::from([("proved", totals.proved_ends), ("short_page", totals.short_ends)]),
                conversations: totals.conversations,
                messages: totals.messages,
                records: totals.records,
                responses,
            },
            exceptions: totals
                .exceptions
                .into_iter()
                .map(|(contact_id, status, reason)| Exception { contact_id, status, reason })
                .collect(),
            not_in_export,
            gaps,
            runs,
        }
    }
}

/// Limits of a redacted package.
const REDACTED: [&str; 2] = [
    "The package is redacted. It has neither the original files and manifests of the runs nor the responses of the service. redaction.json counts what was changed, and names the SHA-256 of each original manifest.",
    "Personal data in texts was found by the known values of each contact and by patterns. Names of other persons, and numbers and addresses in forms that were not recognized, may remain.",
];

/// Removes texts that may name contacts.
fn redact(totals: &mut Totals, runs: &mut [RunFacts]) {
    let doubts = totals.doubts.len();
    totals.doubts.clear();
    if doubts > 0 {
        totals.doubts.push(format!("original manifests: {doubts} in total"));
    }
    for run in runs {
        run.asked_for = None;
        run.options.retain(|key, _| OPTIONS.contains(&key.as_str()));
    }
}

/// Options of a run that name no contact.
const OPTIONS: [&str; 14] = [
    "channel",
    "compression",
    "consistency",
    "flat",
    "format",
    "full",
    "incremental",
    "keep_raw",
    "max_failed",
    "page_size",
    "partition_by",
    "since",
    "target_file_size",
    "until",
];

/// Returns the name of a file without its folders. The same file elsewhere gives the same package.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The limits of a package.
fn gaps(
    totals: &Totals,
    runs: &[RunFacts],
    not_in_export: &[String],
    responses: u64,
    is_redacted: bool,
) -> Vec<String> {
    let mut gaps = vec![
        "Media (images, audio, video, documents) were not collected. The package contains their IDs, types and addresses, as far as the channel reported them.".to_owned(),
        "A message that was deleted from the service before it was read is not in the package, unless the service still returned it.".to_owned(),
        "The histories were retrieved at different times, several at once. The table of coverage contains the times of each.".to_owned(),
        "Names, roles and times are those that the service reported. The export does not verify the identity of a person.".to_owned(),
        "Locations, file names, button texts and further details of a message are in the channel records (records.csv), and not in the transcripts.".to_owned(),
        "The runs do not record the computer and the person that ran them.".to_owned(),
    ];
    for run in runs.iter().filter(|run| run.erased_contacts > 0) {
        let contacts = counted(run.erased_contacts, "contact", "contacts");
        gaps.push(format!("Erased from the run {} after it was written: {contacts}.", run.run_id));
    }
    for run in runs {
        let limits = run.limits();
        if !limits.is_empty() {
            gaps.push(format!(
                "The run {} was limited by {}. Its contacts have only a part of their messages.",
                run.run_id,
                limits.join(" and ")
            ));
        }
    }
    if totals.short_ends > 0 {
        gaps.push(format!(
            "For {}, the end of the history is assumed: the service sent a page shorter than requested, and no page after it was requested. `run --consistency strict` proves every end.",
            counted(totals.short_ends, "contact", "contacts")
        ));
    }
    if !not_in_export.is_empty() {
        gaps.push(format!(
            "No run of the export contains {} of the selection.",
            counted(not_in_export.len() as u64, "contact", "contacts")
        ));
    }
    if totals.of(Status::Failed) + totals.of(Status::Unresolved) > 0 {
        gaps.push(
            "Some contacts could not be read, or not to their end. The exceptions name them.".to_owned(),
        );
    }
    if responses == 0 && !is_redacted {
        gaps.push(
            "The runs did not keep the responses of the service (`run --keep-raw`), so single responses cannot be proved."
                .to_owned(),
        );
    }
    gaps.extend(totals.doubts.iter().map(|doubt| format!("Doubt recorded by the {doubt}.")));
    gaps
}
