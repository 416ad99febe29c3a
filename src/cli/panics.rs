//! Reports a panic by its source location, without any user data.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{Location, PanicHookInfo};

use super::console::eprint;

/// Replaces the standard panic hook, whose message may quote user data. For example, a slice error prints the
/// whole text.
pub fn install() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    eprint(&sentence(info.location()));
    // Function names only. RUST_BACKTRACE=1 enables this.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        backtrace.to_string().lines().for_each(eprint);
    }
}

fn sentence(location: Option<&Location<'_>>) -> String {
    let location = location.map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
    let version = env!("CARGO_PKG_VERSION");
    format!("error: a bug in chatzy-export {version}, at {location}: please report this line")
}
