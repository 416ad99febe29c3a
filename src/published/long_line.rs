//! Reads a line that is too long to be held in memory, in one pass.
//!
//! A response has at most 64 MiB, and a row contains a text of it at most twice. But a control character
//! takes six bytes in a line, and so a line may have several hundred megabytes. Long strings are therefore
//! decoded as they are read. Every other value that is read is parsed as in a short line.

use std::io::BufRead;

use super::row;
use super::scanner::{Kept, LineError, Scanner};
use super::values::Values;
use crate::output::is_embedded_as_string;
use crate::output::manifest::ColumnEntry;

/// Reads a line. Its keys must be these columns, in their order.
pub(super) fn read(
    text: impl BufRead,
    columns: &[ColumnEntry],
    values: &mut [Values],
) -> Result<(), LineError> {
    let mut line = Scanner::new(text);
    line.expect(b'{')?;
    for (at, (column, values)) in columns.iter().zip(values).enumerate() {
        match line.peek()? {
            b'}' => return syntax(row::missing(at, columns.len())),
            b',' if at > 0 => line.expect(b',')?,
            _ => {}
        }
        let mut key = Kept::decoded();
        line.string(&mut key)?;
        let key = utf8(key.decoded)?;
        if key != column.name {
            return syntax(row::unexpected(&key));
        }
        line.expect(b':')?;
        read_value(&mut line, &column.name, values)?;
    }
    line.expect(b'}')?;
    line.end()
}

fn read_value<R: BufRead>(line: &mut Scanner<R>, name: &str, values: &mut Values) -> Result<(), LineError> {
    let is_string = line.peek()? == b'"';
    match values {
        Values::Skipped => line.value(&mut Kept::default()),
        Values::Text(texts) if is_string => {
            let mut kept = Kept::decoded();
            line.string(&mut kept)?;
            texts.append_value(utf8(kept.decoded)?);
            Ok(())
        }
        Values::Json(texts) if is_string => {
            let mut kept = Kept::both();
            line.string(&mut kept)?;
            let decoded = utf8(kept.decoded)?;
            match kept.raw {
                Some(raw) if !is_embedded_as_string(&decoded) => texts.push(&utf8(Some(raw))?),
                _ => texts.push(&decoded),
            }
            Ok(())
        }
        _ => {
            let mut kept = Kept::raw();
            line.value(&mut kept)?;
            let value = kept.raw.ok_or(LineError::TooLong)?;
            let read = row::read_value(&value, name, values);
            read.or_else(|error| syntax(row::describe(&error)))
        }
    }
}

fn utf8(text: Option<Vec<u8>>) -> Result<String, LineError> {
    String::from_utf8(text.unwrap_or_default()).or_else(|error| syntax(error.to_string()))
}

fn syntax<T>(what: String) -> Result<T, LineError> {
    Err(LineError::Syntax(what))
}
