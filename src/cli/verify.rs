//! The command `verify`: checks an export against its manifests, and advises how to repair it.

mod advice;
mod export_again;
mod facts;
mod repair;

use bytesize::ByteSize;
use indicatif::HumanCount;
use serde::Serialize;

use super::args::{LogFormat, VerifyArgs};
use super::console::{self, eprint};
use super::exit::Exit;
use super::{limits, log};
use crate::id::RunId;
use crate::verify::{self, Damage, Depth, ErasureFacts, Report, Subject, VerifyError, VerifyOptions};
use advice::Advice;

/// Maximum number of findings in the log. `--json` prints all.
const MAX_SHOWN: usize = 50;

/// Maximum number of erasures in the last line. `--json` prints all.
const MAX_ERASURES: usize = 3;

/// Parts of an export that are only warned of.
const WARNINGS: [Subject; 5] = [
    Subject::UnfinishedErasure,
    Subject::Signature,
    Subject::MissingDeltaLogs,
    Subject::SystemFile,
    Subject::Permissions,
];

/// Runs the command `verify`.
pub fn verify(args: &VerifyArgs) -> Exit {
    if args.log.log_format == LogFormat::Json {
        console::use_json();
    }
    if let Err(error) = limits::check_memory() {
        return end(args, Exit::Storage, &format!("error: {error}"));
    }
    let run = match args.run.as_deref().map(str::parse::<RunId>).transpose() {
        Ok(run) => run,
        Err(error) => return end(args, Exit::Usage, &format!("error: --run: {error}")),
    };
    let depth = if args.deep { Depth::Deep } else { Depth::Files };
    match verify::verify(&args.path, &VerifyOptions { run, depth }) {
        Ok(report) => show(args, &report),
        Err(error) => {
            let exit = match &error {
                VerifyError::Storage(error) => Exit::of_storage(error),
                VerifyError::NoExport { .. } | VerifyError::NoRun { .. } => Exit::Usage,
            };
            end(args, exit, &format!("error: {}", console::chain(&error)))
        }
    }
}

fn end(args: &VerifyArgs, exit: Exit, sentence: &str) -> Exit {
    log::print_last_line(args.log.log_format, "verified", exit, sentence, None);
    exit
}

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// How to repair the export, in the order in which to follow it.
    advice: &'a [Advice],
}

fn show(args: &VerifyArgs, report: &Report) -> Exit {
    let advice = advice::advice(&args.path, report);
    let document = Document { report, advice: &advice };
    let is_printed =
        !args.json || serde_json::to_string_pretty(&document).is_ok_and(|text| console::print_json(&text));
    for damage in report.damages.iter().take(MAX_SHOWN) {
        eprint(&sentence(damage));
    }
    if report.damages.len() > MAX_SHOWN {
        eprint(&format!("… and {} more; use --json to print all", report.damages.len() - MAX_SHOWN));
    }
    let is_warning = |advice: &&Advice| WARNINGS.iter().any(|subject| advice.is_for(*subject));
    for advice in advice.iter().filter(|advice| !is_warning(advice)) {
        eprint(&advice.line());
    }
    for subject in WARNINGS {
        warn(report, subject, advice.iter().find(|advice| advice.is_for(subject)));
    }
    if !report.damages.is_empty() {
        let sentence = format!(
            "error: {} is damaged: {} above, with advice",
            args.path.display(),
            match report.damages.len() {
                1 => "1 finding".to_owned(),
                count => format!("{count} findings"),
            }
        );
        return end(args, Exit::Damaged, &sentence);
    }
    if !is_printed {
        return end(args, Exit::Storage, "error: cannot write the result to stdout");
    }
    if !args.log.quiet {
        let sentence = format!(
            "{} is intact{}: {} runs, {} files, {} rows, {}",
            args.path.display(),
            erasures(report),
            report.runs,
            HumanCount(report.files),
            HumanCount(report.rows),
            ByteSize(report.bytes)
        );
        return end(args, Exit::Complete, &sentence);
    }
    Exit::Complete
}

/// Describes the erasures for which files differ from what was written.
fn erasures(report: &Report) -> String {
    let name = |erasure: &ErasureFacts| {
        let day = erasure.erased_at.split('T').next().unwrap_or_default();
        if erasure.contacts == 0 {
            return format!("the files replaced on {day} ({})", erasure.reference);
        }
        let noun = if erasure.contacts == 1 { "contact" } else { "contacts" };
        format!("{} {noun} erased on {day} ({})", erasure.contacts, erasure.reference)
    };
    let mut named: Vec<String> = report.erasures.iter().take(MAX_ERASURES).map(name).collect();
    match report.erasures.len() {
        0 => return String::new(),
        all if all > MAX_ERASURES => named.push(format!("{} more erasures", all - MAX_ERASURES)),
        _ => {}
    }
    format!(", as it was written but for {}", named.join(", "))
}

/// Prints one line for all warnings about a part of the export.
fn warn(report: &Report, subject: Subject, advice: Option<&Advice>) {
    let mut warnings = report.warnings.iter().filter(|warning| Subject::of_warning(warning) == subject);
    let Some(first) = warnings.next() else { return };
    let advice = advice.map_or_else(String::new, |advice| format!("; {}", advice.sentence()));
    if [Subject::UnfinishedErasure, Subject::MissingDeltaLogs].contains(&subject) {
        return eprint(&format!("warning: {}{advice}", first.detail));
    }
    if subject == Subject::Signature {
        return eprint(&format!("warning: {}: {}{advice}", first.path, first.detail));
    }
    let what = match (subject, warnings.count() + 1) {
        (Subject::SystemFile, 1) => "1 file does not belong to the export".to_owned(),
        (Subject::SystemFile, count) => format!("{count} files do not belong to the export"),
        (_, 1) => "1 file or folder is for other users than the owner".to_owned(),
        (_, count) => format!("{count} files or folders are for other users than the owner"),
    };
    eprint(&format!("warning: {what}, such as {}: {}{advice}", first.path, first.detail));
}

/// Returns a finding in one line.
pub fn sentence(damage: &Damage) -> String {
    let kind = serde_json::to_value(damage.kind).ok();
    let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', " ");
    // A file name may contain a line end. It must not imitate a line of this program.
    format!("{kind}: {}: {}", damage.path, damage.detail).replace('\n', "\\n")
}
