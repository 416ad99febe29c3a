//! The channels of the API, as the `channel` parameter and the conversations name them.
//!
//! The exporter has an enum of its own. The simulator plays the other side of the wire, so a wrong name in either of
//! them fails the exporter's tests instead of agreeing with itself.

/// A channel that contacts write on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// The messages have `wa_messages`.
    Whatsapp,
    /// The messages have `instagram_messages`.
    Instagram,
    /// The messages have `messenger_messages`.
    Messenger,
    /// The chat on a website. The messages have no records.
    Website,
}

impl Channel {
    /// The channel of this name in a query.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Whatsapp, Self::Instagram, Self::Messenger, Self::Website];
        all.into_iter().find(|channel| channel.as_str() == name)
    }

    /// The name in queries and answers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Instagram => "instagram",
            Self::Messenger => "messenger",
            Self::Website => "website",
        }
    }
}
