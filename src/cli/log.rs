//! Writes events as lines on stderr: text for people, JSON for programs. Lines appear above the progress bar.

use bytesize::ByteSize;
use std::sync::Arc;

use serde::Serialize;

use super::args::{LogArgs, LogFormat, ProgressArgs};
use super::console::{self, now};
use super::exit::Exit;
use super::progress::{self, Progress};
use crate::event::{Event, Level, Observer};
use crate::html::counted;
use crate::output::manifest::period_in_words;
use crate::time::short_text;

/// Observer that logs events to stderr.
pub struct Console {
    max_level: Level,
    format: LogFormat,
    progress: Progress,
}

impl Console {
    /// Returns the console of a command without progress.
    pub fn new(args: &LogArgs) -> Arc<Self> {
        Self::of(args, Progress::none())
    }

    /// Returns the console of a command that shows its progress.
    pub fn with_progress(args: &LogArgs, progress: &ProgressArgs) -> Arc<Self> {
        if args.quiet {
            return Self::new(args);
        }
        let format = args.log_format;
        let print = move |event: &Event| print(format, event);
        Self::of(args, Progress::new(args.progress, format, progress.progress_every, print))
    }

    fn of(args: &LogArgs, progress: Progress) -> Arc<Self> {
        let max_level = match (args.quiet, args.verbose) {
            (true, _) => Level::Warn,
            (false, 0) => Level::Info,
            (false, 1) => Level::Debug,
            (false, _) => Level::Trace,
        };
        if args.log_format == LogFormat::Json {
            console::use_json();
        }
        Arc::new(Self { max_level, format: args.log_format, progress })
    }

    /// Returns a console for warnings and the last line only.
    pub fn silent(format: LogFormat) -> Arc<Self> {
        if format == LogFormat::Json {
            console::use_json();
        }
        Arc::new(Self { max_level: Level::Warn, format, progress: Progress::none() })
    }

    /// Prints the last line of a run. With `--quiet`, a complete run prints none.
    pub fn print_last_line(&self, exit: Exit, sentence: &str, command: Option<&str>) {
        if self.max_level == Level::Warn && exit == Exit::Complete {
            return;
        }
        print_last_line(self.format, "published", exit, sentence, command);
    }

    /// Removes the progress bar. No line of progress follows.
    pub fn finish(&self) {
        self.progress.finish();
    }
}

impl Observer for Console {
    fn event(&self, event: Event) {
        if event.level() <= self.max_level {
            self.progress.above(|| print(self.format, &event));
        }
        self.progress.event(&event);
    }

    fn request_sent(&self) {
        self.progress.request_sent();
    }
}

/// Prints an event as a line.
fn print(format: LogFormat, event: &Event) {
    let level = event.level();
    match format {
        LogFormat::Text => console::eprint(&text(event, level)),
        LogFormat::Json => console::eprint_json(&json(event, level)),
    }
}

/// Prints the outcome of a command as one line, with the next command. `success` is the event name of a
/// complete command.
pub fn print_last_line(
    format: LogFormat,
    success: &'static str,
    exit: Exit,
    sentence: &str,
    command: Option<&str>,
) {
    match format {
        LogFormat::Text => match command {
            Some(command) => console::eprint(&format!("{sentence}: {command}")),
            None => console::eprint(sentence),
        },
        LogFormat::Json => {
            let (level, event) = match exit {
                Exit::Complete => ("info", success),
                Exit::Partial => ("error", "published_partly"),
                _ => ("error", "failed"),
            };
            let line = LastLine {
                time: now(),
                level,
                event,
                message: sentence.trim_start_matches("error: "),
                exit_code: exit.code(),
                command,
            };
            console::eprint_json(&serde_json::to_string(&line).unwrap_or_default());
        }
    }
}

#[derive(Serialize)]
struct LastLine<'a> {
    time: String,
    level: &'static str,
    event: &'static str,
    message: &'a str,
    exit_code: u8,
    command: Option<&'a str>,
}

fn json(event: &Event, level: Level) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        level: Level,
        #[serde(flatten)]
        event: &'a Event,
    }
    serde_json::to_string(&Line { time: now(), level, event }).unwrap_or_default()
}

fn text(event: &Event, level: Level) -> String {
    let mark = if level == Level::Warn { "warning: " } else { "" };
    format!("{mark}{}", sentence(event))
}

fn sentence(event: &Event) -> String {
    match event {
        Event::Started { run_id, contacts, already_read: 0, .. } => {
            format!("run {run_id}: {contacts} contacts")
        }
        Event::Started { run_id, contacts, already_read, .. } => {
            format!("run {run_id} resumes: {contacts} contacts, {already_read} of them already read")
        }
        Event::PackageStarted { package_id, contacts } => {
            format!("package {package_id}: {}", counted(*contacts, "contact", "contacts"))
        }
        Event::Window { since, until } => window(since.as_deref(), until.as_deref()),
        Event::WaitingForLock { path, seconds, owner } => {
            let owner = owner.as_ref().map_or_else(String::new, |owner| format!(" ({owner})"));
            format!("another run uses {path}{owner}: waiting up to {seconds} s for it")
        }
        Event::SignedIn { life_seconds } => format!("signed in for {} minutes", life_seconds.div_ceil(60)),
        Event::SignInFailed { reason, suppressed: 0 } => {
            format!("sign-in failed, trying again: {reason}")
        }
        Event::SignInFailed { reason, suppressed } => {
            format!(
                "sign-in failed ({suppressed} more failures since the last warning), trying again: {reason}"
            )
        }
        Event::PageRead { contact, offset, messages, bytes } => {
            format!("contact {contact}: {messages} messages at offset {offset}, {bytes} bytes")
        }
        Event::Retry { contact, offset, reason, delay_ms } => {
            format!("contact {contact}, offset {offset}: {reason}; retry in {delay_ms} ms")
        }
        Event::ListingBegan => "listing the account's contacts".to_owned(),
        Event::ListingEnded { contacts } => format!("listed {contacts} contacts"),
        Event::ListingRead { offset, contacts, so_far } => {
            format!("contact list: {contacts} contacts at offset {offset}, {so_far} before")
        }
        Event::ListingRetry { offset, reason, delay_ms } => {
            format!("contact list, offset {offset}: {reason}; retry in {delay_ms} ms")
        }
        Event::ListingDoubtful { reason } | Event::AnswersDoubtful { reason } => reason.clone(),
        Event::Throttled { delay_ms } => {
            format!("the API limits the request rate: pausing for {delay_ms} ms")
        }
        Event::OutageBegan { reason, suppressed, .. } if *suppressed > 0 => {
            format!(
                "the API has stopped responding ({reason}; {suppressed} more outages since the last warning): waiting for it"
            )
        }
        Event::OutageBegan { reason, .. } => {
            format!("the API has stopped responding ({reason}): waiting for it")
        }
        Event::OutageEnded { seconds, .. } => format!("the API responds again, after {seconds} s"),
        Event::ContactDone { contact, status, error: Some(error), .. } => {
            format!("contact {contact} is {status}: {error}")
        }
        Event::ContactDone { contact, status, messages, error: None } => {
            format!("contact {contact} is {status}: {messages} messages")
        }
        Event::ContactReopened { contact, .. } => {
            format!("contact {contact} is read again: its end was wrong")
        }
        Event::ArchiveRead { contacts } => format!("read {contacts} contacts of the raw archive"),
        Event::Totals { requests, retries, .. } => format!("{requests} requests, {retries} of them retries"),
        Event::Fetched => "read all contacts".to_owned(),
        Event::Built { contacts, of, messages } => {
            format!("wrote {contacts} of {of} contacts with {messages} messages to files")
        }
        Event::Uploading { bytes_left } => format!("{} to upload", ByteSize(*bytes_left)),
        Event::Progress(progress) => progress::sentence(progress),
        Event::Copied { contacts, messages } => {
            format!("copied {contacts} contacts with {messages} messages")
        }
        Event::RunDoubtful { run_id, reason } => format!("run {run_id} {reason}"),
        Event::SyncFailed { reason } => format!("{reason}: the file is discarded and written again"),
        Event::SchemaChanged { table, field, change } => {
            format!("the API's responses have changed: {}", changed(table, field, change))
        }
        Event::Publishing { files } => format!("publishing {files} files"),
        Event::PingFailed { host, reason } => format!("cannot ping {host}: {reason}"),
        Event::MetricsFailed { reason } => format!("metrics file not updated: {reason}"),
        Event::Shortage { reason } => format!("{reason}: fewer requests run at once"),
        Event::Note { message } => message.clone(),
    }
}

/// Describes the period of a run's messages in words.
fn window(since: Option<&str>, until: Option<&str>) -> String {
    let period = period_in_words(since.map(short_text), until.map(short_text));
    format!("exports {}", period.as_deref().unwrap_or("messages of any time"))
}

/// Describes a schema change in words.
fn changed(table: &str, field: &str, change: &str) -> String {
    match change {
        "appeared" => format!("new field {field} in {table}, kept in the column extra"),
        "vanished" => format!("field {field} is no longer in {table}"),
        "has_values" => format!("column {field} of {table} has values for the first time"),
        "became_null" => format!("column {field} of {table} no longer has values"),
        other => format!("{field} of {table}: {other}"),
    }
}
