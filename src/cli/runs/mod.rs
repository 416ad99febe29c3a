//! The command `runs`: lists the runs of an export.

mod table;

use super::args::{LogFormat, RunsArgs};
use super::command_line::quote;
use super::console::{self, eprint};
use super::exit::Exit;
use super::{limits, log, verify};
use crate::export::{self, LockName, RunList, UnfinishedRun};
use crate::verify::VerifyError;

/// Maximum number of findings in the log. `--json` prints all.
const MAX_SHOWN: usize = 50;

/// Runs the command `runs`.
pub fn runs(args: &RunsArgs) -> Exit {
    if args.log_format == LogFormat::Json {
        console::use_json();
    }
    if let Err(error) = limits::check_memory() {
        return end(args, Exit::Storage, &format!("error: {error}"), None);
    }
    match export::runs(&args.path) {
        Ok(list) => show(args, &list),
        Err(error) => {
            let exit = match &error {
                VerifyError::Storage(error) => Exit::of_storage(error),
                VerifyError::NoExport { .. } | VerifyError::NoRun { .. } => Exit::Usage,
            };
            end(args, exit, &format!("error: {}", console::chain(&error)), None)
        }
    }
}

fn end(args: &RunsArgs, exit: Exit, sentence: &str, command: Option<&str>) -> Exit {
    log::print_last_line(args.log_format, "listed", exit, sentence, command);
    exit
}

fn show(args: &RunsArgs, list: &RunList) -> Exit {
    let is_printed = if args.json {
        serde_json::to_string_pretty(list).is_ok_and(|text| console::print_json(&text))
    } else {
        let lines = table::lines(list);
        lines.is_empty() || console::print(&lines.join("\n"))
    };
    for damage in list.damages.iter().take(MAX_SHOWN) {
        eprint(&verify::sentence(damage));
    }
    let path = args.path.display();
    if !list.damages.is_empty() {
        let findings = match list.damages.len() {
            1 => "1 finding".to_owned(),
            count if count > MAX_SHOWN => format!("{count} findings, the first {MAX_SHOWN} of them"),
            count => format!("{count} findings"),
        };
        let sentence = format!("error: {path} is damaged: {findings} above; to check all files, run");
        let command = format!("chatzy-export verify {}", quote(args.path.as_os_str()));
        return end(args, Exit::Damaged, &sentence, Some(&command));
    }
    if !is_printed {
        return end(args, Exit::Storage, "error: cannot write the runs to stdout", None);
    }
    if args.quiet {
        return Exit::Complete;
    }
    let runs = match list.runs.len() {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    let (mut next, command) = list.unfinished.as_ref().map(next_step).unwrap_or_default();
    for run in list.uncommitted.iter().filter(|_| command.is_none()) {
        next = format!("{next}; run {} is not committed, {} have finished", run.run_id, table::shards(run));
    }
    end(args, Exit::Complete, &format!("{runs} in {path}{next}"), command)
}

/// Returns the end of the last line about the unfinished run, and the command that resumes it.
fn next_step(run: &UnfinishedRun) -> (String, Option<&str>) {
    let owner = run.owner.as_ref().map_or_else(String::new, |owner| format!(" ({owner})"));
    let Some(run_id) = &run.run_id else {
        let problem = run.problem.as_deref().unwrap_or_default();
        return (format!("; {problem}"), None);
    };
    if run.lock == LockName::Held {
        return (format!("; run {run_id} is unfinished, and a command is at work{owner}"), None);
    }
    let Some(command) = &run.command else {
        let next = format!("; run {run_id} is unfinished: to resume it, repeat the command that started it");
        return (next, None);
    };
    let here = std::env::current_dir().unwrap_or_default();
    let place = match &run.directory {
        Some(directory) if *directory != here.display().to_string() => format!(" in {directory}"),
        _ => String::new(),
    };
    (format!("; run {run_id} is unfinished; to resume it{place}, run"), Some(command))
}
