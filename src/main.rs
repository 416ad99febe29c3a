//! The doorway: parse, run, exit code.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// An export of hours holds as much memory at its end as after its first minutes: see Cargo.toml.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    chatzy_export::cli::main().into()
}
