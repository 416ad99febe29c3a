//! The text that replaces a finding, and how it is recognized in a text that is already redacted.

use memchr::memmem;

use super::find::{Finding, Kind};
use super::key::{LETTERS, PREFIX, PseudonymKey, is_letters};

/// Longest text of a policy for a replacement.
const MAX_LENGTH: usize = 100;

/// The text of the policy that replaces a finding, such as `[{kind}]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Kind,
    Pseudonym,
}

impl Replacement {
    /// # Errors
    /// The text says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_LENGTH || text.contains(char::is_control) {
            return Err(format!("must have 1 to {MAX_LENGTH} bytes and no control characters"));
        }
        if text.contains(char::is_numeric) {
            return Err("must not contain digits, which may look like a number in the text".to_owned());
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("has { without }")?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(match name {
                "kind" => Piece::Kind,
                "pseudonym" => Piece::Pseudonym,
                _ => return Err(format!("unknown {{{name}}}; use {{kind}} or {{pseudonym}}")),
            });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        if pieces.iter().filter(|piece| **piece == Piece::Pseudonym).count() > 1 {
            return Err("has {pseudonym} twice".to_owned());
        }
        Ok(Self { pieces })
    }

    pub(super) fn has_pseudonym(&self) -> bool {
        self.pieces.contains(&Piece::Pseudonym)
    }

    /// Returns the text for a finding. The key is there if the replacement has a pseudonym.
    pub(super) fn of(&self, finding: &Finding, key: Option<&PseudonymKey>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Kind => finding.kind.name().to_owned(),
            Piece::Pseudonym => {
                key.map(|key| key.pseudonym(finding.class, &finding.value)).unwrap_or_default()
            }
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Returns the bytes of a text that are replacements, whatever kind they are of.
    pub(super) fn positions(&self, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            let (before, after) = self.around_pseudonym(kind);
            for start in memmem::find_iter(text.as_bytes(), before.as_bytes()) {
                let end = start + before.len();
                let rest = text.as_bytes().get(end..).unwrap_or_default();
                let letters = if self.has_pseudonym() { LETTERS } else { 0 };
                let is_whole = letters == 0 || rest.get(..letters).is_some_and(is_letters);
                if is_whole && rest.get(letters..).is_some_and(|rest| rest.starts_with(after.as_bytes())) {
                    found.push((start, end + letters + after.len()));
                }
            }
        }
        found
    }

    /// Returns the text before the letters of the pseudonym, and the text after them.
    fn around_pseudonym(&self, kind: Kind) -> (String, String) {
        let mut around = (String::new(), String::new());
        let mut is_after = false;
        for piece in &self.pieces {
            let side = if is_after { &mut around.1 } else { &mut around.0 };
            match piece {
                Piece::Text(text) => side.push_str(text),
                Piece::Kind => side.push_str(kind.name()),
                Piece::Pseudonym => {
                    side.push_str(PREFIX);
                    is_after = true;
                }
            }
        }
        around
    }
}
