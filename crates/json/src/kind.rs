//! The kinds of values.

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number by JSON's grammar, of any size and precision.
    Number,
    /// A string with any content.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
    /// `NaN`, `Infinity`, `-Infinity`, or a token of digits, signs, points and exponents that is not a JSON number (`01`,
    /// `+1`, `.5`, `1.`).
    NonStandard,
}
