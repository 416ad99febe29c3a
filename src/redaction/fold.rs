//! Text in the form that is searched: lower case, one form per character, ASCII digits. Each byte knows the
//! characters of the source that it came from.

use std::sync::{LazyLock, OnceLock};

use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};

use super::decode::Layer;

const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();

/// The zero of each set of decimal digits in Unicode. The other nine follow it.
const ZEROS: [u32; 65] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50,
    0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140,
    0x1e2f0, 0x1e950, 0x1fbf0,
];

/// A text in the form that is searched.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) text: String,
    /// The bytes of the layer that each byte came from, as start and end.
    from: Vec<(u32, u32)>,
}

impl Folded {
    pub(super) fn new(layer: &Layer<'_>) -> Self {
        let text = layer.text.as_ref();
        let mut folded =
            Self { text: String::with_capacity(text.len()), from: Vec::with_capacity(text.len()) };
        for (start, c) in text.char_indices() {
            let from = (place(start), place(start + c.len_utf8()));
            if c.is_ascii() {
                folded.text.push(c.to_ascii_lowercase());
                folded.from.push(from);
            } else {
                fold_char(c, |c| {
                    folded.text.push(c);
                    folded.from.resize(folded.text.len(), from);
                });
            }
        }
        folded
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns the bytes of the layer that a part of this text came from. The part is not empty.
    pub(super) fn source(&self, start: usize, end: usize) -> (usize, usize) {
        let first = self.from.get(start).map_or(0, |from| from.0);
        let last = end.checked_sub(1).and_then(|last| self.from.get(last)).map_or(0, |from| from.1);
        (first as usize, last as usize)
    }
}

/// Folds a text that no position is needed of.
pub(super) fn fold(text: &str) -> String {
    Folded::new(&Layer::plain(text)).text
}

/// Converts a position. Texts of a column have less than 2 GiB.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Characters below this one are folded once and remembered. Letters of most languages are below.
const REMEMBERED: usize = 0x3200;

fn fold_char(c: char, mut push: impl FnMut(char)) {
    static FOLDED: LazyLock<Vec<OnceLock<Box<str>>>> =
        LazyLock::new(|| (0..REMEMBERED).map(|_| OnceLock::new()).collect());
    match FOLDED.get(c as usize) {
        Some(folded) => folded.get_or_init(|| compute(c).into()).chars().for_each(push),
        // Chinese characters have one form.
        None if matches!(c, '\u{4e00}'..='\u{9fff}') => push(c),
        None => compute(c).chars().for_each(push),
    }
}

fn compute(c: char) -> String {
    let mut folded = String::new();
    if is_ignored(c) {
        return folded;
    }
    for c in NFKD.normalize_iter(std::iter::once(c)).flat_map(char::to_lowercase) {
        if is_mark(c) || is_ignored(c) {
            continue;
        }
        match same_as(c) {
            Some(text) => folded.push_str(text),
            None if c.is_whitespace() => folded.push(if c == '\n' { '\n' } else { ' ' }),
            None => folded.push(digit(c).unwrap_or(c)),
        }
    }
    folded
}

fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    char::from_digit(code - zero, 10)
}

/// True for characters without a shape, which may be anywhere in a word: joiners, direction controls,
/// variation selectors, soft hyphens, the frame of a keycap, the Arabic stretcher.
fn is_ignored(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// True for accents and vowel points that writers leave out. Vowel signs of Indic scripts stay.
pub(super) fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'
            | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
            | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{93c}' | '\u{9bc}' | '\u{a3c}'
            | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Characters that people write, or that programs put, instead of ASCII ones.
fn same_as(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ł' => "l",
        'ı' => "i",
        'ħ' => "h",
        'ς' => "σ",
        'ة' => "ه",
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        // Blanks that are no whitespace, and the picture of an object.
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{fffc}' => " ",
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{30fb}' => "-",
        '\u{b7}' | '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{3002}' => ".",
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => "'",
        '\u{2044}' | '\u{2215}' => "/",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_many() {
        for (text, folded) in [
            ("Müller", "muller"),
            ("Mu\u{308}ller", "muller"),
            ("ＭÜ\u{ad}ＬＬＥＲ", "muller"),
            ("Straße", "strasse"),
            ("İıŁØ", "iilo"),
            ("٤٩ ४९ ４９ ④⑨ 4\u{fe0f}\u{20e3}", "49 49 49 49 4"),
            ("a＠b．c。d", "a@b.c.d"),
            ("+49\u{a0}151\u{2011}2\u{202f}3", "+49 151-2 3"),
            ("مُحَمَّد", "محمد"),
            ("राम", "राम"),
            ("فاطمة یحیى", "فاطمه يحيي"),
            ("a\u{3164}b\u{2800}c", "a b c"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn each_byte_knows_its_source() {
        let text = "x Stra\u{ad}ße y";
        let folded = Folded::new(&Layer::plain(text));
        let at = folded.text.find("strasse").unwrap();
        let (start, end) = folded.source(at, at + "strasse".len());
        assert_eq!(text.get(start..end), Some("Stra\u{ad}ße"));
    }

    #[test]
    fn zeros_are_sorted() {
        assert!(ZEROS.is_sorted());
        assert_eq!(digit('९'), Some('9'));
        assert_eq!(digit('०'), Some('0'));
        assert_eq!(digit('x'), None);
        assert_eq!(digit('ॐ'), None);
    }
}
