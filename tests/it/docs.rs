//! The documents agree with each other and with the source: links, anchors and paths exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::promises::{files, root};
use crate::support::export::read;

/// Folders of the repository whose paths the documents name.
const FOLDERS: [&str; 8] =
    ["src/", "crates/", "tests/", "docs/", "fuzz/", "benches/", "examples/", "scripts/"];

/// The documents, with their paths from the root of the repository.
fn documents() -> Vec<PathBuf> {
    let all = files(root(), "md").into_iter();
    let all: Vec<PathBuf> = all.map(|path| path.strip_prefix(root()).unwrap().to_owned()).collect();
    for known in ["README.md", "SECURITY.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "docs/guarantees.md"] {
        assert!(all.iter().any(|path| path == Path::new(known)), "{known} is found");
    }
    all
}

/// The text without blocks of code, where nothing is a link or a heading.
fn without_code_blocks(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with("    ")
    });
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// The parts of a text in backticks, and the text without them.
fn split_code(text: &str) -> (Vec<&str>, String) {
    let parts: Vec<&str> = text.split('`').collect();
    let code = parts.iter().skip(1).step_by(2).copied().collect();
    (code, parts.iter().step_by(2).copied().collect())
}

/// The targets of the links in a text, except those on other sites.
fn links(text: &str) -> Vec<String> {
    let (_, text) = split_code(text);
    let inline = text.split("](").skip(1).filter_map(|after| after.split(')').next());
    let defined =
        text.lines().filter(|line| line.starts_with('[')).filter_map(|line| line.split("]: ").nth(1));
    let targets = inline.chain(defined).filter_map(|target| target.split_whitespace().next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

/// The anchors of a document, as GitHub makes them from its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for heading in text.lines().filter(|line| line.starts_with('#')) {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = counts.entry(anchor.clone()).or_default();
        anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

/// The path without `.` and `..`. `None` if it leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => normal.pop().then_some(())?,
            Component::Normal(part) => normal.push(part),
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(normal)
}

/// The error of a link in a document of this folder or, without a path, in the document itself.
fn flaw(document: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = match path {
        "" => document.to_owned(),
        path => match normal(&document.with_file_name(path)) {
            Some(target) => target,
            None => return Some("it leads out of the repository".to_owned()),
        },
    };
    if !root().join(&target).exists() {
        return Some("no such file".to_owned());
    }
    let anchor = anchor?;
    let is_there = anchors(&without_code_blocks(&read(&root().join(&target)))).contains(anchor);
    (!is_there).then(|| format!("no heading of {} has this anchor", target.display()))
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in documents() {
        for link in links(&without_code_blocks(&read(&root().join(&document)))) {
            count += 1;
            if let Some(flaw) = flaw(&document, &link) {
                broken.push(format!("{}: {link}: {flaw}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count > 20, "{count} links are found");
}

/// The paths that match a pattern such as `src/{a,b}.rs`.
fn alternatives(path: &str) -> Vec<String> {
    let parts = path.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)));
    let Some((before, (names, after))) = parts else { return vec![path.to_owned()] };
    names.split(',').map(|name| format!("{before}{name}{after}")).collect()
}

#[test]
fn paths_in_the_documents_are_there() {
    let mut missing = Vec::new();
    for document in documents().iter().filter(|path| **path != Path::new("CHANGELOG.md")) {
        let text = without_code_blocks(&read(&root().join(document)));
        let (code, _) = split_code(&text);
        let is_path = |name: &&str| FOLDERS.iter().any(|folder| name.starts_with(folder));
        let is_pattern = |name: &str| name.contains(['*', '<', '…', ' ']);
        for name in code.into_iter().filter(is_path).filter(|name| !is_pattern(name)) {
            let path = name.split("::").next().unwrap_or(name);
            for path in alternatives(path).iter().filter(|path| !root().join(path).exists()) {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// References to documents in the source, such as `docs/api.md#errors`.
fn references(text: &str) -> Vec<String> {
    let after = text.split("docs/").skip(1).filter_map(|after| {
        let is_end = |c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '/' | '.' | '#');
        let reference = after.split(is_end).next().unwrap_or_default();
        reference.contains(".md").then(|| format!("docs/{}", reference.trim_end_matches('.')))
    });
    after.collect()
}

#[test]
fn the_source_names_documents_that_are_there() {
    let mut broken = Vec::new();
    let mut count = 0;
    let folders = ["src", "crates", "tests", "fuzz/src", "benches"];
    let sources =
        folders.iter().flat_map(|folder| ["rs", "py"].map(|kind| files(&root().join(folder), kind)));
    for source in sources.flatten().filter(|path| !path.ends_with("it/docs.rs")) {
        for reference in references(&read(&source)) {
            count += 1;
            if let Some(flaw) = flaw(Path::new("ROOT"), &reference) {
                broken.push(format!("{}: {reference}: {flaw}", source.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count > 10, "{count} references are found");
}

#[test]
fn links_and_anchors_are_found() {
    let text = "# A `b`, C\n[x](y.md#z \"title\") `[no](link)`\n\n    [no](code)\n\n[site](https://a.b/c)\n## D\n## D\n[ref]: q.md\n";
    assert_eq!(links(&without_code_blocks(text)), ["y.md#z", "q.md"]);
    let anchors = anchors(text);
    assert_eq!(anchors.iter().map(String::as_str).collect::<Vec<_>>(), ["a-b-c", "d", "d-1"]);
    assert_eq!(
        references("as docs/api.md#sign-in. See docs/x/y.md, not docs/."),
        ["docs/api.md#sign-in", "docs/x/y.md"]
    );
    assert_eq!(alternatives("src/{a,b}.rs"), ["src/a.rs", "src/b.rs"]);
    assert_eq!(alternatives("src/a.rs"), ["src/a.rs"]);
    let document = Path::new("docs/guarantees.md");
    assert_eq!(flaw(document, "../README.md"), None);
    assert!(flaw(document, "../missing.md").is_some_and(|flaw| flaw.contains("no such file")));
    assert!(flaw(document, "../../a.md").is_some_and(|flaw| flaw.contains("leads out")));
    assert!(flaw(document, "#no-heading").is_some_and(|flaw| flaw.contains("anchor")));
}
