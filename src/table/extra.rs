//! The `extra` object: what has no column, or did not fit its column.

use std::borrow::Cow;

use crate::id::ContactId;
use crate::json::{Value, last_wins, push_string};
use crate::record::column_text;

use super::Table;
use super::unknown::UnknownFields;
use super::value::Fit;

/// A field of a source object whose column is known, with its place among the object's members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    pub(super) place: usize,
    pub(super) value: Value<'a>,
}

/// The members of an `extra` object, on their way there.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    members: Vec<(usize, Cow<'a, str>, Value<'a>)>,
}

impl<'a> Extra<'a> {
    /// Takes in the member that stood at `place` of the source object.
    pub(super) fn add(&mut self, place: usize, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.members.push((place, name.into(), value));
    }

    /// What the column `name` takes of a field; a misfit is taken in here.
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
                self.add(sent.place, name, sent.value);
                None
            }
        }
    }

    /// Takes in an object's own `contact_id` unless it says what its column does: the contact asked for.
    pub(super) fn keep_other_id(&mut self, asked: &ContactId, sent: Option<Sent<'a>>) {
        if let Some(sent) = sent
            && column_text(sent.value).is_some_and(|own| own != asked.as_str())
        {
            self.add(sent.place, "contact_id", sent.value);
        }
    }

    /// The members in the order sent, the last of doubled ones.
    pub(super) fn into_members(mut self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        self.members.sort_by_key(|(place, ..)| *place);
        let mut members = self.members.into_iter().map(|(_, name, value)| (name, value)).collect();
        last_wins(&mut members);
        members
    }
}

/// The text of the object of `members`, always strict JSON; none when there are no members. Counts their names.
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

/// The text of the object of `members`, always strict JSON; none when there are no members.
pub(super) fn members_text(members: &[(Cow<'_, str>, Value<'_>)]) -> Option<String> {
    if members.is_empty() {
        return None;
    }
    // Quotes, colon and comma: what a member takes besides name and value.
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

/// Appends a value as sent; one that a strict reader would refuse as a JSON string of its text.
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
