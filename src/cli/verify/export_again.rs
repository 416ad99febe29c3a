//! The command that exports the contacts of a run again, with the options in its manifest.
//!
//! The manifest may be forged, so the command has no `--base-url`: it would send the password there.

use std::ffi::OsString;
use std::path::Path;

use crate::cli::args::PUBLIC_URL;
use crate::cli::command_line::CommandLine;
use crate::contacts;
use crate::output::manifest::{Manifest, RunOptions};
use crate::time::short_text;

/// Address in the manifest of a run with `--simulated`.
const SIMULATED: &str = "simulated";

/// Returns the command. An incremental run becomes one that reads all contacts. A snapshot is made again from its
/// source.
pub fn export_again(manifest: &Manifest, out: &Path) -> CommandLine {
    let options = &manifest.options;
    if manifest.is_snapshot() {
        let mut words: Vec<OsString> = vec!["snapshot".into(), manifest.input.path.clone().into()];
        words.extend(values(options).into_iter().map(|(option, value)| format!("{option}={value}").into()));
        words.extend(["--out".into(), out.as_os_str().to_owned()]);
        return CommandLine::of_words(words);
    }
    let mut words: Vec<OsString> = vec!["run".into()];
    // The manifest has neither IDs nor the text of a search.
    let contacts: &[&str] = match manifest.input.path.as_str() {
        contacts::ALL => &[],
        contacts::GIVEN => &["--contact", "ID"],
        contacts::FOUND => &["--search", "TEXT"],
        file => &["--contacts", file],
    };
    words.extend(contacts.iter().map(OsString::from));
    let is_all = contacts.is_empty();
    // `--full` would lose the state of other contacts.
    let is_whole = is_all || contacts.contains(&"--contacts");
    for (option, value) in values(options) {
        words.push(format!("{option}={value}").into());
    }
    for (option, is_set) in [
        ("--all-contacts", is_all),
        ("--flat", options.flat),
        ("--keep-raw", options.keep_raw),
        ("--incremental", options.is_incremental()),
        ("--full", options.is_incremental() && is_whole),
        ("--simulated", manifest.source.base_url == SIMULATED),
    ] {
        if is_set {
            words.push(option.into());
        }
    }
    words.extend(["--out".into(), out.as_os_str().to_owned()]);
    CommandLine::of_words(words)
}

/// True if the run used another address than the service's, which the command does not have.
pub fn has_other_address(manifest: &Manifest) -> bool {
    let address = manifest.source.base_url.trim_end_matches('/');
    address != SIMULATED && address != PUBLIC_URL.trim_end_matches('/')
}

/// Options with a value other than the default.
fn values(options: &RunOptions) -> Vec<(&'static str, String)> {
    let default_codec = if options.format == "parquet" { "zstd:1" } else { "none" };
    let time = |time: &Option<String>| time.as_deref().map(short_text);
    let unless = |text: &str, default: &str| (text != default).then(|| text.to_owned());
    let sweep = options.full_sweep_every.as_deref().and_then(|every| unless(every, "30days"));
    let size = options.target_file_size;
    let single = [
        ("--contacts-column", options.contacts_column.clone()),
        ("--delimiter", options.delimiter.clone()),
        ("--since", time(&options.since)),
        ("--until", time(&options.until)),
        ("--format", unless(&options.format, "parquet")),
        ("--compression", unless(&options.compression, default_codec)),
        ("--partition-by", unless(&options.partition_by.join(","), "")),
        ("--table-format", options.table_format.clone()),
        ("--target-file-size", (size != 256_000_000).then(|| size.to_string())),
        ("--full-sweep-every", sweep),
    ];
    let channels = options.channel.iter().map(|channel| ("--channel", channel.clone()));
    single.into_iter().filter_map(|(option, value)| Some((option, value?))).chain(channels).collect()
}
