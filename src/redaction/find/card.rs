//! Payment cards: 13 to 19 digits with a valid check digit (Luhn).

use super::digits::{Gap, Part, Run};

const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Returns the bytes of a folded text that are card numbers.
pub(super) fn find(run: &Run) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for part in run.parts(Gap::Listed).into_iter().filter(|part| part.1 - part.0 >= *DIGITS.start()) {
        let groups = run.groups(part);
        for first in 0..groups.len() {
            let fits = |last: &usize| is_card(run, &groups[first..=*last]);
            let most = groups.len().min(first + DIGITS.end());
            if let Some(last) = (first..most).rev().find(fits) {
                found.push(run.bytes((groups[first].0, groups[last].1)));
            } else if has_glued_code(&run.digits[groups[first].0..groups[first].1]) {
                found.push(run.bytes(groups[first]));
            }
        }
    }
    found
}

fn is_card(run: &Run, groups: &[Part]) -> bool {
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return false };
    let digits = &run.digits[first.0..last.1];
    if !DIGITS.contains(&digits.len()) {
        return false;
    }
    let is_wide = (first.0 + 1..last.1).any(|index| run.gaps[index] > Gap::Single);
    let is_grouped = if is_wide { is_printed(groups) } else { is_grouped(groups) };
    is_issued(digits) && is_grouped && is_valid(digits) && !is_years(digits, groups)
}

/// Cards begin with 2 to 9, or with 1 if an airline issues them. That leaves out times in milliseconds.
fn is_issued(digits: &[u8]) -> bool {
    match digits[0] {
        b'2'..=b'9' => true,
        b'1' => digits.len() == 15,
        _ => false,
    }
}

/// True for groups of an equal number of digits, but for the last one, or of at least three.
fn is_grouped(groups: &[Part]) -> bool {
    let length = |group: &Part| group.1 - group.0;
    let first = groups.first().map_or(0, length);
    let (last, others) =
        groups.split_last().map_or((0, &groups[..0]), |(last, others)| (length(last), others));
    let is_equal = others.iter().all(|group| length(group) == first) && last <= first;
    is_equal || groups.iter().all(|group| length(group) >= 3)
}

/// True for groups as cards are printed.
fn is_printed(groups: &[Part]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|group| group.1 - group.0).collect();
    matches!(lengths.as_slice(), [4, 4, 4, 4] | [4, 4, 4, 4, 3] | [4, 6, 5])
}

/// True for a list of years.
fn is_years(digits: &[u8], groups: &[Part]) -> bool {
    let has_four = groups.iter().all(|group| group.1 - group.0 == 4);
    has_four && digits.chunks(4).all(|year| year.starts_with(b"19") || year.starts_with(b"20"))
}

/// True for a card number with its code behind it, without a space.
fn has_glued_code(digits: &[u8]) -> bool {
    let length = match digits {
        [b'3', b'4' | b'7', ..] => 15,
        [b'4', ..] | [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] | [b'6', b'0' | b'4' | b'5', ..] => 16,
        _ => return false,
    };
    matches!(digits.len().checked_sub(length), Some(3 | 4)) && digits.get(..length).is_some_and(is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().map(|(index, digit)| doubled(index, digit - b'0')).sum();
    sum.is_multiple_of(10)
}

fn doubled(index: usize, digit: u8) -> u32 {
    let value = if index % 2 == 1 { 2 * digit } else { digit };
    u32::from(if value > 9 { value - 9 } else { value })
}
