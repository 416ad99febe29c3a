//! The command `rebuild`: rebuilds the tables from a raw archive.

use bytesize::ByteSize;
use indicatif::HumanCount;

use super::args::{FormatName, PartitionKeys, RebuildArgs};
use super::command_line::CommandLine;
use super::exit::Exit;
use super::publishing::{self, JobError, Reports};
use super::settings::{self, SettingsError};
use super::{not_found, output_paths};
use crate::export::{self, Archive, Identity, Interruption, RebuildError, RebuildJob, Remedy};
use crate::output::manifest::{Manifest, RunOptions};
use crate::settings::{OutputSettings, RawAnswers, TableFormat, UnfinishedPolicy};
use crate::store::Store;
use crate::table::Table;
use crate::table::schema::SCHEMA_VERSION;

type CommandError = publishing::CommandError<RebuildError>;

impl JobError for RebuildError {
    fn exit(&self) -> Exit {
        Exit::of_rebuild(self)
    }

    fn remedy(&self) -> Remedy {
        self.remedy()
    }

    fn interrupted(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

/// Runs the command `rebuild`.
pub fn rebuild(args: &RebuildArgs) -> Exit {
    let reports =
        Reports { log: &args.log, progress: &args.progress, json: args.json, out: &args.out, verdict };
    publishing::run(&reports, async |monitor, signals| {
        let job = job(args)?;
        Box::pin(export::rebuild(job, monitor, signals.first())).await.map_err(CommandError::Job)
    })
}

/// Returns the outcome in one sentence.
fn verdict(manifest: &Manifest, out: &Store) -> String {
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
    let counts = &manifest.contacts;
    let rebuilt = format!(
        "run {} is rebuilt: {} messages of {} contacts{}",
        manifest.run_id,
        HumanCount(messages),
        HumanCount(counts.exported + counts.empty),
        not_found::named(manifest, out).map_or_else(String::new, |named| format!(", {named}"))
    );
    match counts.failed + counts.unresolved {
        0 => rebuilt,
        others => format!("{rebuilt}; {others} contacts are failed or unresolved, as in the original run"),
    }
}

/// Returns the settings: the options in the manifest, with those of the command line on top.
fn job(args: &RebuildArgs) -> Result<RebuildJob, CommandError> {
    let work =
        output_paths::work_folder(&args.out, args.work.work_dir.as_deref()).map_err(SettingsError::from)?;
    let archive = Archive::open(&args.from, args.run.as_ref()).map_err(CommandError::Job)?;
    let original =
        OriginalOptions { run_id: archive.manifest().run_id.as_str(), options: &archive.manifest().options };
    let output = output(args, &original)?;
    let window = original.options.window().map_err(|name| original.unknown(name))?;
    let raw = if args.keep_raw { RawAnswers::Kept } else { RawAnswers::Dropped };
    let identity = Identity {
        major_version: settings::major_version(),
        schema_version: SCHEMA_VERSION,
        base_url: archive.manifest().source.base_url.clone(),
        input_sha256: archive.manifest().input.sha256.clone(),
        options: original.options.clone().with_output(&output, raw),
        shard: None,
        rebuilt_from: Some(archive.sha256().to_owned()),
        snapshot_of: None,
        suppressed: None,
    };
    Ok(RebuildJob {
        archive,
        out: args.work.store.of(&args.out),
        work,
        unfinished: if args.work.fresh { UnfinishedPolicy::Discard } else { UnfinishedPolicy::Resume },
        mixed: args.work.mixed(),
        wait_lock: args.work.wait_lock.unwrap_or_default(),
        window,
        output,
        raw,
        threads: args.threads.count(),
        identity,
        command: CommandLine::of_process().to_resume(),
    })
}

fn output(args: &RebuildArgs, original: &OriginalOptions<'_>) -> Result<OutputSettings, CommandError> {
    let options = original.options;
    let original_format = match options.format.as_str() {
        "parquet" => FormatName::Parquet,
        "jsonl" => FormatName::Jsonl,
        _ => return Err(original.unknown("format")),
    };
    let format = args.format.unwrap_or(original_format);
    let compression = match &args.compression {
        Some(given) => Some(given.as_str()),
        None if format == original_format => Some(options.compression.as_str()),
        None => None,
    };
    let partition_by = match &args.partition_by {
        Some(PartitionKeys(keys)) => keys.clone(),
        None => options.partition_keys().ok_or_else(|| original.unknown("partition_by"))?,
    };
    let original_tables = if options.is_delta() { TableFormat::Delta } else { TableFormat::None };
    let table_format = args.table_format.unwrap_or(original_tables);
    let target_file_size = args.target_file_size.unwrap_or(ByteSize(options.target_file_size));
    Ok(settings::output(format, compression, &partition_by, (table_format, target_file_size))?)
}

/// Options in the manifest of the run to rebuild.
struct OriginalOptions<'a> {
    run_id: &'a str,
    options: &'a RunOptions,
}

impl OriginalOptions<'_> {
    fn unknown(&self, name: &'static str) -> CommandError {
        CommandError::Option { run_id: self.run_id.to_owned(), name }
    }
}
