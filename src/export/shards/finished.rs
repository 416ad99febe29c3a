//! The manifest of a finished shard: what `commit` needs to publish it.

use serde::{Deserialize, Serialize};

use super::ShardsError;
use crate::catalog::{self, MAX_MANIFEST, finished_shards, shard_manifest_path};
use crate::durable::{self, Content};
use crate::export::ExportError;
use crate::export::identity::{Cause, Difference, Identity, difference};
use crate::export::work_folder::WorkFolder;
use crate::id::{RunId, Shard};
use crate::publish::{Draft, Published};
use crate::store::Store;

/// Letters and digits of the random part of an attempt's name.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Length of that part.
const RANDOM_LENGTH: usize = 6;

/// A finished shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FinishedShard {
    /// Name of the folder with its files.
    pub(super) attempt: String,
    /// Identity of the command. Those of all shards are the same, apart from the number of the shard.
    pub(super) identity: Identity,
    /// Its part of the manifest, and its lists of contacts.
    pub(super) draft: Draft,
    /// In an object store: the log of the uploads of its data files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) uploads: String,
}

impl FinishedShard {
    /// Reads the manifest of a shard; `None` if the shard has not finished.
    pub(super) fn read(out: &Store, run_id: &RunId, shard: Shard) -> Result<Option<Self>, ShardsError> {
        let path = shard_manifest_path(run_id, shard);
        let damaged = |what: String| ShardsError::Damaged { path: out.join(&path), what };
        let text = match out.read(&path, MAX_MANIFEST)? {
            Content::Bytes(text) => text,
            Content::Missing => return Ok(None),
            Content::NotRegular => return Err(damaged(durable::NOT_REGULAR.to_owned())),
            Content::TooLarge(limit) => return Err(damaged(durable::too_large(limit))),
        };
        let finished: Self = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let manifest = &finished.draft.manifest;
        manifest.check_names().map_err(|error| damaged(error.to_string()))?;
        let is_of_shard = |shard: Shard| {
            let files = manifest.files.iter().map(|file| file.path.shard(run_id));
            files.into_iter().all(|of| of == Some(shard.index()))
        };
        if manifest.run_id != *run_id || finished.identity.shard != Some(shard) || !is_of_shard(shard) {
            return Err(damaged("it is the manifest of another shard".to_owned()));
        }
        if !is_attempt(&finished.attempt, shard) {
            return Err(damaged(format!("invalid name of an attempt: {:?}", finished.attempt)));
        }
        if finished.draft.lists.iter().any(|list| !list.path.is_of(run_id)) {
            return Err(damaged("it names lists of another run".to_owned()));
        }
        Ok(Some(finished))
    }

    /// The differences of a command to that of this shard, apart from the number of the shard.
    pub(super) fn differences(&self, identity: &Identity, version: &str) -> Vec<Difference> {
        let before = Identity { shard: None, ..self.identity.clone() };
        let mut differences = Identity { shard: None, ..identity.clone() }.differences(&before);
        let own = &self.draft.manifest.tool.version;
        if own != version && differences.iter().all(|difference| difference.cause != Cause::Program) {
            let what = "the version of chatzy-export";
            differences.push(Difference { cause: Cause::Program, ..difference(what, own, version) });
        }
        differences
    }
}

/// Creates the name of the folder of a new attempt.
pub fn new_attempt(shard: Shard) -> String {
    let letters = (0..RANDOM_LENGTH).filter_map(|_| fastrand::choice(LETTERS)).map(|byte| char::from(*byte));
    format!("{:05}-{}", shard.index(), letters.collect::<String>())
}

/// True for a name that [`new_attempt`] makes.
fn is_attempt(name: &str, shard: Shard) -> bool {
    let random = name.strip_prefix(&format!("{:05}-", shard.index()));
    random.is_some_and(|text| text.len() == RANDOM_LENGTH && text.bytes().all(|byte| LETTERS.contains(&byte)))
}

/// Refuses a work folder with an unfinished run that is no shard: the command does not lock its export.
pub fn check_work(work: &WorkFolder, shard: Shard) -> Result<(), ExportError> {
    let Some(run) = work.unfinished()?.filter(|run| run.identity.shard.is_none()) else { return Ok(()) };
    let differences = vec![difference("--shard", "not set", &shard.to_string())];
    Err(ExportError::DoesNotFit { run_id: run.run_id.to_string(), differences })
}

/// Returns the result of a shard that has finished before, or whose run is published. The unfinished attempt in the
/// work folder, if there is one, is removed then.
///
/// # Errors
/// If the run exists, but does not consist of these shards, or other shards do not fit this command.
pub fn already_finished(
    work: &WorkFolder,
    run_id: &RunId,
    (identity, shard): (&Identity, Shard),
) -> Result<Option<Published>, ExportError> {
    let out = work.store();
    if let Some(run) = catalog::run(out, run_id).map_err(ShardsError::from)? {
        if run.manifest.shards != Some(shard.of().get()) {
            return Err(ExportError::RunIdTaken { run_id: run_id.to_string() });
        }
        super::hand_over::discard_attempt(work, run_id, shard, None)?;
        let manifest_path = out.join(catalog::manifest_path(run_id));
        return Ok(Some(Published { manifest: run.manifest, manifest_path }));
    }
    let others = finished_shards(out, run_id).map_err(ExportError::from)?;
    if let Some(other) = others.iter().find(|other| other.of() != shard.of()) {
        let (found, asked) = (other.of(), shard.of());
        return Err(ShardsError::OtherCount { run_id: run_id.clone(), found, asked }.into());
    }
    let compared = if others.contains(&shard) { Some(shard) } else { others.first().copied() };
    let Some(other) = compared else { return Ok(None) };
    let Some(finished) = FinishedShard::read(out, run_id, other)? else { return Ok(None) };
    let differences = finished.differences(identity, env!("CARGO_PKG_VERSION"));
    if !differences.is_empty() {
        let run_id = run_id.clone();
        return Err(ShardsError::Differ { run_id, shard: other, other: None, differences }.into());
    }
    if other != shard {
        return Ok(None);
    }
    super::hand_over::discard_attempt(work, run_id, shard, Some(&finished.attempt))?;
    let manifest_path = out.join(shard_manifest_path(run_id, shard));
    Ok(Some(Published { manifest: finished.draft.manifest, manifest_path }))
}
