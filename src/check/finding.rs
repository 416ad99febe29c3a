//! Findings of the checks.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::Fatal;
use crate::fetch::listing::ListingError;

/// Names of all checks, in the order of the output.
const NAMES: [&str; 12] = [
    "destination",
    "space",
    "sign_in",
    "contacts",
    "contact",
    "limit",
    "offset",
    "order",
    "rate_limits",
    "compression",
    "http",
    "clock",
];

/// Result of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingStatus {
    /// As required.
    Ok,
    /// Not checked, for the reason in `detail`.
    Skipped,
    /// A run works, but with a disadvantage.
    Warn,
    /// A run would not work.
    Fail,
}

/// Reason why a run would not work. It determines the exit code.
#[derive(Debug)]
pub enum Cause {
    /// An error of the API that ends a run.
    Api(Fatal),
    /// The contact list cannot be read.
    Listing(ListingError),
    /// The contacts file is invalid.
    Contacts,
    /// There are no contacts to export.
    NoContacts,
    /// Every sampled contact is refused.
    AllRefused {
        /// True if each has status 401 or 403.
        unauthorized: bool,
    },
    /// The response for every sampled contact is not a page of that contact.
    AnswersChanged,
    /// No sampled contact can be read.
    Unreadable,
    /// The server sends the same messages at every offset.
    OffsetIgnored,
    /// The destination is not writable, or full.
    Storage,
    /// The destination cannot be used with these settings.
    Settings,
    /// Another run uses the destination.
    Locked,
}

/// Result of one check, with details.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub name: &'static str,
    pub status: FindingStatus,
    /// Result as text.
    pub detail: String,
    /// Figures for programs.
    #[serde(flatten)]
    pub values: Map<String, Value>,
    /// Set for a failed check.
    #[serde(skip)]
    pub cause: Option<Cause>,
}

impl Finding {
    /// Creates a finding with a status other than [`FindingStatus::Fail`].
    pub fn new(name: &'static str, status: FindingStatus, detail: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), values: Map::new(), cause: None }
    }

    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, FindingStatus::Ok, detail)
    }

    pub fn warn(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, FindingStatus::Warn, detail)
    }

    pub fn skipped(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, FindingStatus::Skipped, detail)
    }

    pub fn fail(name: &'static str, cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause: Some(cause), ..Self::new(name, FindingStatus::Fail, detail) }
    }

    /// Adds a figure for programs.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.values.insert(key.to_owned(), value.into());
        self
    }
}

/// Findings so far.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding. It replaces an earlier one of the same check.
    pub fn add(&mut self, finding: Finding) {
        self.0.retain(|before| before.name != finding.name);
        self.0.push(finding);
    }

    /// Adds the finding that the API ended this check. A refused sign-in always belongs to the check
    /// `sign_in`, because a given token is first tested by a later request.
    pub fn stopped(&mut self, name: &'static str, stop: Fatal) {
        let name = if matches!(stop, Fatal::SignInRefused { .. }) { "sign_in" } else { name };
        let detail = stop.to_string();
        self.add(Finding::fail(name, Cause::Api(stop), detail));
    }

    /// Returns all findings in order. Missing checks count as skipped.
    pub fn finish(mut self) -> Vec<Finding> {
        let failed =
            self.0.iter().find(|finding| finding.status == FindingStatus::Fail && !is_local(finding.name));
        let reason = failed.map_or("nothing to check", |_| "not checked, because of an earlier failure");
        for name in NAMES {
            if self.0.iter().all(|finding| finding.name != name) {
                self.add(Finding::skipped(name, reason));
            }
        }
        self.0.sort_by_key(|finding| NAMES.iter().position(|name| *name == finding.name));
        self.0
    }
}

/// True if the check needs no API.
fn is_local(name: &str) -> bool {
    ["destination", "space"].contains(&name)
}
