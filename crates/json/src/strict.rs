//! Check for values that strict readers accept.

use super::escape::{Piece, pieces};
use super::kind::Kind;
use super::scan::{scalar, string};

/// True if `raw`, a well-formed value in the lenient sense, is JSON by RFC 8259 for readers that decode its strings (yyjson,
/// `serde_json`).
pub(super) fn is_strict(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => {
                let Ok((end, _)) = string(bytes, at) else { return false };
                if !raw.get(at + 1..end - 1).is_some_and(is_strict_string) {
                    return false;
                }
                end
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'[' | b']' | b'{' | b'}' => at + 1,
            _ => match scalar(bytes, at) {
                Ok((end, kind)) if kind != Kind::NonStandard => end,
                _ => return false,
            },
        };
    }
    true
}

fn is_strict_string(inside: &str) -> bool {
    if inside.bytes().any(|byte| byte < 0x20) {
        return false;
    }
    let mut strict = true;
    pieces(inside, |piece| {
        strict &= matches!(piece, Piece::Plain(_) | Piece::Escaped(_));
    });
    strict
}
