//! Converts arguments and environment variables into validated settings.

use std::env::VarError;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use secrecy::SecretString;

use super::args::{ConnectionArgs, FormatName, RequestArgs, RunArgs};
use super::command_line::CommandLine;
use super::output_paths::{InsideExport, InsideSource, WorkFolderError, outside_exports, work_folder};
use super::selection::{self, SelectionError};
use super::shard::{self, ShardOptionError};
use super::window::{self, TypedWindow, WindowError};
use crate::evidence::ZoneError;
use crate::export::{ContactSelection, Identity, Job};
use crate::output::manifest::RunOptions;
use crate::redaction::{KeyError, NoKey, PolicyError};
use crate::settings::{
    AskedShape, BaseUrl, BaseUrlError, Connection, Credentials, Format, Incremental, JsonlCodec, Login,
    OutagePolicy, OutputSettings, ParquetCodec, PartitionKey, PasswordSource, PingUrl, PingUrlError,
    ProxyError, RawAnswers, ReadingSettings, Retrying, RunSettings, TableFormat, TimestampUrlError,
    TokenSource, UnfinishedPolicy, secret,
};
use crate::table::schema::SCHEMA_VERSION;

/// Level of zstd in Parquet. Level 3 costs 60 % more time and saves 1 % of the bytes of such rows.
const PARQUET_ZSTD: i32 = 1;
/// Level of zstd for JSONL, the default of the zstd program.
const JSONL_ZSTD: i32 = 3;

/// Default of `--full-sweep-every`.
const FULL_SWEEP_EVERY: Duration = Duration::from_hours(30 * 24);

/// Invalid or missing arguments or environment variables.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("--base-url: {0}")]
    BaseUrl(#[from] BaseUrlError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("--ping-url: {0}")]
    PingUrl(#[from] PingUrlError),
    #[error(
        "no credentials: set CHATZY_EMAIL with CHATZY_PASSWORD_FILE (or CHATZY_PASSWORD, or --password-command), or CHATZY_TOKEN_FILE (or CHATZY_TOKEN)"
    )]
    NoCredentials,
    #[error(
        "CHATZY_EMAIL is set, but no password: set CHATZY_PASSWORD_FILE, CHATZY_PASSWORD or --password-command"
    )]
    NoPassword,
    #[error("a password is set, but no account: set CHATZY_EMAIL")]
    NoEmail,
    #[error("{name} is not valid UTF-8")]
    InvalidUtf8 { name: &'static str },
    #[error("invalid --compression {given:?} for --format {format}: use {possible}")]
    Compression { given: String, format: &'static str, possible: &'static str },
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("--{option} contains {value} twice")]
    Twice { option: &'static str, value: String },
    #[error("--table-format delta requires --format parquet: a Delta table consists of Parquet files")]
    DeltaOfJsonl,
    #[error("--target-file-size must be at least one byte")]
    NoFileSize,
    #[error("--{option} requires --incremental")]
    NotIncremental { option: &'static str },
    #[error("--json requires --out FILE: the list itself goes to stdout")]
    JsonWithoutOut,
    #[error(transparent)]
    InsideExport(#[from] InsideExport),
    #[error(transparent)]
    InsideSource(#[from] InsideSource),
    #[error(transparent)]
    WorkFolder(#[from] WorkFolderError),
    #[error(transparent)]
    Shard(#[from] ShardOptionError),
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error("--timestamp-url: {0}")]
    TimestampUrl(#[from] TimestampUrlError),
    #[error("--sign: {0}")]
    Key(String),
    #[error("--time-zone: {0}")]
    Zone(#[from] ZoneError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    PseudonymKey(#[from] KeyError),
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

/// Validates all settings and reads the contacts file. `simulator` is the address of the built-in API with
/// `--simulated`.
pub fn job(args: &RunArgs, simulator: Option<&str>) -> Result<Job, SettingsError> {
    // The URL is only checked here: the run itself does not use it.
    args.ping_url.as_deref().filter(|url| !url.is_empty()).map(str::parse::<PingUrl>).transpose()?;
    if let Some(path) = &args.metrics_file {
        outside_exports("--metrics-file", path, Some(&args.out))?;
    }
    let started_at = shard::check(args)?;
    let work = match shard::work_folder(args) {
        Some(work) => work,
        None => work_folder(&args.out, args.work.work_dir.as_deref())?,
    };
    let tables = (args.table_format, args.target_file_size);
    let output = output(args.format, args.compression.as_deref(), &args.partition_by, tables)?;
    let typed = TypedWindow::parse(
        args.since.as_deref(),
        args.until.as_deref(),
        started_at.unwrap_or_else(window::now),
    )?;
    check_twice("channel", &args.channel, |channel| channel.as_str().to_owned())?;
    let incremental = incremental(args)?;
    let outages = if args.dry_run { OutagePolicy::Fail } else { OutagePolicy::Wait };
    let connection = connection(&args.connection, &args.requests, args.concurrency, outages, simulator)?;
    let contacts = selection::select(args)?;
    let source = if simulator.is_some() { "simulated".to_owned() } else { connection.base_url.to_string() };
    let settings = RunSettings {
        out: args.work.store.of(&args.out),
        work,
        unfinished: if args.work.fresh { UnfinishedPolicy::Discard } else { UnfinishedPolicy::Resume },
        mixed: args.work.mixed(),
        wait_lock: args.work.wait_lock.unwrap_or_default(),
        run_id: args.run_id.clone(),
        shard: args.shard,
        connection: Arc::new(connection),
        reading: ReadingSettings {
            channels: args.channel.clone(),
            shape: if args.flat { AskedShape::Flat } else { AskedShape::Grouped },
            page_size: args.page_size,
            consistency: args.consistency,
        },
        window: typed.window,
        output,
        raw: if args.keep_raw { RawAnswers::Kept } else { RawAnswers::Dropped },
        threads: args.threads.count(),
        max_failed: args.max_failed,
        incremental,
        unsuppressed: args.unsuppress.clone(),
    };
    let mut identity = identity(&settings, args, &contacts, source);
    identity.options = typed.relative(identity.options);
    Ok(Job { settings, contacts, identity, command: CommandLine::of_process().to_resume() })
}

/// Returns the form and layout of the files.
pub(super) fn output(
    format: FormatName,
    compression: Option<&str>,
    partition_by: &[PartitionKey],
    (table_format, target_file_size): (TableFormat, ByteSize),
) -> Result<OutputSettings, SettingsError> {
    let format = self::format(format, compression)?;
    check_twice("partition-by", partition_by, |key| format!("{key:?}").to_lowercase())?;
    if target_file_size.as_u64() == 0 {
        return Err(SettingsError::NoFileSize);
    }
    if let (Format::Jsonl(_), TableFormat::Delta) = (format, table_format) {
        return Err(SettingsError::DeltaOfJsonl);
    }
    let (partition_by, target_file_size) = (partition_by.to_vec(), target_file_size.as_u64());
    Ok(OutputSettings { format, partition_by, target_file_size, table_format })
}

/// Returns the address, the credentials and the limits. `simulator` is the address of the built-in API with
/// `--simulated`.
pub(super) fn connection(
    service: &ConnectionArgs,
    requests: &RequestArgs,
    concurrency: NonZeroU32,
    outages: OutagePolicy,
    simulator: Option<&str>,
) -> Result<Connection, SettingsError> {
    let (base_url, credentials): (BaseUrl, _) = match simulator {
        Some(url) => (url.parse()?, simulated_credentials()),
        None => (service.base_url.parse()?, credentials(service)?),
    };
    Ok(Connection {
        route: base_url.route()?,
        base_url,
        credentials,
        auth_scheme: service.auth_scheme,
        concurrency,
        rate_limit: requests.rate_limit,
        retrying: Retrying {
            retries: requests.retries,
            timeout: requests.timeout,
            connect_timeout: requests.connect_timeout,
            outages,
        },
    })
}

pub fn check_twice<T: PartialEq>(
    option: &'static str,
    values: &[T],
    name: impl Fn(&T) -> String,
) -> Result<(), SettingsError> {
    let twice = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value));
    twice.map_or(Ok(()), |(_, value)| Err(SettingsError::Twice { option, value: name(value) }))
}

fn incremental(args: &RunArgs) -> Result<Option<Incremental>, SettingsError> {
    let sweep_every = args.full_sweep_every;
    match (args.incremental, args.full, sweep_every) {
        (false, true, _) => Err(SettingsError::NotIncremental { option: "full" }),
        (false, _, Some(_)) => Err(SettingsError::NotIncremental { option: "full-sweep-every" }),
        (false, false, None) => Ok(None),
        (true, full, _) => {
            Ok(Some(Incremental { sweep_every: sweep_every.unwrap_or(FULL_SWEEP_EVERY), full }))
        }
    }
}

/// Returns the format of the data files from `--format` and `--compression`.
fn format(name: FormatName, given: Option<&str>) -> Result<Format, SettingsError> {
    let (codec, level) = match given.and_then(|given| given.split_once(':')) {
        Some((codec, level)) => {
            (Some(codec), level.parse().ok().filter(|level| (1..=22).contains(level)).ok_or(()))
        }
        None => (given, Err(())),
    };
    let has_level = given.is_some_and(|given| given.contains(':'));
    let zstd = |default: i32| if has_level { level.ok() } else { Some(default) };
    let plain = |codec| if has_level { None } else { Some(codec) };
    let chosen = match (name, codec) {
        (FormatName::Parquet, None | Some("zstd")) => {
            zstd(PARQUET_ZSTD).map(ParquetCodec::Zstd).map(Format::Parquet)
        }
        (FormatName::Parquet, Some("snappy")) => plain(Format::Parquet(ParquetCodec::Snappy)),
        (FormatName::Parquet, Some("none")) => plain(Format::Parquet(ParquetCodec::None)),
        (FormatName::Jsonl, None | Some("none")) => plain(Format::Jsonl(JsonlCodec::None)),
        (FormatName::Jsonl, Some("gzip")) => plain(Format::Jsonl(JsonlCodec::Gzip)),
        (FormatName::Jsonl, Some("zstd")) => zstd(JSONL_ZSTD).map(JsonlCodec::Zstd).map(Format::Jsonl),
        (_, Some(_)) => None,
    };
    let (format, possible) = match name {
        FormatName::Parquet => ("parquet", "zstd, zstd:1 to zstd:22, snappy or none"),
        FormatName::Jsonl => ("jsonl", "none, gzip, zstd, or zstd:1 to zstd:22"),
    };
    chosen.ok_or_else(|| SettingsError::Compression {
        given: given.unwrap_or_default().to_owned(),
        format,
        possible,
    })
}

/// Returns the value of a variable, unless it is blank.
fn variable(name: &'static str) -> Result<Option<String>, SettingsError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !secret::trimmed(value).is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(SettingsError::InvalidUtf8 { name }),
    }
}

/// Returns a path from a variable. It may contain any bytes.
fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn credentials(args: &ConnectionArgs) -> Result<Credentials, SettingsError> {
    let token = variable("CHATZY_TOKEN")?
        .map(|token| TokenSource::Value(secret::token(&token)))
        .or_else(|| path_variable("CHATZY_TOKEN_FILE").map(TokenSource::File));
    let password = variable("CHATZY_PASSWORD")?
        .map(|password| PasswordSource::Value(secret::password(&password)))
        .or_else(|| path_variable("CHATZY_PASSWORD_FILE").map(PasswordSource::File))
        .or_else(|| args.password_command.clone().map(PasswordSource::Command));
    let email = variable("CHATZY_EMAIL")?.map(|email| SecretString::from(secret::trimmed(&email)));
    let login = match (email.clone(), password) {
        (Some(email), Some(password)) => Some(Login { email, password }),
        // A token is enough. An incomplete login beside it is ignored.
        (_, _) if token.is_some() => None,
        (Some(_), None) => return Err(SettingsError::NoPassword),
        (None, Some(_)) => return Err(SettingsError::NoEmail),
        (None, None) => return Err(SettingsError::NoCredentials),
    };
    Ok(Credentials { token, login, email })
}

fn simulated_credentials() -> Credentials {
    let email = SecretString::from("simulated@example.com");
    let login =
        Login { email: email.clone(), password: PasswordSource::Value(SecretString::from("simulated")) };
    Credentials { token: None, login: Some(login), email: Some(email) }
}

fn identity(settings: &RunSettings, args: &RunArgs, contacts: &ContactSelection, source: String) -> Identity {
    let incremental = settings.incremental;
    let options = RunOptions {
        contacts_column: args.contacts_form.contacts_column.clone(),
        delimiter: args.contacts_form.delimiter.map(|delimiter| delimiter.to_string()),
        max_not_found: Some(args.max_not_found.to_string()),
        incremental: incremental.map(|_| true),
        full_sweep_every: incremental
            .map(|incremental| humantime::format_duration(incremental.sweep_every).to_string()),
        ..RunOptions::default()
    };
    Identity {
        major_version: major_version(),
        schema_version: SCHEMA_VERSION,
        base_url: source,
        input_sha256: selection::identity(args, contacts),
        options: options.with_output(&settings.output, settings.raw).with_reading(
            &settings.reading,
            settings.window,
            settings.max_failed,
        ),
        shard: settings.shard,
        rebuilt_from: None,
        snapshot_of: None,
        suppressed: None, // known when the export is locked
    }
}

/// Returns the major version of this program.
pub fn major_version() -> String {
    env!("CARGO_PKG_VERSION").split('.').next().unwrap_or_default().to_owned()
}
