//! The command `verify`: checks an export against its manifests.

use bytesize::ByteSize;
use indicatif::HumanCount;

use super::args::{LogFormat, VerifyArgs};
use super::console::{self, eprint};
use super::exit::Exit;
use super::{limits, log};
use crate::id::RunId;
use crate::verify::{self, Damage, DamageKind, Depth, Report, VerifyError, VerifyOptions};

/// Maximum number of findings in the log. `--json` prints all.
const MAX_SHOWN: usize = 50;

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
        Err(error @ VerifyError::Storage(_)) => {
            end(args, Exit::Storage, &format!("error: {}", console::chain(&error)))
        }
        Err(error) => end(args, Exit::Usage, &format!("error: {}", console::chain(&error))),
    }
}

fn end(args: &VerifyArgs, exit: Exit, sentence: &str) -> Exit {
    log::print_last_line(args.log.log_format, "verified", exit, sentence, None);
    exit
}

fn show(args: &VerifyArgs, report: &Report) -> Exit {
    let is_printed =
        !args.json || serde_json::to_string_pretty(report).is_ok_and(|text| console::print_json(&text));
    for damage in report.damages.iter().take(MAX_SHOWN) {
        eprint(&sentence(damage));
    }
    if report.damages.len() > MAX_SHOWN {
        eprint(&format!("… and {} more; use --json to print all", report.damages.len() - MAX_SHOWN));
    }
    warn(
        report,
        |damage| damage.kind == DamageKind::Added,
        ["file does not", "files do not"],
        "belong to the export",
    );
    warn(
        report,
        |damage| damage.kind != DamageKind::Added,
        ["file or folder is", "files or folders are"],
        "for other users than the owner",
    );
    if !report.damages.is_empty() {
        let sentence = format!(
            "error: {} is damaged: {} above; export the contacts again, or restore the export from a copy",
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
            "{} is intact: {} runs, {} files, {} rows, {}",
            args.path.display(),
            report.runs,
            HumanCount(report.files),
            HumanCount(report.rows),
            ByteSize(report.bytes)
        );
        return end(args, Exit::Complete, &sentence);
    }
    Exit::Complete
}

/// Prints one line for all warnings of a kind.
fn warn(report: &Report, is_meant: fn(&&Damage) -> bool, subject: [&str; 2], what: &str) {
    let mut warnings = report.warnings.iter().filter(is_meant);
    let Some(first) = warnings.next() else { return };
    let count = warnings.count() + 1;
    let subject = subject[usize::from(count > 1)];
    eprint(&format!("warning: {count} {subject} {what}, such as {}: {}", first.path, first.detail));
}

fn sentence(damage: &Damage) -> String {
    let kind = serde_json::to_value(damage.kind).ok();
    let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', " ");
    // A file name may contain a line end. It must not imitate a line of this program.
    format!("{kind}: {}: {}", damage.path, damage.detail).replace('\n', "\\n")
}
