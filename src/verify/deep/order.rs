//! Checks the order of rows (`docs/tables.md#order-of-rows`). The files of one folder continue each other.

use std::cmp::Ordering;

/// A time or number, with nulls last.
pub(super) type NullsLast = (bool, i64);

/// Returns a key that sorts nulls last.
pub(super) fn nulls_last(value: Option<i64>) -> NullsLast {
    (value.is_none(), value.unwrap_or_default())
}

/// Sort key of a row: numbers first, then an ID, compared byte by byte.
#[derive(Debug)]
struct SortKey<const N: usize> {
    numbers: [NullsLast; N],
    id: String,
}

/// The previous row in the same folder.
#[derive(Debug)]
pub(super) struct RowOrder<const N: usize> {
    folder: String,
    last: Option<SortKey<N>>,
}

impl<const N: usize> RowOrder<N> {
    pub(super) fn new() -> Self {
        Self { folder: String::new(), last: None }
    }

    /// Takes the next row of a file. Returns true if it may follow the previous one.
    pub(super) fn follows(&mut self, path: &str, numbers: [NullsLast; N], id: &str) -> bool {
        let folder = path.rsplit_once('/').unwrap_or_default().0;
        if self.folder != folder {
            folder.clone_into(&mut self.folder);
            self.last = None;
        }
        match &mut self.last {
            None => {
                self.last = Some(SortKey { numbers, id: id.to_owned() });
                true
            }
            Some(last) => {
                let follows = last.numbers.cmp(&numbers).then_with(|| last.id.as_str().cmp(id));
                last.numbers = numbers;
                id.clone_into(&mut last.id);
                follows != Ordering::Greater
            }
        }
    }
}
