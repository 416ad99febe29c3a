//! Runs of digits, with characters between them as people and programs write numbers.

/// Characters between two digits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// None: the digits are neighbors.
    None,
    /// One character that is usual in numbers.
    Single,
    /// Up to three of them.
    Narrow,
    /// A line end, a comma or a bar, with up to two spaces.
    Listed,
    /// Up to four characters other than letters and digits, or any number of spaces and dashes.
    Wide,
}

/// Digits in a folded text, without a letter between them.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The digits, in ASCII.
    pub(super) digits: Vec<u8>,
    /// The byte of the text that each digit is at.
    pub(super) at: Vec<usize>,
    /// The gap before each digit; wide before the first.
    pub(super) gaps: Vec<Gap>,
}

/// Part of a run, as indices of its first digit and of the one after its last.
pub(super) type Part = (usize, usize);

impl Run {
    /// The bytes of the text from the first to the last digit of a part.
    pub(super) fn bytes(&self, (start, end): Part) -> (usize, usize) {
        (self.at[start], self.at[end - 1] + 1)
    }

    /// The parts in which no gap is larger than this one.
    pub(super) fn parts(&self, largest: Gap) -> Vec<Part> {
        self.split(0, self.digits.len(), |gap| gap > largest)
    }

    /// The digits of a part that are neighbors.
    pub(super) fn groups(&self, (start, end): Part) -> Vec<Part> {
        self.split(start, end, |gap| gap != Gap::None)
    }

    fn split(&self, start: usize, end: usize, is_border: impl Fn(Gap) -> bool) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut first = start;
        for index in start + 1..=end {
            if index == end || is_border(self.gaps[index]) {
                parts.push((first, index));
                first = index;
            }
        }
        parts
    }
}

/// Returns the runs of a folded text.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let bytes = text.as_bytes();
    let mut runs: Vec<Run> = Vec::new();
    let mut run = Run::default();
    let mut at = 0;
    while let Some(skipped) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let digit = at + skipped;
        let gap = if run.digits.is_empty() { None } else { gap(text.get(at..digit).unwrap_or_default()) };
        if gap.is_none() && !run.digits.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
        run.digits.push(bytes[digit]);
        run.at.push(digit);
        run.gaps.push(gap.unwrap_or(Gap::Wide));
        at = digit + 1;
    }
    if !run.digits.is_empty() {
        runs.push(run);
    }
    runs
}

fn gap(between: &str) -> Option<Gap> {
    let is_listed = |c| matches!(c, ' ' | '\n' | ',' | '|');
    let is_usual = |c| matches!(c, ' ' | '.' | '-' | '(' | ')' | '/' | '_' | '\t');
    let length = between.chars().take(5).count();
    if length > 4 {
        let is_blank = between.chars().all(|c| matches!(c, ' ' | '-' | '.' | '_' | '\n'));
        return is_blank.then_some(Gap::Wide);
    }
    if between.contains(char::is_alphanumeric) {
        return None;
    }
    Some(match length {
        0 => Gap::None,
        1..4 if between.chars().all(is_listed) && between.contains(['\n', ',', '|']) => Gap::Listed,
        1..4 if !between.chars().all(is_usual) => Gap::Wide,
        1 => Gap::Single,
        2 | 3 => Gap::Narrow,
        _ => Gap::Wide,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_split_runs() {
        let found = runs("a1b 2 3 4\n+5 (0) 67 x 8");
        let digits: Vec<_> = found.iter().map(|run| String::from_utf8_lossy(&run.digits)).collect();
        assert_eq!(digits, ["1", "2345067", "8"]);
        let run = &found[1];
        let (wide, single, narrow, none) = (Gap::Wide, Gap::Single, Gap::Narrow, Gap::None);
        assert_eq!(run.gaps, [wide, single, single, wide, narrow, narrow, none]);
        assert_eq!(run.parts(Gap::Narrow), [(0, 3), (3, 7)]);
        assert_eq!(run.groups((3, 7)), [(3, 4), (4, 5), (5, 7)]);
        assert_eq!(run.bytes((5, 7)), (17, 19));
    }
}
