//! The doorway: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    chatzy_export::cli::main().into()
}
