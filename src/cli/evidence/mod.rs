//! The command `evidence`: makes a package of conversations for people.

mod plan;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::args::EvidenceArgs;
use super::command_line::CommandLine;
use super::exit::Exit;
use super::publishing::{self, CommandError, JobError};
use super::run_monitor::{RunMonitor, RunOutcome};
use super::{console, next_command};
use crate::evidence::{self, EvidenceError, EvidencePlan, Made, StampOutcome, Stamper};
use crate::export::{Interruption, Remedy};
use crate::html::counted;
use crate::redaction::Policy;
use crate::settings::TimestampUrl;
use crate::timestamp;

/// IDs that the last line names.
const NAMED: usize = 3;

/// Failure of `evidence`.
#[derive(Debug, thiserror::Error)]
enum EvidenceJobError {
    #[error(transparent)]
    Make(#[from] EvidenceError),
    #[error("{0}")]
    Interrupted(Interruption),
    #[error("the thread of the package panicked")]
    Bug,
}

impl JobError for EvidenceJobError {
    fn exit(&self) -> Exit {
        match self {
            Self::Make(error) => Exit::of_evidence(error),
            Self::Interrupted(why) => Exit::of_interruption(*why),
            Self::Bug => Exit::Bug,
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Make(EvidenceError::Storage(_)) | Self::Interrupted(_) => Remedy::Repeat,
            Self::Make(_) => Remedy::Manual,
            Self::Bug => Remedy::Report,
        }
    }

    fn interrupted(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

/// Runs the command `evidence`.
pub fn evidence(args: &EvidenceArgs) -> Exit {
    if args.redaction.redact_template {
        let is_printed = console::print(Policy::template().trim_end());
        return if is_printed { Exit::Complete } else { Exit::Storage };
    }
    publishing::conduct(&args.log, &args.progress, async |monitor, signals| {
        let plan = tokio::task::block_in_place(|| plan::plan(args))?;
        let url = plan::timestamp_url(args)?;
        let made = make(plan.clone(), url, monitor, signals.first()).await.map_err(CommandError::Job)?;
        Ok(outcome(args, &plan, &made))
    })
}

/// Makes the package on a thread of its own. An interruption stops it.
async fn make(
    plan: EvidencePlan,
    timestamp_url: Option<TimestampUrl>,
    monitor: Arc<RunMonitor>,
    interrupt: impl Future<Output = Interruption>,
) -> Result<Made, EvidenceJobError> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let (runtime, interrupted) = (Handle::current(), Arc::new(Notify::new()));
    let waiting = Arc::clone(&interrupted);
    let mut thread = tokio::task::spawn_blocking(move || {
        let observer: crate::event::SharedObserver = monitor;
        let stamp = |url: &TimestampUrl, content: &[u8]| {
            runtime.block_on(async {
                tokio::select! {
                    stamp = timestamp::fetch(url, content) => Some(stamp),
                    () = waiting.notified() => None,
                }
            })
        };
        let stamper = timestamp_url.map(|url| move |content: &[u8]| stamp(&url, content));
        let stamper = stamper.as_ref().map(|stamper| stamper as &Stamper<'_>);
        evidence::make(&plan, stamper, &stopped, &observer)
    });
    tokio::select! {
        ended = &mut thread => Ok(ended.map_err(|_| EvidenceJobError::Bug)??),
        why = interrupt => {
            stop.store(true, Ordering::Relaxed);
            interrupted.notify_one();
            drop(thread.await);
            Err(EvidenceJobError::Interrupted(why))
        }
    }
}

fn outcome(args: &EvidenceArgs, plan: &EvidencePlan, made: &Made) -> RunOutcome {
    let is_whole = made.incomplete == 0 && made.missing.is_empty();
    let exit = match &made.stamp {
        StampOutcome::Failed(_) => Exit::Unavailable,
        _ if is_whole => Exit::Complete,
        _ => Exit::Partial,
    };
    let document = json!({
        "path": plan.out,
        "package_id": made.id,
        "existed": made.is_old,
        "contacts": made.contacts,
        "messages": made.messages,
        "incomplete": made.incomplete,
        "not_found": made.not_found,
        "not_in_export": made.missing,
        "signed_by": plan.signed_by(),
        "timestamp": match &made.stamp { StampOutcome::Added(time) => Some(time), _ => None },
    });
    let is_printed = !args.json || console::print_json(&format!("{document:#}"));
    let repeated = || CommandLine::of_process().repeated().to_shell();
    let command = matches!(made.stamp, StampOutcome::Failed(_)).then(repeated);
    let outcome = RunOutcome { exit, sentence: Some(sentence(plan, made)), command, manifest: None };
    if is_printed { outcome } else { next_command::without_stdout(outcome) }
}

/// Returns the outcome in one sentence.
fn sentence(plan: &EvidencePlan, made: &Made) -> String {
    let out = plan.out.display();
    let mut sentence = vec![if made.is_old {
        format!("the package {out} exists already, made by the same command from the same export")
    } else {
        let counts =
            format!("{} of {}", counted(made.messages, "message", "messages"), contacts(made.contacts));
        format!("the package {out} is complete: {counts}")
    }];
    if made.incomplete > 0 {
        sentence.push(format!("{} incomplete (see data/custody/custody.html)", contacts(made.incomplete)));
    }
    if made.not_found > 0 {
        sentence.push(format!("the service does not know {}", contacts(made.not_found)));
    }
    if !made.missing.is_empty() {
        let named = made.missing.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let rest = if made.missing.len() > NAMED { ", …" } else { "" };
        sentence.push(format!("{} in no run: {named}{rest}", contacts(made.missing.len() as u64)));
    }
    match &made.stamp {
        StampOutcome::NotRequested => {}
        StampOutcome::Kept => sentence.push("it has a time stamp already".to_owned()),
        StampOutcome::Added(time) => sentence.push(format!("its time stamp is of {time}")),
        StampOutcome::Failed(why) => sentence.push(format!("{why}; to add the time stamp, run")),
    }
    sentence.join("; ")
}

fn contacts(count: u64) -> String {
    counted(count, "contact", "contacts")
}
