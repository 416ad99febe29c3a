//! Damage of every kind, as disks, copies, people and other programs do it to files.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::{PermissionsExt, symlink};

use fastrand::Rng;

use super::lies;
use super::scene::{FoundBy, Harm, Scene};

/// Number of kinds of damage.
pub const KINDS: usize = 21;

/// A kind of damage: its name, its weight, and the function that does it.
type Kind = (&'static str, u32, fn(&mut Scene, &mut Rng, Target) -> Option<Done>);

/// The selected file.
type Target<'a> = (&'a str, &'a [u8]);

/// The result of one damage: the damaged files, and the check that finds it.
pub struct Done {
    pub named: Vec<String>,
    pub detail: String,
    pub found_by: FoundBy,
}

/// Damage to one file, found without opening any file.
pub fn done(path: &str, detail: impl Into<String>) -> Done {
    Done { named: vec![path.to_owned()], detail: detail.into(), found_by: FoundBy::Files }
}

const ALL: [Kind; KINDS] = [
    ("a flipped bit", 10, flip_bit),
    ("a changed byte", 10, change_byte),
    ("a file cut", 10, cut),
    ("a file grown", 5, extend),
    ("bytes inserted", 4, insert),
    ("bytes left out", 4, leave_out),
    ("a block of zeros", 4, zeros),
    ("a file missing", 5, delete),
    ("two files swapped", 6, swap),
    ("a file of another run, or another file, in its place", 5, copy_over),
    ("a file moved or renamed", 5, rename),
    ("a file added", 6, add),
    ("a symlink in its place", 3, link),
    ("a folder in its place", 2, make_folder),
    ("a manifest's or list's value replaced", 10, replace_value),
    ("a line missing, doubled or moved", 10, lines),
    ("a row's bytes blanked, the size kept", 6, blank_line),
    ("modes changed", 2, open_modes),
    ("rows changed, and all hashes made to fit", 4, lies::rows),
    ("a list of contacts changed, and all hashes made to fit", 2, lies::lists),
    ("a manifest rewritten, and all hashes made to fit", 6, lies::manifest),
];

/// Does one damage. `None` if nothing changed.
pub fn any(scene: &mut Scene, rng: &mut Rng) -> Option<Harm> {
    let mut draw = rng.u32(..ALL.iter().map(|kind| kind.1).sum::<u32>());
    let (kind, _, harm) = ALL.iter().find(|kind| {
        let is_it = draw < kind.1;
        draw = draw.saturating_sub(kind.1);
        is_it
    })?;
    let path = any_path(scene, rng);
    let bytes = scene.files[&path].clone();
    let done = harm(scene, rng, (&path, &bytes))?;
    Some(Harm {
        kind,
        what: format!("{kind} ({:?}, {})", done.named, done.detail),
        named: done.named,
        found_by: done.found_by,
    })
}

/// A file of the export. The few files in `_runs` are as likely as all others together.
fn any_path(scene: &Scene, rng: &mut Rng) -> String {
    let of_runs = rng.bool();
    let paths: Vec<_> = scene.files.keys().filter(|path| path.starts_with("_runs/") == of_runs).collect();
    paths[rng.usize(..paths.len())].clone()
}

/// Writes the bytes to the path, unless they are the same.
fn put(scene: &mut Scene, (path, before): Target, bytes: &[u8], detail: impl Into<String>) -> Option<Done> {
    (bytes != before).then(|| {
        scene.put(path, bytes);
        done(path, detail)
    })
}

fn flip_bit(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let mut bytes = target.1.to_vec();
    let (at, bit) = (rng.usize(..bytes.len()), rng.u8(..8));
    bytes[at] ^= 1 << bit;
    put(scene, target, &bytes, format!("bit {bit} of byte {at}"))
}

fn change_byte(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let mut bytes = target.1.to_vec();
    let (at, byte) = (rng.usize(..bytes.len()), rng.u8(..));
    bytes[at] = byte;
    put(scene, target, &bytes, format!("byte {at} is {byte}"))
}

fn cut(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    // Half of the cuts remove a few bytes only.
    let longest = target.1.len();
    let length = if rng.bool() { rng.usize(..longest) } else { longest - rng.usize(1..=longest.min(4)) };
    put(scene, target, &target.1[..length], format!("to {length} bytes of {longest}"))
}

fn extend(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let tail: Vec<u8> = match rng.u8(..4) {
        0 => vec![0; rng.usize(1..5000)],
        1 => vec![b'\n'],
        2 => vec![b' '],
        _ => target.1[rng.usize(..target.1.len())..].to_vec(),
    };
    put(scene, target, &[target.1, &tail].concat(), format!("by {} bytes", tail.len()))
}

fn insert(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let (head, tail) = target.1.split_at(rng.usize(..target.1.len()));
    let byte = *rng.choice(b" \n\r\t0a\0\"")?;
    put(scene, target, &[head, &[byte], tail].concat(), format!("{byte} at {}", head.len()))
}

fn leave_out(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let from = rng.usize(..target.1.len());
    let to = rng.usize(from..=target.1.len().min(from + 20));
    put(scene, target, &[&target.1[..from], &target.1[to..]].concat(), format!("{from}..{to}"))
}

/// The result of a power failure for a file that was not synced.
fn zeros(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let mut bytes = target.1.to_vec();
    let from = rng.usize(..bytes.len()) / 512 * 512;
    let to = if rng.bool() { bytes.len() } else { bytes.len().min(from + 512) };
    bytes[from..to].fill(0);
    put(scene, target, &bytes, format!("{from}..{to}"))
}

#[expect(clippy::unnecessary_wraps, reason = "one of many that may change nothing")]
fn delete(scene: &mut Scene, _: &mut Rng, (path, _): Target) -> Option<Done> {
    scene.take_away(path);
    Some(done(path, ""))
}

fn swap(scene: &mut Scene, rng: &mut Rng, (path, bytes): Target) -> Option<Done> {
    let other = any_path(scene, rng);
    let others = scene.files[&other].clone();
    (others != bytes).then(|| {
        scene.put(path, &others);
        scene.put(&other, bytes);
        Done { named: vec![path.to_owned(), other.clone()], ..done(path, format!("with {other}")) }
    })
}

fn copy_over(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    // In half of the cases, it is the same file of another run.
    let other = if rng.bool() {
        let names = ["run-0", "run-1", "run-2"];
        let (of, by) = (rng.choice(names)?, rng.choice(names)?);
        target.0.replace(of, by)
    } else {
        any_path(scene, rng)
    };
    let bytes = scene.files.get(&other)?.clone();
    put(scene, target, &bytes, format!("now {other}"))
}

fn rename(scene: &mut Scene, rng: &mut Rng, (path, bytes): Target) -> Option<Done> {
    let (folder, name) = path.rsplit_once('/')?;
    let to = match rng.u8(..6) {
        0 => format!("{folder}/{name}.bak"),
        1 => format!("{folder}/copy-{name}"),
        2 => format!("messages/{name}"),
        3 => format!("_runs/{name}"),
        4 => format!("{folder}/deeper/{name}"),
        // Outside of the folders of the export, where `verify` does not look, and misses it at its old place.
        _ => format!("elsewhere/{name}"),
    };
    if scene.files.contains_key(&to) {
        return None;
    }
    scene.take_away(path);
    scene.put(&to, bytes);
    let mut named = vec![path.to_owned()];
    named.extend(Some(to.clone()).filter(|to| !to.starts_with("elsewhere/")));
    Some(Done { named, ..done(path, format!("to {to}")) })
}

fn add(scene: &mut Scene, rng: &mut Rng, (path, bytes): Target) -> Option<Done> {
    let folder = match rng.u8(..4) {
        0 => "_runs".to_owned(),
        1 => "_runs/run-1".to_owned(),
        2 => ["contacts", "messages", "raw", "coverage/x=1"][rng.usize(..4)].to_owned(),
        _ => path.rsplit_once('/')?.0.to_owned(),
    };
    let name =
        ["part-run-1-00077.parquet", "x", ".hidden", "latest.json.tmp", "failed.csv", "_SUCCESS.jsonl"];
    let to = format!("{folder}/{}", rng.choice(name)?);
    if scene.files.contains_key(&to) {
        return None;
    }
    scene.put(&to, if rng.bool() { bytes } else { &[] });
    Some(done(&to, to.as_str()))
}

fn link(scene: &mut Scene, rng: &mut Rng, (path, bytes): Target) -> Option<Done> {
    // A link to the same content elsewhere, to another file, or to nothing.
    let to = match rng.u8(..3) {
        0 => {
            scene.put("elsewhere/content", bytes);
            scene.out.join("elsewhere/content")
        }
        1 => scene.out.join(any_path(scene, rng)),
        _ => "nowhere".into(),
    };
    scene.take_away(path);
    symlink(&to, scene.out.join(path)).ok()?;
    Some(done(path, format!("to {}", to.display())))
}

fn make_folder(scene: &mut Scene, _: &mut Rng, (path, _): Target) -> Option<Done> {
    scene.take_away(path);
    // A file in it that is removed again creates the folder.
    let inside = format!("{path}/x");
    scene.put(&inside, "");
    fs::remove_file(scene.out.join(inside)).ok()?;
    Some(done(path, ""))
}

fn replace_value(scene: &mut Scene, rng: &mut Rng, _: Target) -> Option<Done> {
    let names = ["latest.json", "run-0/manifest.json", "run-1/manifest.json", "run-2/manifest.json"];
    let path = format!("_runs/{}", rng.choice(names)?);
    let before = scene.files[&path].clone();
    let values = values(&before);
    let value = rng.choice(&values)?.clone();
    let old = std::str::from_utf8(&before[value.clone()]).ok()?;
    let new = match (before[value.start], rng.u8(..4)) {
        (b'"', 0) => String::from_utf8(before[rng.choice(&values)?.clone()].to_vec()).ok()?,
        (b'"', 1) => "null".to_owned(),
        (b'"', 2) => old.replace(rng.digit(10), &rng.digit(10).to_string()),
        (b'"', _) => old.replace(rng.lowercase(), &rng.lowercase().to_string()),
        (b'0'..=b'9', 0) => "null".to_owned(),
        (b'0'..=b'9', 1) => rng.u32(..).to_string(),
        (b'0'..=b'9', _) => (old.parse::<u64>().ok()? + rng.u64(1..3)).to_string(),
        _ => ["true", "false", "null", "\"\"", "1", "[]"][rng.usize(..6)].to_owned(),
    };
    let after = [&before[..value.start], new.as_bytes(), &before[value.end..]].concat();
    put(scene, (&path, &before), &after, format!("{path}: {old} is {new}"))
}

/// Positions of the strings, numbers and words of a JSON text that are not keys. The text has no escapes.
fn values(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let until = |from: usize, ends: &[u8]| {
            text[from..]
                .iter()
                .position(|byte| ends.contains(byte))
                .map_or(text.len(), |length| from + length)
        };
        let end = match text[at] {
            b'"' => until(at + 1, b"\"") + 1,
            b'0'..=b'9' | b'a'..=b'z' => until(at, b",\n"),
            _ => at,
        };
        if end > at && text.get(end) != Some(&b':') {
            found.push(at..end);
        }
        at = end.max(at + 1);
    }
    found
}

/// The lines of a text file, including their line ends.
fn text_lines(path: &str, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let is_text = path.starts_with("_runs/") || path.rsplit('.').next() == Some("jsonl");
    is_text.then(|| bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
}

fn lines(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let mut lines = text_lines(target.0, target.1)?;
    let (at, other) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
    let what = match rng.u8(..3) {
        0 => {
            lines.remove(at);
            "missing"
        }
        1 => {
            lines.insert(other, lines[at].clone());
            "doubled"
        }
        _ => {
            lines.swap(at, other);
            "swapped"
        }
    };
    put(scene, target, &lines.concat(), format!("line {at} {what} ({other})"))
}

fn blank_line(scene: &mut Scene, rng: &mut Rng, target: Target) -> Option<Done> {
    let mut lines = text_lines(target.0, target.1)?;
    let at = rng.usize(..lines.len());
    let length = lines[at].len();
    lines[at] = if rng.bool() { vec![b'\n'; length] } else { vec![b' '; length] };
    put(scene, target, &lines.concat(), format!("line {at}"))
}

fn open_modes(scene: &mut Scene, rng: &mut Rng, (path, _): Target) -> Option<Done> {
    let mode = *rng.choice(&[0o644, 0o640, 0o666, 0o604])?;
    fs::set_permissions(scene.touch(path), fs::Permissions::from_mode(mode)).ok()?;
    Some(Done { found_by: FoundBy::Warning, ..done(path, format!("{mode:o}")) })
}
