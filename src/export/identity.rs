//! The identity of a run: a command resumes an unfinished run only if both have the same.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::Shard;
use crate::output::manifest::RunOptions;

/// Properties that a resumed run must have in common with its first attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Major version of this program. Another one may read the spool differently.
    pub major_version: String,
    /// Version of the tables.
    pub schema_version: u32,
    /// Address of the API.
    pub base_url: String,
    /// SHA-256 of the contacts file, or `all-contacts`. With `--contact` or `--search`, the name of the option,
    /// a colon, and the SHA-256 of the IDs or of the text.
    pub input_sha256: String,
    /// Options of the run.
    pub options: RunOptions,
    /// Shard of the run that the command reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// SHA-256 of the manifest that `rebuild` makes the run from.
    #[serde(default)]
    pub rebuilt_from: Option<String>,
    /// Digest of the manifests that `snapshot` makes the run from.
    #[serde(default)]
    pub snapshot_of: Option<String>,
    /// Digest of the erased contacts, which the run leaves out; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
}

/// One difference between a command and the unfinished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the property or option.
    pub what: String,
    /// Value in the unfinished run.
    pub before: String,
    /// Value in the command.
    pub now: String,
    /// Cause of the difference.
    pub cause: Cause,
}

/// Cause of a difference: it determines how the unfinished run can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The command has other options or another input.
    Command,
    /// Another version of the program began the run.
    Program,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {} and is now {}", self.what, self.before, self.now)
    }
}

impl Identity {
    /// The differences between this command and the run of `before`.
    pub(super) fn differences(&self, before: &Self) -> Vec<Difference> {
        let mut differences = self.differences_of_version(before);
        let mut compare = |what: &str, then: &str, now: &str| {
            if then != now {
                differences.push(difference(what, then, now));
            }
        };
        compare("--base-url", &before.base_url, &self.base_url);
        let shard =
            |identity: &Self| identity.shard.map_or_else(|| "not set".to_owned(), |shard| shard.to_string());
        compare("--shard", &shard(before), &shard(self));
        let archive = |identity: &Self| identity.rebuilt_from.as_deref().map_or("none", short).to_owned();
        compare("the run to rebuild", &archive(before), &archive(self));
        let source = |identity: &Self| identity.snapshot_of.as_deref().map_or("none", short).to_owned();
        compare("the source of the snapshot", &source(before), &source(self));
        let (then, now) = (&before.input_sha256, &self.input_sha256);
        let has_option = [then, now].iter().any(|input| input.contains(':'));
        let what = if has_option { "the selection of contacts" } else { "the contacts file" };
        compare(&format!("{what} (SHA-256)"), &short_input(then), &short_input(now));
        let (then, now) = (before.options.by_name(), self.options.by_name());
        let names = then.keys().chain(now.keys().filter(|name| !then.contains_key(*name)));
        let is_compared =
            |name: &str| !RunOptions::DESCRIPTIVE.contains(&name) && !RunOptions::WINDOW.contains(&name);
        for name in names.filter(|name| is_compared(name)) {
            let text = |options: &Map<String, Value>| match options.get(name) {
                None | Some(Value::Null) => "not set".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            compare(&format!("--{}", name.replace('_', "-")), &text(&then), &text(&now));
        }
        for (then, now) in before.options.bounds().iter().zip(self.options.bounds()) {
            if !now.fits(then) {
                differences.push(difference(then.option, &then.to_string(), &now.to_string()));
            }
        }
        differences.extend(self.other_erasures(before));
        differences
    }

    /// The difference if contacts were erased since the run of `before` began. It may have read them.
    pub(super) fn other_erasures(&self, before: &Self) -> Option<Difference> {
        let is_run = |identity: &Self| identity.rebuilt_from.is_none() && identity.snapshot_of.is_none();
        let erased = |identity: &Self| identity.suppressed.as_deref().map_or("empty", short).to_owned();
        let is_other = is_run(self) && is_run(before) && self.suppressed != before.suppressed;
        is_other.then(|| difference("the set of erased contacts", &erased(before), &erased(self)))
    }

    /// The differences that no option can remove.
    fn differences_of_version(&self, before: &Self) -> Vec<Difference> {
        let [then, now] = [before, self].map(|identity| identity.schema_version.to_string());
        let versions = [
            ("the major version of chatzy-export", &before.major_version, &self.major_version),
            ("the schema version", &then, &now),
        ];
        let different = versions.into_iter().filter(|(_, then, now)| then != now);
        different
            .map(|(what, then, now)| Difference { cause: Cause::Program, ..difference(what, then, now) })
            .collect()
    }
}

/// Returns a difference between two commands.
pub(super) fn difference(what: &str, before: &str, now: &str) -> Difference {
    Difference {
        what: what.to_owned(),
        before: before.to_owned(),
        now: now.to_owned(),
        cause: Cause::Command,
    }
}

fn short_input(input: &str) -> String {
    match input.split_once(':') {
        Some((option, sha256)) => format!("--{option} {}", short(sha256)),
        None => short(input).to_owned(),
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
