//! `prune`: old runs removed.

use bytesize::ByteSize;

use super::args::{LogFormat, PruneArgs};
use super::console::{self, tell};
use super::exit::Exit;
use super::invocation::Invocation;
use super::{advice, limits, log};
use crate::export;
use crate::prune::{Keep, Mode, Pruning};

/// Runs the command.
pub fn prune(args: &PruneArgs) -> Exit {
    if args.log.log_format == LogFormat::Json {
        console::speak_json();
    }
    if let Err(error) = limits::check_space() {
        log::last_word(args.log.log_format, "pruned", Exit::Storage, &format!("error: {error}"), None);
        return Exit::Storage;
    }
    let keep = Keep { last: args.keep_last, within: args.keep_within };
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Remove };
    match export::prune(&args.path, keep, mode) {
        Ok(pruning) => show(args, &pruning),
        Err(error) => {
            let exit = Exit::of_export(&error);
            let ending = advice::after_failure(
                &console::chain(&error),
                exit,
                error.remedy(),
                &Invocation::of_process(),
            );
            let sentence = ending.sentence.unwrap_or_default();
            log::last_word(args.log.log_format, "pruned", exit, &sentence, ending.command.as_deref());
            exit
        }
    }
}

fn show(args: &PruneArgs, pruning: &Pruning) -> Exit {
    let is_printed = if args.json {
        serde_json::to_string_pretty(pruning).is_ok_and(|text| console::print_json(&text))
    } else {
        let lines = pruning.removed.iter().map(|run| format!("{}\t{}\t{}", run.run_id, run.files, run.bytes));
        let lines = lines.collect::<Vec<_>>().join("\n");
        lines.is_empty() || console::print(&lines)
    };
    for left in &pruning.left {
        tell(&format!("warning: {} was left alone: {}", left.path, left.reason));
    }
    let exit = if is_printed { Exit::Complete } else { Exit::Storage };
    if args.log.quiet {
        return exit;
    }
    // What stays though nobody asked for it.
    for run in pruning.kept.iter().filter(|run| !run.reason.starts_with("--")) {
        tell(&format!("kept: {} of {}: {}", run.run_id, run.finished_at, run.reason));
    }
    let sum = |of: fn(&crate::prune::RemovedRun) -> u64| {
        pruning.removed.iter().fold(0_u64, |sum, run| sum.saturating_add(of(run)))
    };
    let sentence = format!(
        "{} {} of {} runs from {}: {} files, {}",
        if pruning.dry_run { "dry run: would remove" } else { "removed" },
        pruning.removed.len(),
        pruning.removed.len() + pruning.kept.len(),
        args.path.display(),
        sum(|run| run.files),
        ByteSize(sum(|run| run.bytes))
    );
    let sentence = if is_printed {
        sentence
    } else {
        format!("error: {sentence}, but the list could not be written to stdout")
    };
    log::last_word(args.log.log_format, "pruned", exit, &sentence, None);
    exit
}
