//! The chain of manifests. `latest.json` holds the hash of the newest manifest, and each manifest that of the
//! previous one.
//!
//! The record of pruned runs bridges the gaps.
//!
//! A hash in the chain is proof as long as every link before it holds. After a broken link, the remaining
//! manifests are still compared, since most damage is accidental. But they prove nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::content::{Content, LATEST, manifest_path};
use super::excerpt::quoted;
use super::runs::{Found, Snapshot, UnfinishedRun, with_cause};
use super::{DamageKind, Report, VerifyOptions};
use crate::layout::PRUNED;
use crate::output::manifest::Latest;

/// The expected hash of a manifest.
struct Link {
    sha256: String,
    /// File that records the hash.
    by: String,
    is_proof: bool,
}

/// All links, and the point where the chain breaks.
struct Chain {
    links: BTreeMap<String, Link>,
    broken_at: Option<String>,
}

/// Compares the manifests with `latest.json` and each other.
pub(super) fn check(snapshot: &Snapshot, options: &VerifyOptions, report: &mut Report) {
    let latest = read_latest(snapshot, report);
    let chain = Chain::follow(snapshot, latest.as_ref());
    let is_selected = |id: &str| options.run.as_ref().is_none_or(|run| run.as_str() == id);
    for (id, link) in chain.links.iter().filter(|(id, _)| !snapshot.found.contains_key(*id)) {
        if is_selected(id) {
            let detail = format!("{} names this manifest, but it is missing", link.by);
            report.damage(Some(id), manifest_path(id), DamageKind::Missing, detail);
        }
    }
    for (id, found) in snapshot.found.iter().filter(|(id, _)| is_selected(id)) {
        if let Some((kind, detail)) = chain.fault(id, found, options.run.is_some()) {
            report.damage(Some(id), manifest_path(id), kind, detail);
        }
    }
}

/// Returns the run whose manifest is written but not yet named by `latest.json`. Its publication is under way
/// or was interrupted. It is not damage that `latest.json` still names the previous run.
fn committed<'a>(snapshot: &'a Snapshot, latest: Option<&Latest>) -> Option<(&'a str, &'a Found)> {
    let is_next = |found: &Found| match (found.manifest().map(|manifest| &manifest.previous), latest) {
        (Some(Some(previous)), Some(latest)) => {
            (&previous.run_id, &previous.sha256) == (&latest.run_id, &latest.sha256)
        }
        (Some(None), None) => matches!(snapshot.latest, Content::Missing),
        _ => false,
    };
    let found = |run: &'a UnfinishedRun| Some((run.id.as_str(), snapshot.found.get(&run.id)?));
    snapshot.unfinished.iter().filter_map(found).find(|(_, found)| is_next(found))
}

fn read_latest(snapshot: &Snapshot, report: &mut Report) -> Option<Latest> {
    let mut add_damage =
        |run_id: Option<&str>, kind, detail: String| report.damage(run_id, LATEST, kind, detail);
    let text = match &snapshot.latest {
        Content::Plain(text) => text,
        Content::Missing => {
            if committed(snapshot, None).is_none() {
                add_damage(None, DamageKind::Missing, "without it, the newest run is unknown".to_owned());
            }
            return None;
        }
        Content::Rejected(kind, detail) => {
            add_damage(None, *kind, detail.clone());
            return None;
        }
    };
    match Latest::parse(text) {
        Err(error) => {
            add_damage(None, DamageKind::Unreadable, with_cause(&error));
            None
        }
        Ok(latest) if latest.manifest != manifest_path(latest.run_id.as_str()) => {
            let detail =
                format!("it names {}, which is not the manifest of its run", quoted(&latest.manifest));
            add_damage(Some(latest.run_id.as_str()), DamageKind::Chain, detail);
            None
        }
        Ok(latest) => {
            if !is_as_written(text) {
                let detail = "its content is the same, but its form has changed".to_owned();
                add_damage(Some(latest.run_id.as_str()), DamageKind::Changed, detail);
            }
            Some(latest)
        }
    }
}

/// True if the text has the form that the program writes. No file records a hash of `latest.json`, so this
/// detects a changed space. Keys of later versions are allowed.
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
    fn follow(snapshot: &Snapshot, latest: Option<&Latest>) -> Self {
        let mut chain = Self { links: BTreeMap::new(), broken_at: None };
        let mut next = match (committed(snapshot, latest), latest) {
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
            let found = snapshot.found.get(&id).filter(|found| found.sha256 == sha256);
            // A pruned run is gone. The record names the run before it.
            if found.is_none()
                && let Some(pruned) = snapshot.pruned.find(&id, &sha256)
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
            // A manifest cannot contain its own hash, so no run occurs twice.
            chain.links.insert(id, Link { sha256, by, is_proof: true });
        }
        for (id, manifest) in snapshot.found.iter().filter_map(|(id, found)| Some((id, found.manifest()?))) {
            if let Some(previous) = &manifest.previous
                && snapshot.pruned.find(previous.run_id.as_str(), &previous.sha256).is_none()
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

    /// Returns the damage of a manifest's link. A broken link is reported at the manifest where it breaks;
    /// `is_only` reports it here, because no other manifest is checked.
    fn fault(&self, id: &str, found: &Found, is_only: bool) -> Option<(DamageKind, String)> {
        match &found.content {
            Content::Missing => {
                let what = "the run has no manifest: it is lost, or its publication was interrupted; if so, repeat the command of that run";
                return Some((DamageKind::Missing, what.to_owned()));
            }
            Content::Rejected(kind, detail) => return Some((*kind, detail.clone())),
            Content::Plain(()) => {}
        }
        match (self.links.get(id), &self.broken_at) {
            (Some(link), _) if link.sha256 != found.sha256 => {
                let kind = if link.is_proof { DamageKind::Changed } else { DamageKind::Disagreement };
                let detail = format!("its SHA-256 is {}, but {} says {}", found.sha256, link.by, link.sha256);
                Some((kind, detail))
            }
            (Some(link), _) if link.is_proof => None,
            (None, None) => {
                Some((DamageKind::Chain, "neither latest.json nor a later run names this run".to_owned()))
            }
            (_, Some(broken)) if is_only => {
                Some((DamageKind::Chain, format!("it cannot be verified: the chain breaks at {broken}")))
            }
            // A later run names this run, but the chain does not lead to that run.
            (Some(link), None) => Some((
                DamageKind::Chain,
                format!("only {} names this run, and the chain does not contain that manifest", link.by),
            )),
            (_, Some(_)) => None,
        }
    }
}
