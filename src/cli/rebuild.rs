//! `rebuild`: the tables made again from a raw archive.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use indicatif::HumanCount;

use super::args::{FormatName, LogFormat, PartitionKeys, RebuildArgs};
use super::exit::Exit;
use super::invocation::Invocation;
use super::limits::{self, LimitError};
use super::log::Console;
use super::settings::{self, SettingsError};
use super::signals::Signals;
use super::watch::{Ending, Targets, Watch};
use super::{advice, console, place, summary};
use crate::export::{self, Archive, Identity, Interruption, RebuildError, RebuildJob, Remedy};
use crate::output::manifest::{Manifest, RunOptions};
use crate::settings::{OutputSettings, RawAnswers, Unfinished, Window};
use crate::table::schema::SCHEMA_VERSION;
use crate::table::{Table, parse_time};

/// Why nothing was made again.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error("the manifest of the run {run_id} has an option that is not known: {name}")]
    Option { run_id: String, name: &'static str },
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("cannot listen to signals")]
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

    fn ending(&self) -> Ending {
        advice::after_failure(&console::chain(self), self.exit(), self.remedy(), &Invocation::of_process())
    }
}

/// Runs the command.
pub fn rebuild(args: &RebuildArgs) -> Exit {
    let watch = Watch::new(Console::new(&args.log), Targets::default());
    let runtime = match limits::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return watch.end_without_runtime(CommandError::Limits(error).ending()),
    };
    let work = || runtime.block_on(Box::pin(make(args, &watch)));
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Ok(advice::after_panic(&Invocation::of_process())));
    let exit = runtime.block_on(watch.end(ended.unwrap_or_else(|error| error.ending())));
    // What still runs after an interrupt is not waited for.
    runtime.shutdown_background();
    exit
}

async fn make(args: &RebuildArgs, watch: &Arc<Watch>) -> Result<Ending, CommandError> {
    let watching = Arc::clone(watch);
    let signals = Signals::listen(None, move |why| farewell(watching, why)).map_err(CommandError::Signals)?;
    let job = job(args)?;
    let published = Box::pin(export::rebuild(job, watch.clone(), signals.first())).await?;
    let is_printed = !args.json || console::print_json(published.manifest.to_json().trim_end());
    if args.log.log_format == LogFormat::Text && !args.log.quiet {
        watch.clear();
        summary::tables(&args.out, &published);
    }
    let (exit, sentence) = (Exit::of_manifest(&published.manifest), Some(verdict(&published.manifest)));
    let ending = Ending { exit, sentence, command: None, manifest: Some(published.manifest) };
    Ok(if is_printed { ending } else { advice::without_stdout(ending) })
}

async fn farewell(watch: Arc<Watch>, why: Interruption) -> Exit {
    watch.farewell(CommandError::Rebuild(RebuildError::Interrupted(why)).ending()).await
}

/// In one sentence what was made.
fn verdict(manifest: &Manifest) -> String {
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
    let counts = &manifest.contacts;
    let made = format!(
        "run {} is made again: {} messages of {} contacts",
        manifest.run_id,
        HumanCount(messages),
        HumanCount(counts.exported + counts.empty)
    );
    match counts.failed + counts.unresolved {
        0 => made,
        others => format!("{made}; {others} contacts are failed or unresolved, as they were"),
    }
}

/// What shaped the run, from its manifest, with what is to be otherwise.
fn job(args: &RebuildArgs) -> Result<RebuildJob, CommandError> {
    let work = place::work_folder(&args.out, args.work.work_dir.as_deref()).map_err(SettingsError::from)?;
    let archive = Archive::open(&args.from, args.run.as_ref())?;
    let before = Before { run_id: archive.manifest().run_id.as_str(), options: &archive.manifest().options };
    let output = output(args, &before)?;
    let window = Window {
        since: before.time("since", |options| &options.since)?,
        until: before.time("until", |options| &options.until)?,
    };
    let raw = if args.keep_raw { RawAnswers::Kept } else { RawAnswers::Dropped };
    let identity = Identity {
        major_version: settings::major_version(),
        schema_version: SCHEMA_VERSION,
        base_url: archive.manifest().source.base_url.clone(),
        input_sha256: archive.manifest().input.sha256.clone(),
        options: before.options.clone().with_output(&output, raw),
        rebuilt_from: Some(archive.sha256().to_owned()),
    };
    Ok(RebuildJob {
        archive,
        out: args.out.clone(),
        work,
        unfinished: if args.work.fresh { Unfinished::ThrowAway } else { Unfinished::GoOn },
        mixed: args.work.mixed(),
        wait_lock: args.work.wait_lock.unwrap_or_default(),
        window,
        output,
        raw,
        identity,
    })
}

fn output(args: &RebuildArgs, before: &Before<'_>) -> Result<OutputSettings, CommandError> {
    let options = before.options;
    let format = match options.format.as_str() {
        "parquet" => FormatName::Parquet,
        "jsonl" => FormatName::Jsonl,
        _ => return Err(before.unknown("format")),
    };
    let form = args.format.unwrap_or(format);
    let compression = match &args.compression {
        Some(given) => Some(given.as_str()),
        None if form == format => Some(options.compression.as_str()),
        None => None,
    };
    let partition_by = match &args.partition_by {
        Some(PartitionKeys(keys)) => keys.clone(),
        None => options.partition_keys().ok_or_else(|| before.unknown("partition_by"))?,
    };
    settings::check_twice("partition-by", &partition_by, |key| format!("{key:?}").to_lowercase())?;
    let target_file_size = args.target_file_size.map_or(options.target_file_size, |size| size.as_u64());
    if target_file_size == 0 {
        return Err(SettingsError::NoFileSize.into());
    }
    Ok(OutputSettings { format: settings::format(form, compression)?, partition_by, target_file_size })
}

/// The options in a manifest.
struct Before<'a> {
    run_id: &'a str,
    options: &'a RunOptions,
}

impl Before<'_> {
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
