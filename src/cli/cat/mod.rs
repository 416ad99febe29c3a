//! The command `cat`: prints a table of a run as JSONL or as an Arrow IPC stream.
//!
//! [`rows`] writes the rows in either form. Nothing but rows goes to stdout.

mod rows;

use std::io::{self, ErrorKind, IsTerminal, stdout};

use super::args::{CatArgs, LogFormat, RowFormatName};
use super::command_line::quote;
use super::exit::Exit;
use super::{console, limits, log};
use crate::catalog::{self, CatalogError, ChosenError};
use crate::id::{RunId, RunIdError};
use crate::published::{self, ReadError, Wanted};
use limits::LimitError;
use rows::Rows;

/// Failure of `cat`.
#[derive(Debug, thiserror::Error)]
enum CatError {
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("--run")]
    RunId(#[from] RunIdError),
    #[error("an Arrow stream cannot be shown in a terminal; redirect it to a file, or pipe it into a reader")]
    Terminal,
    #[error(transparent)]
    Run(#[from] ChosenError),
    #[error(transparent)]
    File(#[from] ReadError),
    #[error("cannot write to stdout")]
    Stdout(#[from] io::Error),
}

impl CatError {
    fn exit(&self) -> Exit {
        match self {
            Self::RunId(_) | Self::Terminal => Exit::Usage,
            Self::Run(error) => match error {
                ChosenError::NoExport { .. } | ChosenError::NoRun { .. } => Exit::Usage,
                ChosenError::Catalog(CatalogError::Newer { .. }) => Exit::Usage,
                ChosenError::Catalog(CatalogError::Damaged { .. }) => Exit::Damaged,
                ChosenError::Catalog(CatalogError::Storage(error)) => Exit::of_storage(error),
            },
            Self::File(ReadError::Damaged { .. } | ReadError::RowCount { .. }) => Exit::Damaged,
            Self::File(ReadError::Storage(error)) => Exit::of_storage(error),
            Self::Limits(_) | Self::Stdout(_) => Exit::Storage,
        }
    }
}

/// Runs the command `cat`.
pub fn cat(args: &CatArgs) -> Exit {
    if args.log_format == LogFormat::Json {
        console::use_json();
    }
    let error = match print(args) {
        Ok(()) => return Exit::Complete,
        // The reader needs no more.
        Err(CatError::Stdout(error)) if error.kind() == ErrorKind::BrokenPipe => return Exit::Complete,
        Err(error) => error,
    };
    let exit = error.exit();
    let command =
        (exit == Exit::Damaged).then(|| format!("chatzy-export verify {}", quote(args.path.as_os_str())));
    let sentence = format!("error: {}", console::chain(&error));
    log::print_last_line(args.log_format, "printed", exit, &sentence, command.as_deref());
    exit
}

fn print(args: &CatArgs) -> Result<(), CatError> {
    limits::check_memory()?;
    let run_id = args.run.as_deref().map(str::parse::<RunId>).transpose()?;
    let stdout = stdout().lock();
    let is_terminal = stdout.is_terminal();
    if is_terminal && args.format == RowFormatName::Arrow {
        return Err(CatError::Terminal);
    }
    let table = args.table.0;
    let manifest = catalog::chosen(&args.path, run_id.as_ref())?.manifest;
    let mut rows = Rows::new(args.format, table, stdout)?;
    for file in published::files_of(&manifest, table.name()) {
        for batch in published::unchanged_batches(&args.path, &manifest, file, Wanted::All)? {
            rows.write(&batch?)?;
        }
    }
    Ok(rows.finish()?)
}
