//! The command `report`: writes an HTML report of a run.

use std::io::{IsTerminal, stdout};
use std::path::Path;

use super::args::{LogFormat, ReportArgs};
use super::command_line::quote;
use super::console;
use super::exit::Exit;
use super::{limits, log, output_paths};
use crate::durable;
use crate::id::RunId;
use crate::report::{self, Report, ReportError};
use crate::verify::VerifyError;

/// Runs the command `report`.
pub fn report(args: &ReportArgs) -> Exit {
    if args.log_format == LogFormat::Json {
        console::use_json();
    }
    if let Err(error) = limits::check_memory() {
        return end(args, Exit::Storage, &format!("error: {error}"), None);
    }
    let to_stdout = args.output == Path::new("-");
    if to_stdout && stdout().is_terminal() {
        let sentence =
            "error: the HTML page cannot be shown in a terminal; use a file, such as -o report.html";
        return end(args, Exit::Usage, sentence, None);
    }
    let run = match args.run.as_deref().map(str::parse::<RunId>).transpose() {
        Ok(run) => run,
        Err(error) => return end(args, Exit::Usage, &format!("error: --run: {error}"), None),
    };
    if !to_stdout
        && let Err(error) = output_paths::outside_exports("--output", &args.output, Some(&args.path))
    {
        return end(args, Exit::Usage, &format!("error: {error}"), None);
    }
    match report::report(&args.path, run.as_ref()) {
        Ok(Report { html, .. }) if to_stdout => {
            if console::print(html.trim_end()) {
                Exit::Complete
            } else {
                Exit::Storage
            }
        }
        Ok(Report { run_id, html }) => match durable::replace(&args.output, html.as_bytes()) {
            Ok(()) if args.quiet => Exit::Complete,
            Ok(()) => {
                let sentence = format!("wrote the report of run {run_id} to {}", args.output.display());
                end(args, Exit::Complete, &sentence, None)
            }
            Err(error) => {
                end(args, Exit::of_storage(&error), &format!("error: {}", console::chain(&error)), None)
            }
        },
        Err(error) => {
            let sentence = format!("error: {}", console::chain(&error));
            match error {
                ReportError::Damaged { .. } => {
                    let command = format!("chatzy-export verify {}", quote(args.path.as_os_str()));
                    end(args, Exit::Damaged, &sentence, Some(&command))
                }
                ReportError::Verify(VerifyError::Storage(error)) => {
                    end(args, Exit::of_storage(&error), &sentence, None)
                }
                ReportError::Verify(_) => end(args, Exit::Usage, &sentence, None),
            }
        }
    }
}

fn end(args: &ReportArgs, exit: Exit, sentence: &str, command: Option<&str>) -> Exit {
    log::print_last_line(args.log_format, "reported", exit, sentence, command);
    exit
}
