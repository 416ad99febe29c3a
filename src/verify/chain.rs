//! The chain of the manifests: `latest.json` has the hash of the newest, each manifest that of the one before it.
//!
//! Across runs that were pruned it is held by the record of them.
//!
//! What the chain says of a manifest is proof as long as every link before it holds. Behind a broken link the other
//! manifests are still compared, since most damage is accidental, but they prove nothing any more.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::content::{Content, LATEST, manifest_path};
use super::excerpt::quoted;
use super::runs::{Found, Moment, with_cause};
use super::{DamageKind, Report, VerifyOptions};
use crate::output::manifest::Latest;
use crate::output::pruned::PRUNED;

/// What is said of one manifest.
struct Link {
    sha256: String,
    /// The file that says it.
    by: String,
    is_proof: bool,
}

/// The links, and where the chain breaks.
struct Chain {
    links: BTreeMap<String, Link>,
    broken_at: Option<String>,
}

/// Holds the manifests against `latest.json` and each other.
pub(super) fn check(moment: &Moment, options: &VerifyOptions, report: &mut Report) {
    let latest = read_latest(moment, report);
    let chain = Chain::follow(moment, latest.as_ref());
    let is_asked_for = |id: &str| options.run.as_ref().is_none_or(|run| run.as_str() == id);
    for (id, link) in chain.links.iter().filter(|(id, _)| !moment.found.contains_key(*id)) {
        if is_asked_for(id) {
            let detail = format!("{} names this manifest", link.by);
            report.damage(Some(id), manifest_path(id), DamageKind::Missing, detail);
        }
    }
    for (id, found) in moment.found.iter().filter(|(id, _)| is_asked_for(id)) {
        if let Some((kind, detail)) = chain.fault(id, found, options.run.is_some()) {
            report.damage(Some(id), manifest_path(id), kind, detail);
        }
    }
}

/// The run whose manifest is written and which `latest.json` is about to name: its publishing was stopped, or is under
/// way. That the run before is still called the newest is no damage.
fn committed<'a>(moment: &'a Moment, latest: Option<&Latest>) -> Option<(&'a str, &'a Found)> {
    let id = moment.unfinished.as_ref()?.id.as_str();
    let found = moment.found.get(id)?;
    let previous = found.manifest()?.previous.as_ref();
    let is_next = match (previous, latest) {
        (Some(previous), Some(latest)) => {
            (&previous.run_id, &previous.sha256) == (&latest.run_id, &latest.sha256)
        }
        (None, None) => matches!(moment.latest, Content::Nothing),
        _ => false,
    };
    is_next.then_some((id, found))
}

fn read_latest(moment: &Moment, report: &mut Report) -> Option<Latest> {
    let mut tell = |run_id: Option<&str>, kind, detail: String| report.damage(run_id, LATEST, kind, detail);
    let text = match &moment.latest {
        Content::Plain(text) => text,
        Content::Nothing => {
            if committed(moment, None).is_none() {
                tell(None, DamageKind::Missing, "it names the newest run".to_owned());
            }
            return None;
        }
        Content::Unfit(kind, detail) => {
            tell(None, *kind, detail.clone());
            return None;
        }
    };
    match Latest::parse(text) {
        Err(error) => {
            tell(None, DamageKind::Unreadable, with_cause(&error));
            None
        }
        Ok(latest) if latest.manifest != manifest_path(latest.run_id.as_str()) => {
            let detail =
                format!("it points at {}, which is not the manifest of its run", quoted(&latest.manifest));
            tell(Some(latest.run_id.as_str()), DamageKind::Chain, detail);
            None
        }
        Ok(latest) => {
            if !is_as_written(text) {
                let detail = "it says the same as before, and is written otherwise".to_owned();
                tell(Some(latest.run_id.as_str()), DamageKind::Changed, detail);
            }
            Some(latest)
        }
    }
}

/// Whether the text is what a writer makes of its keys and values. Nothing holds a hash of `latest.json`, so this is
/// how a changed blank is found. Keys of later versions may stand in it.
fn is_as_written(text: &[u8]) -> bool {
    struct Members(Vec<(String, Value)>);

    impl<'de> Deserialize<'de> for Members {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct InOrder;
            impl<'de> Visitor<'de> for InOrder {
                type Value = Members;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(InOrder)
        }
    }

    impl Serialize for Members {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }

    let written = serde_json::from_slice::<Members>(text).and_then(|members| {
        let known = members.0.iter().map(|(name, _)| name.as_str()).take(3);
        let in_order = known.eq(["run_id", "manifest", "sha256"]);
        serde_json::to_string_pretty(&members).map(|text| (in_order, text + "\n"))
    });
    written.is_ok_and(|(in_order, written)| in_order && written.as_bytes() == text)
}

impl Chain {
    fn follow(moment: &Moment, latest: Option<&Latest>) -> Self {
        let mut chain = Self { links: BTreeMap::new(), broken_at: None };
        let mut next = match (committed(moment, latest), latest) {
            (Some((id, found)), _) => Some((id.to_owned(), found.sha256.clone(), LATEST.to_owned())),
            (None, Some(latest)) => {
                Some((latest.run_id.to_string(), latest.sha256.clone(), LATEST.to_owned()))
            }
            (None, None) => {
                chain.broken_at = Some(LATEST.to_owned());
                None
            }
        };
        let mut passed = BTreeSet::new();
        while let Some((id, sha256, by)) = next.take() {
            let found = moment.found.get(&id).filter(|found| found.sha256 == sha256);
            // A run that was pruned is there no more, and what it said of the one before it is in the record.
            if found.is_none()
                && let Some(pruned) = moment.pruned.find(&id, &sha256)
            {
                if !passed.insert(sha256) {
                    chain.broken_at = Some(PRUNED.to_owned());
                    break;
                }
                next = pruned.previous.as_ref().map(|previous| {
                    (previous.run_id.to_string(), previous.sha256.clone(), PRUNED.to_owned())
                });
                continue;
            }
            match found.and_then(Found::manifest) {
                Some(manifest) => {
                    next = manifest.previous.as_ref().map(|previous| {
                        (previous.run_id.to_string(), previous.sha256.clone(), manifest_path(&id))
                    });
                }
                None => chain.broken_at = Some(manifest_path(&id)),
            }
            // A manifest cannot hold a hash of itself, so no run comes twice.
            chain.links.insert(id, Link { sha256, by, is_proof: true });
        }
        for (id, manifest) in moment.found.iter().filter_map(|(id, found)| Some((id, found.manifest()?))) {
            if let Some(previous) = &manifest.previous
                && moment.pruned.find(previous.run_id.as_str(), &previous.sha256).is_none()
            {
                chain.links.entry(previous.run_id.to_string()).or_insert_with(|| Link {
                    sha256: previous.sha256.clone(),
                    by: manifest_path(id),
                    is_proof: false,
                });
            }
        }
        chain
    }

    /// What is wrong with a manifest's place in the chain. A broken link is told of the manifest at which it breaks, and
    /// of this one only if no other is looked at.
    fn fault(&self, id: &str, found: &Found, is_only: bool) -> Option<(DamageKind, String)> {
        match &found.content {
            Content::Nothing => {
                let what = "the run has no manifest: it is lost, or its publishing was stopped and is gone on with by the same command";
                return Some((DamageKind::Missing, what.to_owned()));
            }
            Content::Unfit(kind, detail) => return Some((*kind, detail.clone())),
            Content::Plain(()) => {}
        }
        match (self.links.get(id), &self.broken_at) {
            (Some(link), _) if link.sha256 != found.sha256 => {
                let kind = if link.is_proof { DamageKind::Changed } else { DamageKind::Disagreement };
                let detail = format!("its SHA-256 is {}, and {} says {}", found.sha256, link.by, link.sha256);
                Some((kind, detail))
            }
            (Some(link), _) if link.is_proof => None,
            (None, None) => {
                Some((DamageKind::Chain, "neither latest.json nor a later run names this run".to_owned()))
            }
            (_, Some(broken)) if is_only => {
                Some((DamageKind::Chain, format!("nothing proves it: the chain breaks at {broken}")))
            }
            // A run that is named, but by none that the chain leads to.
            (Some(link), None) => {
                Some((DamageKind::Chain, format!("only {} names this run, which nothing names", link.by)))
            }
            (_, Some(_)) => None,
        }
    }
}
