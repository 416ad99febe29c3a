//! The command `rebuild`: rebuilds the tables from a raw archive.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use indicatif::HumanCount;

use super::args::{FormatName, LogFormat, PartitionKeys, RebuildArgs};
use super::command_line::CommandLine;
use super::exit::Exit;
use super::limits::{self, LimitError};
use super::log::Console;
use super::run_monitor::{RunMonitor, RunOutcome, Targets};
use super::settings::{self, SettingsError};
use super::signals::Signals;
use super::{console, next_command, output_paths, summary};
use crate::export::{self, Archive, Identity, Interruption, RebuildError, RebuildJob, Remedy};
use crate::output::manifest::{Manifest, RunOptions};
use crate::settings::{OutputSettings, RawAnswers, UnfinishedPolicy, Window};
use crate::table::schema::SCHEMA_VERSION;
use crate::table::{Table, parse_time};

/// Failure of `rebuild`.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error("missing or unknown value of the option {name} in the manifest of run {run_id}")]
    Option { run_id: String, name: &'static str },
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("cannot install signal handlers")]
    Signals(#[source] std::io::Error),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Option { .. } => Exit::Usage,
            Self::Rebuild(error) => Exit::of_rebuild(error),
            Self::Limits(_) | Self::Signals(_) => Exit::Storage,
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Settings(_) | Self::Option { .. } => Remedy::Manual,
            Self::Rebuild(error) => error.remedy(),
            Self::Limits(_) | Self::Signals(_) => Remedy::Repeat,
        }
    }

    fn outcome(&self) -> RunOutcome {
        next_command::after_failure(
            &console::chain(self),
            self.exit(),
            self.remedy(),
            &CommandLine::of_process(),
        )
    }
}

/// Runs the command `rebuild`.
pub fn rebuild(args: &RebuildArgs) -> Exit {
    let monitor = RunMonitor::new(Console::new(&args.log), Targets::default());
    let runtime = match limits::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return monitor.end_without_runtime(CommandError::Limits(error).outcome()),
    };
    let work = || runtime.block_on(Box::pin(make(args, &monitor)));
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Ok(next_command::after_panic(&CommandLine::of_process())));
    let exit = runtime.block_on(monitor.end(ended.unwrap_or_else(|error| error.outcome())));
    // Tasks that still run after an interruption are abandoned.
    runtime.shutdown_background();
    exit
}

async fn make(args: &RebuildArgs, monitor: &Arc<RunMonitor>) -> Result<RunOutcome, CommandError> {
    let shared = Arc::clone(monitor);
    let signals = Signals::listen(None, move |why| farewell(shared, why)).map_err(CommandError::Signals)?;
    let job = job(args)?;
    let published = Box::pin(export::rebuild(job, monitor.clone(), signals.first())).await?;
    let is_printed = !args.json || console::print_json(published.manifest.to_json().trim_end());
    if args.log.log_format == LogFormat::Text && !args.log.quiet {
        monitor.clear();
        summary::tables(&args.out, &published);
    }
    let (exit, sentence) = (Exit::of_manifest(&published.manifest), Some(verdict(&published.manifest)));
    let outcome = RunOutcome { exit, sentence, command: None, manifest: Some(published.manifest) };
    Ok(if is_printed { outcome } else { next_command::without_stdout(outcome) })
}

async fn farewell(monitor: Arc<RunMonitor>, why: Interruption) -> Exit {
    monitor.farewell(CommandError::Rebuild(RebuildError::Interrupted(why)).outcome()).await
}

/// Returns the outcome in one sentence.
fn verdict(manifest: &Manifest) -> String {
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
    let counts = &manifest.contacts;
    let rebuilt = format!(
        "run {} is rebuilt: {} messages of {} contacts",
        manifest.run_id,
        HumanCount(messages),
        HumanCount(counts.exported + counts.empty)
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
    let archive = Archive::open(&args.from, args.run.as_ref())?;
    let original =
        OriginalOptions { run_id: archive.manifest().run_id.as_str(), options: &archive.manifest().options };
    let output = output(args, &original)?;
    let window = Window {
        since: original.time("since", |options| &options.since)?,
        until: original.time("until", |options| &options.until)?,
    };
    let raw = if args.keep_raw { RawAnswers::Kept } else { RawAnswers::Dropped };
    let identity = Identity {
        major_version: settings::major_version(),
        schema_version: SCHEMA_VERSION,
        base_url: archive.manifest().source.base_url.clone(),
        input_sha256: archive.manifest().input.sha256.clone(),
        options: original.options.clone().with_output(&output, raw),
        rebuilt_from: Some(archive.sha256().to_owned()),
    };
    Ok(RebuildJob {
        archive,
        out: args.out.clone(),
        work,
        unfinished: if args.work.fresh { UnfinishedPolicy::Discard } else { UnfinishedPolicy::Resume },
        mixed: args.work.mixed(),
        wait_lock: args.work.wait_lock.unwrap_or_default(),
        window,
        output,
        raw,
        identity,
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
    settings::check_twice("partition-by", &partition_by, |key| format!("{key:?}").to_lowercase())?;
    let target_file_size = args.target_file_size.map_or(options.target_file_size, |size| size.as_u64());
    if target_file_size == 0 {
        return Err(SettingsError::NoFileSize.into());
    }
    Ok(OutputSettings { format: settings::format(format, compression)?, partition_by, target_file_size })
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

    fn time(
        &self,
        name: &'static str,
        option: fn(&RunOptions) -> &Option<String>,
    ) -> Result<Option<i64>, CommandError> {
        let time = |text: &String| parse_time(text).ok_or_else(|| self.unknown(name));
        option(self.options).as_ref().map(time).transpose()
    }
}
