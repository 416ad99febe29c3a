//! What is told of a bug that panics: where it is, and nothing of the data that it met.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{Location, PanicHookInfo};

use super::console::tell;

/// Takes the place of the standard report, whose message quotes what the program was working on: a slice cut wrongly is
/// printed whole, and it may be somebody's message.
pub fn install() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    tell(&sentence(info.location()));
    // Names of functions; asked for with RUST_BACKTRACE=1.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        backtrace.to_string().lines().for_each(tell);
    }
}

fn sentence(location: Option<&Location<'_>>) -> String {
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let version = env!("CARGO_PKG_VERSION");
    format!("error: a bug in chatzy-export {version}, at {place}: please report this line")
}
