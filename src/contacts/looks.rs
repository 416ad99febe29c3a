//! Recognizes lines that are probably not contact IDs.
//!
//! IDs are opaque, so their format cannot be checked. These checks recognize common mistakes instead, which
//! would otherwise be contacts that do not exist. `--delimiter none` disables them and accepts every line as
//! an ID.

/// Pairs of quotes that are not CSV quotes.
const FOREIGN_QUOTES: [(char, char); 5] = [('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»')];
/// Names of an ID column in files with another header.
const HEADERS: [&str; 20] = [
    "id",
    "ids",
    "contact",
    "contacts",
    "contactid",
    "contactids",
    "contactkey",
    "customer",
    "customers",
    "user",
    "users",
    "uuid",
    "guid",
    "phone",
    "phonenumber",
    "mobile",
    "email",
    "emailaddress",
    "identifier",
    "name",
];
/// Last words in names of ID columns.
const HEADER_ENDS: [&str; 6] = ["id", "ids", "uuid", "guid", "number", "nr"];
/// Error values of spreadsheets.
const SHEET_ERRORS: [&str; 7] = ["#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"];

/// Likely mistakes in a contacts file. Each message has the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Looks {
    /// Several columns whose delimiter is not a comma.
    #[error(
        "the line looks like {columns} columns separated by {delimiter}, and none has the name {column:?}; choose one with --contacts-column, or add a header line"
    )]
    Columns {
        /// Number of cells with this delimiter.
        columns: usize,
        /// Description of the delimiter.
        delimiter: &'static str,
        column: String,
    },
    /// A separator at the end of the line.
    #[error("the line ends with {0}, which is not part of a contact ID; remove it from every line")]
    TrailingSeparator(&'static str),
    /// Line such as `sep=;`, which sets the delimiter for Excel.
    #[error(
        "\"sep=\" is a line for Excel, not a contact ID; remove it, and set the delimiter with --delimiter"
    )]
    SepLine,
    /// Header with another name of the ID column.
    #[error("{0:?} looks like a header, but the expected column is {1:?}; use --contacts-column {2}")]
    OtherHeader(String, String, String),
    /// Line with the name of the column and other text.
    #[error(
        "the line contains the column name {0:?} and other text; separate columns with a comma, or set the delimiter with --delimiter"
    )]
    NameAndMore(String),
    /// Repeated header, as in concatenated files.
    #[error("the line contains the column name {0:?} again, as in concatenated files; remove the line")]
    SecondHeader(String),
    /// JSON in any layout.
    #[error(
        "the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id`"
    )]
    Json,
    #[error("the line looks like HTML or XML; use a contacts file")]
    Markup,
    /// Formula such as `="a1"`, which protects a text in a spreadsheet.
    #[error("the contact ID looks like a spreadsheet formula (=\"…\"); export the plain values")]
    Formula,
    /// Number in scientific notation, such as `4.91512E+11`.
    #[error(
        "the contact ID looks like a number that a spreadsheet has rounded; format the column as text and export it again"
    )]
    Rounded,
    /// Spreadsheet error such as `#N/A`.
    #[error("the contact ID is an error value of a spreadsheet; correct the sheet and export it again")]
    SheetError,
    /// ID in quotes that are not CSV quotes, such as `'a1'`.
    #[error(
        "the contact ID is quoted with {0}…{1}, which are not CSV quotes; remove them, or use double quotes"
    )]
    Quoted(char, char),
    /// Item of a list, such as `- a1`.
    #[error("the line looks like a list item ({0:?} before the ID); remove the mark from every line")]
    Item(String),
    /// Comment, such as `# text`.
    #[error("the line looks like a comment; remove it")]
    Comment,
    /// Line of a drawn table, such as `----+----`.
    #[error("the line looks like part of a table drawn with characters; export the query result as CSV")]
    Drawn,
    /// Invisible character, as in text from a web page or in concatenated files.
    #[error("the contact ID contains the invisible character U+{0:04X}; remove it")]
    Invisible(u32),
}

/// True for characters without a glyph: joiners, direction marks and byte order marks.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// Returns the first invisible character of a text. A joiner between two non-ASCII characters is part of an
/// emoji or a word.
fn invisible(text: &str) -> Option<char> {
    let is_foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_invisible(c));
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
        if is_invisible(c) && !(is_joiner && is_foreign(before) && is_foreign(rest.clone().next())) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// Recognizes a cell that is probably not an ID.
pub(super) fn of_id(text: &str) -> Option<Looks> {
    let text = text.trim();
    if !text.is_ascii()
        && let Some(c) = invisible(text)
    {
        return Some(Looks::Invisible(u32::from(c)));
    }
    // Most IDs start with a letter, and none of the mistakes below does.
    match text.bytes().next() {
        Some(byte) if byte.is_ascii_alphabetic() => return None,
        Some(byte) if byte.is_ascii_digit() => return of_number(text),
        _ => {}
    }
    if let Some((open, close)) =
        FOREIGN_QUOTES.into_iter().find(|(open, close)| is_between(text, *open, *close))
    {
        return Some(Looks::Quoted(open, close));
    }
    if SHEET_ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)) {
        return Some(Looks::SheetError);
    }
    if is_json(text) {
        return Some(Looks::Json);
    }
    if text.starts_with("=\"") || text.starts_with("='") {
        return Some(Looks::Formula);
    }
    if is_markup(text) {
        return Some(Looks::Markup);
    }
    if is_drawn(text) {
        return Some(Looks::Drawn);
    }
    if text.starts_with("# ") || text.starts_with("// ") || text.starts_with("-- ") {
        return Some(Looks::Comment);
    }
    ["- ", "* ", "+ ", "• ", "– ", "[ ] "]
        .into_iter()
        .find(|mark| text.starts_with(mark))
        .map(|mark| Looks::Item(mark.to_owned()))
}

fn is_between(text: &str, open: char, close: char) -> bool {
    text.strip_prefix(open).is_some_and(|rest| rest.ends_with(close))
}

/// True for a JSON object or array, or one of its lines.
fn is_json(text: &str) -> bool {
    if matches!(text, "{" | "}" | "[" | "]" | "}," | "]," | "[]" | "{}") {
        return true;
    }
    match text.as_bytes() {
        [b'{', rest @ ..] => rest.trim_ascii_start().starts_with(b"\""),
        [b'[', rest @ ..] => {
            let rest = rest.trim_ascii_start();
            rest.first().is_some_and(|byte| matches!(byte, b'"' | b'{' | b'[')) || text.ends_with(']')
        }
        _ => false,
    }
}

fn is_markup(text: &str) -> bool {
    matches!(text.as_bytes(), [b'<', b'!' | b'?' | b'/', ..])
        || matches!(text.as_bytes(), [b'<', first, ..] if first.is_ascii_alphabetic())
}

/// True for a line under a header, a border, or the row count of psql.
fn is_drawn(text: &str) -> bool {
    let is_rule = text
        .chars()
        .all(|c| matches!(c, '-' | '+' | '=' | '|' | ':' | ' ') || ('\u{2500}'..='\u{257f}').contains(&c));
    let is_count = || {
        let inner = text
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(" rows)").or_else(|| rest.strip_suffix(" row)")));
        inner.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (is_rule && text.chars().count() >= 3) || is_count()
}

/// Recognizes numbered items such as `1. a1`, and numbers such as `4.91512E+11`.
fn of_number(text: &str) -> Option<Looks> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..).unwrap_or_default();
    if let Some(mark) = [". ", ") "].into_iter().find(|mark| rest.starts_with(mark)) {
        return Some(Looks::Item(format!("{}{mark}", text.get(..digits).unwrap_or_default())));
    }
    let mantissa = rest
        .strip_prefix(['.', ','])
        .map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let exponent = mantissa.strip_prefix("E+").or_else(|| mantissa.strip_prefix("e+"))?;
    let is_rounded = !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit());
    is_rounded.then_some(Looks::Rounded)
}

/// Recognizes a first line without the column name that is probably not an ID.
pub(super) fn of_first_line(line: &str, column: &str) -> Option<Looks> {
    let line = line.trim_matches([' ', '\r', '\n', '\u{feff}']);
    let lower = line.to_lowercase();
    if lower.trim_matches('"').starts_with("sep=") && line.len() <= "\"sep=xx\"".len() {
        return Some(Looks::SepLine);
    }
    let form = of_id(line);
    if form.is_some() {
        return form;
    }
    if let Some((mark, name)) = separator_at_end(line) {
        return Some(Looks::TrailingSeparator(name)).filter(|_| line.matches(mark).count() == 1);
    }
    if let Some((mark, name)) = SEPARATORS.iter().find(|(mark, _)| line.contains(*mark)) {
        let columns = line.split(*mark).count();
        return Some(Looks::Columns { columns, delimiter: name, column: column.to_owned() });
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if lower.split(|c| !is_part(c)).any(|word| word == column.to_lowercase()) {
        return Some(Looks::NameAndMore(column.to_owned()));
    }
    None
}

/// Delimiters to search in a line without a known header.
const SEPARATORS: [(char, &str); 3] = [(';', "';'"), ('|', "'|'"), ('\t', "a tab")];

/// Returns the separator at the end of a text.
pub(super) fn separator_at_end(text: &str) -> Option<(char, &'static str)> {
    let ends = SEPARATORS.into_iter().chain([(',', "a comma")]);
    ends.into_iter().find(|(mark, _)| text.ends_with(*mark))
}

/// Recognizes a header with another name, such as `Contact ID`, `contactId`, `id` or `customer_id`.
pub(super) fn of_header(cell: &str, column: &str) -> Option<Looks> {
    let cell = cell.trim();
    if cell.len() > 40 || cell.chars().any(char::is_numeric) {
        return None;
    }
    let words = words(cell);
    let joined = words.concat();
    let last = words.last().map(String::as_str).unwrap_or_default();
    let is_header = HEADERS.contains(&joined.as_str()) || (words.len() > 1 && HEADER_ENDS.contains(&last));
    let option = if cell.contains(' ') { format!("'{cell}'") } else { cell.to_owned() };
    is_header.then(|| Looks::OtherHeader(cell.to_owned(), column.to_owned(), option))
}

/// Splits a name into words in lower case, at punctuation, blanks and capitals.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (was_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
