//! The option `--shard` of `run`, and its result.

use std::path::PathBuf;

use indicatif::HumanCount;

use super::args::RunArgs;
use super::command_line::CommandLine;
use super::exit::Exit;
use super::run_monitor::RunOutcome;
use crate::id::Shard;
use crate::layout::shard_files;
use crate::output::manifest::Manifest;
use crate::table::Table;

/// Options that do not go together with `--shard`.
#[derive(Debug, thiserror::Error)]
pub enum ShardOptionError {
    #[error("--shard requires --{option}, the same for all shards of the run")]
    Missing { option: &'static str },
    #[error("--shard cannot be used with --{option}{why}")]
    Excluded { option: &'static str, why: &'static str },
    #[error(
        "--run-id {given} does not begin with a time, which --shard needs for the rows of all shards: use an ID like 20261130T020000Z-nightly"
    )]
    NoTime { given: String },
}

/// Checks the options of a shard. Returns the time of the run in microseconds since 1970, or none for a run without
/// shards.
///
/// The settings file sets defaults, which clap does not count as given. So these rules are here.
pub fn check(args: &RunArgs) -> Result<Option<i64>, ShardOptionError> {
    if args.shard.is_none() {
        return Ok(None);
    }
    let list =
        ": write the list once with chatzy-export contacts --out FILE, and give the file to all shards";
    let few = ", which selects few contacts";
    let excluded = [
        ("all-contacts", args.all_contacts, list),
        ("contact", !args.contact.is_empty(), few),
        ("search", args.search.is_some(), few),
        ("incremental", args.incremental, ": a run with shards reads all contacts of the file"),
        ("full", args.full, ""),
        ("unsuppress", !args.unsuppress.is_empty(), ": use it in a run without --shard before"),
        ("dry-run", args.dry_run, ": use it without --shard"),
    ];
    if let Some((option, _, why)) = excluded.into_iter().find(|(_, is_given, _)| *is_given) {
        return Err(ShardOptionError::Excluded { option, why });
    }
    if args.contacts.is_none() {
        return Err(ShardOptionError::Missing { option: "contacts" });
    }
    let Some(run_id) = &args.run_id else { return Err(ShardOptionError::Missing { option: "run-id" }) };
    match run_id.time() {
        Some(time) => Ok(Some(time.timestamp_micros())),
        None => Err(ShardOptionError::NoTime { given: run_id.to_string() }),
    }
}

/// Returns the work folder of a shard, unless `--work-dir` names one or the export is in an object store.
pub fn work_folder(args: &RunArgs) -> Option<PathBuf> {
    let (shard, run_id, out) = (args.shard?, args.run_id.as_ref()?, args.out.folder()?);
    let folder = || out.join(shard_files(run_id)).join(shard.file_name()).join("work");
    if args.work.work_dir.is_some() { None } else { Some(folder()) }
}

/// Returns the outcome of a finished shard. `commit` reports what its contacts lack.
pub fn outcome(manifest: Manifest, shard: Shard, args: &RunArgs) -> RunOutcome {
    let exit = Exit::of_manifest(&manifest);
    if manifest.shards.is_some() {
        let sentence = format!("shard {shard}: run {} is published already", manifest.run_id);
        return RunOutcome { exit, sentence: Some(sentence), command: None, manifest: Some(manifest) };
    }
    let counts = &manifest.contacts;
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
    let lacks =
        [(counts.failed, "failed"), (counts.unresolved, "unresolved"), (counts.not_found, "not found")];
    let lacks = lacks.into_iter().filter(|(count, _)| *count > 0);
    let lacks: Vec<String> = lacks.map(|(count, what)| format!(", {} {what}", HumanCount(count))).collect();
    let lacks = lacks.concat();
    let sentence = format!(
        "shard {shard} of run {} has finished: {} messages of {} contacts{lacks}; when all shards have finished, publish them with",
        manifest.run_id,
        HumanCount(messages),
        HumanCount(counts.requested),
    );
    let words = ["commit".into(), args.out.as_os_str().to_owned(), "--run-id".into()];
    let words = words.into_iter().chain([manifest.run_id.as_str().into(), "--shards".into()]);
    let words = words.chain([shard.of().to_string().into()]).collect();
    let command = Some(CommandLine::of_words(words).to_shell());
    RunOutcome { exit, sentence: Some(sentence), command, manifest: Some(manifest) }
}
