//! The Python script for Iceberg. Its code is in `iceberg.py`; here it gets the files of an export.

use std::fmt::Write as _;

use super::{Registry, data_files};
use crate::table::{Table, plain};
use crate::warehouse::chain::positions;
use crate::warehouse::heading;
use crate::warehouse::location::Location;
use crate::warehouse::{ExportSource, SourceError};

pub(super) static ICEBERG: Registry = Registry {
    name: "iceberg",
    title: TITLE,
    help: "Iceberg tables; a Python script for pyiceberg 0.12",
    check,
    script,
    failing,
};

const TITLE: &str = "Iceberg";
const CODE: &str = include_str!("iceberg.py");
/// Lines around the constants of the code.
const BEGIN: &str = "# begin of the export\n";
const END: &str = "# end of the export\n";

fn check(source: &ExportSource, name: &str) -> Result<(), SourceError> {
    // add_files would read it from no path, and leave it empty.
    source.has_channel(TITLE)?;
    if matches!(source.location, Location::Az { .. }) {
        return Err(SourceError::NoName { title: TITLE, path: name.to_owned() });
    }
    if name.contains(['?', '#']) {
        return Err(SourceError::OddPath { title: TITLE, characters: "? and #" });
    }
    Ok(())
}

fn failing(message: &str) -> String {
    format!("raise SystemExit({})\n", literal(&format!("error: {message}")))
}

fn script(source: &ExportSource, name: &str) -> String {
    let (before, rest) = CODE.split_once(BEGIN).unwrap_or((CODE, ""));
    let (_, after) = rest.split_once(END).unwrap_or_default();
    let comment =
        |lines: &str| lines.lines().map(|line| line.replacen("--", "#", 1) + "\n").collect::<String>();
    let heading = heading("registers the runs of an export in Iceberg tables, without copying their files");
    format!("{}{}{before}{}{after}", comment(&heading), comment(&source.left_out()), constants(source, name))
}

/// Returns the constants that describe the export.
fn constants(source: &ExportSource, name: &str) -> String {
    let uri = match source.location {
        Location::Local(_) => format!("file://{name}"),
        _ => name.to_owned(),
    };
    let mut code =
        format!("EXPORT = {}\nIS_PART = {}\nTABLES = {{\n", literal(&uri), boolean(source.is_part));
    // Writing to a string cannot fail.
    for table in Table::ALL {
        let _ = writeln!(code, "    {}: ({}, [", literal(table.name()), literal(&plain(table.meaning())));
        for column in table.columns() {
            let meaning = literal(&plain(column.meaning));
            let _ = writeln!(
                code,
                "        ({}, {}, {meaning}),",
                literal(column.name),
                literal(column.kind.name())
            );
        }
        code.push_str("    ]),\n");
    }
    code.push_str("}\nRUNS = {\n");
    for manifest in &source.manifests {
        let _ = writeln!(code, "    {}: [", literal(manifest.run_id.as_str()));
        for (_, file) in data_files(manifest) {
            let _ =
                writeln!(code, "        ({}, {}, {}),", literal(file.path.as_str()), file.rows, file.bytes);
        }
        code.push_str("    ],\n");
    }
    code.push_str("}\nOTHERS = [\n");
    for run in source.others() {
        let _ = writeln!(code, "    {},", literal(run.as_str()));
    }
    code.push_str("]\nORDER = [\n");
    let none = || "None".to_owned();
    for at in positions(&source.links) {
        let run = literal(at.link.run_id.as_str());
        let previous = at.link.previous.as_ref().map_or_else(none, |run| literal(run.as_str()));
        let started = at.link.exported_at.map_or_else(none, |started| started.to_string());
        let (is_part, chain) = (boolean(at.link.is_part), literal(at.chain.as_str()));
        let _ = writeln!(code, "    ({run}, {previous}, {started}, {is_part}, {chain}, {}),", at.position);
    }
    code.push_str("]\n");
    code
}

fn boolean(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Formats a text as a literal of Python, in ASCII.
fn literal(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            // Writing to a string cannot fail.
            c => drop(write!(quoted, "\\U{:08x}", u32::from(c))),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_end_its_literal() {
        insta::assert_snapshot!(failing("a\"b\\\"; é \u{1f600}\nexit()"), @r#"raise SystemExit("error: a\"b\\\"; \U000000e9 \U0001f600\U0000000aexit()")"#);
    }

    #[test]
    fn the_code_has_the_constants_once() {
        assert_eq!((CODE.matches(BEGIN).count(), CODE.matches(END).count()), (1, 1));
    }
}
