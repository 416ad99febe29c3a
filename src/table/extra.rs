//! The `extra` object: fields without a column, and values that do not fit theirs.

use std::borrow::Cow;

use crate::id::ContactId;
use crate::json::{Value, last_wins, push_string};
use crate::record::column_text;

use super::Table;
use super::unknown::UnknownFields;
use super::value::Fit;

/// A field of a source object with a known column, and its position among the object's members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    pub(super) position: usize,
    pub(super) value: Value<'a>,
}

/// The members of an `extra` object under construction.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    members: Vec<(usize, Cow<'a, str>, Value<'a>)>,
}

impl<'a> Extra<'a> {
    /// Adds the member at `position` of the source object.
    pub(super) fn add(&mut self, position: usize, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.members.push((position, name.into(), value));
    }

    /// Returns the value of the column `name`. A misfit is added to `extra`.
    pub(super) fn fit<T>(
        &mut self,
        name: &'static str,
        sent: Option<Sent<'a>>,
        fit: impl Fn(Value<'a>) -> Fit<T>,
    ) -> Option<T> {
        let sent = sent?;
        match fit(sent.value) {
            Fit::Fits(value) => Some(value),
            Fit::Null => None,
            Fit::Misfit => {
                self.add(sent.position, name, sent.value);
                None
            }
        }
    }

    /// Adds an object's own `contact_id` if it differs from the requested contact.
    pub(super) fn keep_other_id(&mut self, requested: &ContactId, sent: Option<Sent<'a>>) {
        if let Some(sent) = sent
            && column_text(sent.value).is_some_and(|own| own != requested.as_str())
        {
            self.add(sent.position, "contact_id", sent.value);
        }
    }

    /// Returns the members in the order sent. Of repeated names the last one counts.
    pub(super) fn into_members(mut self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        self.members.sort_by_key(|(position, ..)| *position);
        let mut members = self.members.into_iter().map(|(_, name, value)| (name, value)).collect();
        last_wins(&mut members);
        members
    }
}

/// Formats the members as a strict JSON object; `None` if there are none. Counts their names.
pub(super) fn object_text(
    members: &[(Cow<'_, str>, Value<'_>)],
    table: Table,
    unknown: &mut UnknownFields,
) -> Option<String> {
    for (name, _) in members {
        unknown.count(table, name);
    }
    members_text(members)
}

/// Formats the members as a strict JSON object; `None` if there are none.
pub(super) fn members_text(members: &[(Cow<'_, str>, Value<'_>)]) -> Option<String> {
    if members.is_empty() {
        return None;
    }
    // Each member also takes quotes, colon and comma.
    let length = members.iter().map(|(name, value)| name.len() + value.raw().len() + 4).sum::<usize>();
    let mut text = String::with_capacity(length + 2);
    for (index, (name, value)) in members.iter().enumerate() {
        text.push(if index == 0 { '{' } else { ',' });
        push_string(&mut text, name);
        text.push(':');
        push_value(&mut text, *value);
    }
    text.push('}');
    Some(text)
}

/// Appends a value as sent. A value that is not strict JSON becomes a string with its text.
pub(super) fn push_value(out: &mut String, value: Value<'_>) {
    if value.is_strict() { out.push_str(value.raw()) } else { push_string(out, value.raw()) }
}

#[cfg(test)]
mod tests {
    use super::{Extra, members_text};
    use crate::table::tests::value;

    #[test]
    fn as_sent_in_the_order_sent_and_strict() {
        let mut extra = Extra::default();
        extra.add(1, "twice", value("1"));
        extra.add(2, "b\"\n\u{fffd}", value(r#"{ "x" : 1.50 }"#));
        extra.add(3, "twice", value("[2]"));
        extra.add(4, "nan", value("[NaN]"));
        extra.add(5, "half", value(r#""\ud83d""#));
        extra.add(0, "misfit", value("null"));
        let text = members_text(&extra.into_members()).unwrap();
        insta::assert_snapshot!(
            text,
            @r#"{"misfit":null,"twice":[2],"b\"\n�":{ "x" : 1.50 },"nan":"[NaN]","half":"\"\\ud83d\""}"#
        );
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(members_text(&[]), None);
    }
}
