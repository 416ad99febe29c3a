//! `latest.json`, which names the newest run.
//!
//! It is written after the manifest. If a run ends between the two, its next attempt writes it, or the next run
//! does before its own commit.

use chrono::TimeDelta;

use super::PublishError;
use super::run_file;
use crate::catalog::{self, CatalogError, Link, MAX_LATEST, Walk};
use crate::durable::{self, Content};
use crate::id::RunId;
use crate::layout::{self, LATEST, MANIFEST, RUNS};
use crate::output::manifest::{Latest, Manifest, Previous};
use crate::store::{Kind, Replaced, Store, Version};

/// Maximum number of attempts while another run changes the file.
const MAX_ATTEMPTS: u32 = 8;
/// Maximum number of links that are followed to find a run.
const MAX_LINKS: usize = 1000;
/// Maximum number of runs that are read to find one that `latest.json` should name.
const MAX_RUNS: usize = 20;
/// Precision of the times of files and objects.
const CLOCK_STEP: TimeDelta = TimeDelta::seconds(2);

/// Reads `latest.json`. An unreadable one ends the chain, but not the run. `verify` reports it.
fn read(out: &Store) -> Result<(Option<Latest>, Version), PublishError> {
    let (content, version) = out.read_version(LATEST, MAX_LATEST)?;
    let latest = match content {
        Content::Bytes(text) => Latest::parse(&text).ok(),
        Content::Missing | Content::TooLarge(_) => None,
        Content::NotRegular => return Err(durable::not_a_regular_file(&out.join(LATEST)).into()),
    };
    Ok((latest, version))
}

/// Returns the predecessor of the next run: the newest one. First makes `latest.json` name runs whose manifest
/// exists, but whose last steps are missing.
pub(super) fn newest(out: &Store, next: &RunId) -> Result<Option<Previous>, PublishError> {
    if is_unreadable(out)? {
        return Ok(None);
    }
    let mut newest = read(out)?.0.map(previous_of);
    for _ in 0..MAX_LINKS {
        let Some(follower) = unnamed_follower(out, newest.as_ref(), next)? else { return Ok(newest) };
        newest = match point_at(out, &follower.manifest, follower.sha256.clone()) {
            // Another run has just done the same, and is the newest.
            Err(PublishError::Forked { .. }) => read(out)?.0.map(previous_of),
            named => {
                named?;
                Some(Previous { run_id: follower.manifest.run_id, sha256: follower.sha256 })
            }
        };
    }
    Ok(newest)
}

/// True if there is a `latest.json` that cannot be parsed.
fn is_unreadable(out: &Store) -> Result<bool, PublishError> {
    Ok(read(out)?.0.is_none() && out.kind(LATEST)? != Kind::Missing)
}

fn previous_of(latest: Latest) -> Previous {
    Previous { run_id: latest.run_id, sha256: latest.sha256 }
}

/// Returns the run that follows the newest one, if there is one already.
fn unnamed_follower(
    out: &Store,
    newest: Option<&Previous>,
    next: &RunId,
) -> Result<Option<catalog::Run>, PublishError> {
    // The manifest of a follower is not older than latest.json, which did not change after it.
    let named_at = out.modified(LATEST)?.map(|modified| modified.0 - CLOCK_STEP);
    let mut ids = Vec::new();
    for found in out.list(RUNS)? {
        if let Some((id, MANIFEST)) = layout::split_run_file(&found.path)
            && let Ok(id) = id.parse::<RunId>()
            && id != *next
            && newest.is_none_or(|newest| newest.run_id != id)
            && named_at.is_none_or(|named_at| found.modified.is_none_or(|modified| modified >= named_at))
        {
            ids.push(id);
        }
    }
    if newest.is_none() && ids.len() != 1 {
        // Without latest.json, the order of several runs is unknown: `verify` reports that.
        return Ok(None);
    }
    for id in ids.iter().rev().take(MAX_RUNS) {
        match catalog::run(out, id) {
            Ok(Some(run)) if run.manifest.previous.as_ref() == newest => return Ok(Some(run)),
            Err(CatalogError::Storage(error)) => return Err(error.into()),
            Ok(_) | Err(_) => {} // `verify` reports damage
        }
    }
    Ok(None)
}

/// Makes `latest.json` name the run.
pub(super) fn point_at(out: &Store, manifest: &Manifest, sha256: String) -> Result<(), PublishError> {
    let (run_id, path) = (manifest.run_id.clone(), run_file(manifest, MANIFEST));
    let ours = Latest { run_id, manifest: path, sha256 };
    for _ in 0..MAX_ATTEMPTS {
        let (latest, version) = read(out)?;
        if latest.as_ref() == Some(&ours) {
            return Ok(());
        }
        let named = latest.map(previous_of);
        if named.is_some() && named != manifest.previous {
            // A later run may have written it for this one.
            return if is_in_chain(out, &ours.sha256) { Ok(()) } else { Err(forked(out)) };
        }
        if out.replace(LATEST, ours.to_json().as_bytes(), &version)? == Replaced::Written {
            return Ok(());
        }
    }
    Err(forked(out))
}

fn forked(out: &Store) -> PublishError {
    PublishError::Forked { path: out.join(LATEST) }
}

fn is_in_chain(out: &Store, sha256: &str) -> bool {
    let Ok(Some(walk)) = Walk::begin(out) else { return false };
    walk.take(MAX_LINKS).map_while(Result::ok).any(|link| match link {
        Link::Run(run) => run.sha256 == sha256,
        Link::Pruned(run) => run.sha256 == sha256,
        Link::Broken { .. } => false,
    })
}
