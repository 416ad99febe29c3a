//! What was found out, thing by thing.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::Stop;
use crate::fetch::listing::ListingError;

/// All that is looked at, in the order in which it is told.
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

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Not looked at.
    Skipped,
    /// A run works, and somebody should know.
    Warn,
    /// A run would not work.
    Fail,
}

/// Why a run would not work.
#[derive(Debug)]
pub enum Cause {
    /// The API ends it.
    Api(Stop),
    /// The list of contacts cannot be read.
    Listing(ListingError),
    /// The contacts file is bad.
    Contacts,
    /// There is nobody to export.
    NoContacts,
    /// Every contact that was asked for is refused.
    AllRefused {
        /// Whether all with 401 or 403.
        unauthorized: bool,
    },
    /// The answer for every sampled contact is not a page of that contact.
    AnswersChanged,
    /// No contact that was asked for can be read.
    Unreadable,
    /// The server answers the same messages at every offset.
    OffsetIgnored,
    /// The destination cannot be written, or is full.
    Storage,
    /// Another run works there.
    Locked,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What.
    pub name: &'static str,
    /// How it was found.
    pub status: Status,
    /// The same in words.
    pub detail: String,
    /// The same for machines.
    #[serde(flatten)]
    pub values: Map<String, Value>,
    /// Why a run would not work, of what has failed.
    #[serde(skip)]
    pub cause: Option<Cause>,
}

impl Finding {
    /// One of this status, which is none that fails.
    pub fn new(name: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), values: Map::new(), cause: None }
    }

    /// As it should be.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail)
    }

    /// Works, but.
    pub fn warn(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Warn, detail)
    }

    /// Not looked at.
    pub fn skipped(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, detail)
    }

    /// Does not work.
    pub fn fail(name: &'static str, cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause: Some(cause), ..Self::new(name, Status::Fail, detail) }
    }

    /// With one more value for machines.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.values.insert(key.to_owned(), value.into());
        self
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding; it takes the place of an earlier one of the same thing.
    pub fn put(&mut self, finding: Finding) {
        self.0.retain(|before| before.name != finding.name);
        self.0.push(finding);
    }

    /// Adds that the API has ended it when this was asked. A refusal is about signing in, whenever it comes: of a token that
    /// was given only the first answer tells.
    pub fn stopped(&mut self, name: &'static str, stop: Stop) {
        let name = if matches!(stop, Stop::SignInRefused { .. }) { "sign_in" } else { name };
        let detail = stop.to_string();
        self.put(Finding::fail(name, Cause::Api(stop), detail));
    }

    /// All, in their order; what was not come to is skipped.
    pub fn finish(mut self) -> Vec<Finding> {
        let failed = self.0.iter().find(|finding| finding.status == Status::Fail && !is_local(finding.name));
        let why = failed.map_or("nothing to look at", |_| "not come to, because of what has failed");
        for name in NAMES {
            if self.0.iter().all(|finding| finding.name != name) {
                self.put(Finding::skipped(name, why));
            }
        }
        self.0.sort_by_key(|finding| NAMES.iter().position(|name| *name == finding.name));
        self.0
    }
}

/// Whether it is looked at without the API.
fn is_local(name: &str) -> bool {
    ["destination", "space"].contains(&name)
}
