//! The layers in the docs of the crate: imports point down, only the command line prints, files are small.
//!
//! The compiler separates the crates below `crates/` from the exporter: they do not depend on it.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms by layer, the lowest last. Rooms of one layer do not know each other, except in the lowest
/// layer.
const LAYERS: [&[&str]; 5] = [
    &["cli", "internals"],
    &["export", "check", "monitor", "report", "evidence"],
    &["fetch", "transform", "publish", "verify", "warehouse", "prune", "snapshot", "redaction", "erase"],
    &["api", "spool", "table", "output", "catalog", "delta", "published", "state", "lock", "timestamp"],
    &[
        "contacts",
        "settings",
        "event",
        "id",
        "record",
        "json",
        "durable",
        "store",
        "tls",
        "connect_error",
        "signature",
        "contact_read",
        "compression",
        "digest",
        "printable",
        "html",
        "time",
        "worker_thread",
        "bounded",
        "layout",
    ],
];

/// Imports within a layer that are allowed: `output` writes tables, `catalog` and `published` read what `output` wrote,
/// and `delta` names the files of the runs in `catalog`.
const NEIGHBOURS: [(&str, &str); 8] = [
    ("output", "table"),
    ("catalog", "output"),
    ("published", "output"),
    ("published", "table"),
    ("delta", "catalog"),
    ("delta", "output"),
    ("delta", "table"),
    ("internals", "cli"),
];

struct Source {
    path: PathBuf,
    /// The room: the first part of the path below `src`.
    room: String,
    /// The text without the tests at its end.
    code: String,
    lines: usize,
}

/// The sources of the exporter.
fn sources() -> Vec<Source> {
    sources_in("src")
}

/// The sources of the exporter and of its crates. A crate's name is its room.
fn all_sources() -> Vec<Source> {
    ["src", "crates"].into_iter().flat_map(sources_in).collect()
}

fn sources_in(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(&root).unwrap();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let is_test = relative.iter().any(|part| part == "tests" || part == "tests.rs");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            found.push(Source {
                room: relative.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned(),
                path: relative.to_owned(),
                code: if is_test { String::new() } else { code },
                lines: text.lines().count(),
            });
        }
    }
    assert!(found.len() > 30, "{folder} has sources");
    found
}

/// The rooms that a text imports as `crate::room` or `crate::{room, …}`.
fn rooms_named(code: &str) -> Vec<String> {
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut rooms = Vec::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => rooms.push(word(after)),
            Some(list) => {
                let mut depth = 0;
                let mut at_start = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => at_start = true,
                        c if at_start && !c.is_whitespace() => {
                            at_start = false;
                            rooms.push(word(list.get(at..).unwrap_or_default()));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

/// The layer of a room, 1 being the lowest.
fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room)).map(|above| LAYERS.len() - above)
}

fn may_know(room: &str, other: &str) -> bool {
    if room == other || NEIGHBOURS.contains(&(room, other)) {
        return true;
    }
    match (layer(room), layer(other)) {
        (Some(1), Some(1)) => true,
        (Some(above), Some(below)) => above > below,
        _ => panic!("{room} or {other} has no layer yet: put it into LAYERS"),
    }
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !["lib", "main"].contains(&source.room.as_str())) {
        for other in rooms_named(&source.code) {
            if !may_know(&source.room, &other) {
                wrong.push(format!("{} knows {other}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_command_line_starts_the_simulator() {
    let users: Vec<_> =
        sources().into_iter().filter(|source| source.code.contains("chatzy_simulator")).collect();
    assert!(!users.is_empty(), "the command line uses the simulator");
    for user in users {
        assert_eq!(user.room, "cli", "{} uses the simulator", user.path.display());
    }
}

#[test]
fn the_import_reader_sees_every_form() {
    let code = "use crate::id::RunId;\nuse crate::{\n    api::{Client, Page},\n    json,\n};\n// crate::cli\nlet x = crate::table::Kind::Str;";
    assert_eq!(rooms_named(code), ["id", "api", "json", "table"]);
}

#[test]
fn each_room_keeps_to_its_trade() {
    let foreign: [(&str, &[&str]); 4] = [
        ("api", &["arrow::", "parquet::"]),
        ("table", &["reqwest::", "hyper::", "std::fs", "std::net"]),
        ("output", &["reqwest::", "hyper::", "std::net"]),
        ("fetch", &["arrow::", "parquet::"]),
    ];
    for source in sources() {
        for (room, names) in foreign.iter().filter(|(room, _)| *room == source.room) {
            for name in *names {
                assert!(
                    !source.code.contains(name),
                    "{} uses {name}, which is not {room}'s",
                    source.path.display()
                );
            }
        }
    }
}

#[test]
fn only_the_command_line_prints() {
    for source in all_sources().iter().filter(|source| source.room != "cli") {
        for print in ["println!", "print!(", "dbg!(", "io::stdout()", "io::stderr()"] {
            assert!(!source.code.contains(print), "{} has {print}", source.path.display());
        }
    }
}

#[test]
fn files_are_small() {
    for source in all_sources() {
        assert!(source.lines <= 450, "{} has {} lines", source.path.display(), source.lines);
    }
}
