//! The order of rows (`docs/tables.md#order-of-rows`) in the files of one folder, which keep it from one to the next.

use std::cmp::Ordering;

/// A time or number, nulls last.
pub(super) type NullsLast = (bool, i64);

/// Sorts nulls last.
pub(super) fn nulls_last(value: Option<i64>) -> NullsLast {
    (value.is_none(), value.unwrap_or_default())
}

/// What a row sorts by: numbers first, then an ID, compared byte by byte.
#[derive(Debug)]
struct Key<const N: usize> {
    numbers: [NullsLast; N],
    id: String,
}

/// The row before, in the same folder.
#[derive(Debug)]
pub(super) struct Order<const N: usize> {
    folder: String,
    last: Option<Key<N>>,
}

impl<const N: usize> Order<N> {
    pub(super) fn new() -> Self {
        Self { folder: String::new(), last: None }
    }

    /// Takes the next row of a file; whether it may stand after the one before.
    pub(super) fn follows(&mut self, path: &str, numbers: [NullsLast; N], id: &str) -> bool {
        let folder = path.rsplit_once('/').unwrap_or_default().0;
        if self.folder != folder {
            folder.clone_into(&mut self.folder);
            self.last = None;
        }
        match &mut self.last {
            None => {
                self.last = Some(Key { numbers, id: id.to_owned() });
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
