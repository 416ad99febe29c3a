//! The command `prune`: removes old runs.

use bytesize::ByteSize;

use super::args::PruneArgs;
use super::command_line::CommandLine;
use super::console::{self, eprint};
use super::exit::Exit;
use super::log::Console;
use super::{limits, log, next_command};
use crate::event::SharedObserver;
use crate::export;
use crate::prune::{Keep, Mode, Pruning};

/// Runs the command `prune`.
pub fn prune(args: &PruneArgs) -> Exit {
    let console: SharedObserver = Console::new(&args.log);
    if let Err(error) = limits::check_memory() {
        log::print_last_line(args.log.log_format, "pruned", Exit::Storage, &format!("error: {error}"), None);
        return Exit::Storage;
    }
    let keep = Keep { last: args.keep_last, within: args.keep_within };
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Remove };
    let patience = args.wait_lock.unwrap_or_default();
    match export::prune(&args.store.of(&args.path), (keep, mode), patience, &console) {
        Ok(pruning) => show(args, &pruning),
        Err(error) => {
            let exit = Exit::of_export(&error);
            let outcome = next_command::after_failure(
                &console::chain(&error),
                exit,
                error.remedy(),
                &CommandLine::of_process(),
            );
            let sentence = outcome.sentence.unwrap_or_default();
            log::print_last_line(args.log.log_format, "pruned", exit, &sentence, outcome.command.as_deref());
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
        eprint(&format!("warning: {} was not removed: {}", left.path, left.reason));
    }
    let exit = if is_printed { Exit::Complete } else { Exit::Storage };
    if args.log.quiet {
        return exit;
    }
    // Runs that stay for other reasons than the options.
    for run in pruning.kept.iter().filter(|run| !run.reason.starts_with("--")) {
        eprint(&format!("kept: {}, finished {}: {}", run.run_id, run.finished_at, run.reason));
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
    let sentence = match pruning.abandoned.len() {
        0 => sentence,
        count => format!("{sentence}, and {count} files of unpublished runs"),
    };
    let sentence = if is_printed {
        sentence
    } else {
        format!("error: {sentence}, but the list could not be written to stdout")
    };
    log::print_last_line(args.log.log_format, "pruned", exit, &sentence, None);
    exit
}
