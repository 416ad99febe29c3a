//! URLs of the requests for a page of a history (`docs/api.md#messages-of-a-contact`) and for a part of the
//! list of contacts (`docs/api.md#contacts-of-the-account`).

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::id::{Channel, ContactId};
use crate::settings::{AskedShape, BaseUrl, ListFilter};

/// A request to `get_contact_conversation_messages`.
#[derive(Clone, Debug)]
pub struct PageQuery<'a> {
    /// Contact whose history is requested.
    pub contact: &'a ContactId,
    /// Restricts the history to one channel.
    pub channel: Option<Channel>,
    /// Number of messages to skip.
    pub offset: u64,
    /// Maximum number of messages to return, 1..=100.
    pub limit: u32,
    /// Shape of the response: grouped by conversation, or one list.
    pub shape: AskedShape,
}

impl PageQuery<'_> {
    /// Returns the URL to request.
    pub fn url(&self, base: &BaseUrl) -> Url {
        let mut url = base.endpoint("get_contact_conversation_messages");
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("contact_id", self.contact.as_str());
            if let Some(channel) = self.channel {
                pairs.append_pair("channel", channel.as_str());
            }
            pairs.append_pair("limit", &self.limit.to_string());
            pairs.append_pair("offset", &self.offset.to_string());
            let grouped = match self.shape {
                AskedShape::Grouped => "true",
                AskedShape::Flat => "false",
            };
            pairs.append_pair("grouped_conversations", grouped);
        }
        without_plus(url)
    }

    /// Returns the request for the client's loop.
    pub(super) fn target(&self, base: &BaseUrl) -> RequestTarget<'_> {
        RequestTarget {
            url: self.url(base),
            contact: Some(self.contact),
            offset: self.offset,
            limit: self.limit,
        }
    }
}

/// A request to `get_contact_conversations`.
#[derive(Clone, Debug)]
pub struct ListingQuery<'a> {
    /// The account's e-mail address.
    pub account: &'a SecretString,
    /// Restricts the list to contacts that contain this text.
    pub search: Option<&'a str>,
    /// Filter that the service applies.
    pub filter: ListFilter,
    /// Number of contacts to skip.
    pub offset: u64,
    /// Maximum number of contacts to return, 1..=100.
    pub limit: u32,
}

impl ListingQuery<'_> {
    fn url(&self, base: &BaseUrl) -> Url {
        let mut url = base.endpoint("get_contact_conversations");
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("user_email_id", self.account.expose_secret());
            if let Some(search) = self.search {
                pairs.append_pair("search", search);
            }
            pairs.append_pair("limit", &self.limit.to_string());
            pairs.append_pair("offset", &self.offset.to_string());
            pairs.append_pair("filter", self.filter.as_str());
        }
        without_plus(url)
    }

    /// Returns the request for the client's loop.
    pub(super) fn target(&self, base: &BaseUrl) -> RequestTarget<'_> {
        RequestTarget { url: self.url(base), contact: None, offset: self.offset, limit: self.limit }
    }
}

/// A request of either kind, for the client's loop.
pub(super) struct RequestTarget<'a> {
    pub url: Url,
    /// Contact that the request concerns, if any.
    pub contact: Option<&'a ContactId>,
    pub offset: u64,
    pub limit: u32,
}

/// Encodes spaces as `%20`. A form writes '+', which not every server decodes in a query; '+' itself is `%2B`
/// already.
fn without_plus(mut url: Url) -> Url {
    let query = url.query().map(|query| query.replace('+', "%20"));
    url.set_query(query.as_deref());
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_percent_encoded() {
        let contact: ContactId = "a b+c&limit=1/å#".parse().expect("an ID");
        let query = PageQuery {
            contact: &contact,
            channel: Some(Channel::Whatsapp),
            offset: 7,
            limit: 50,
            shape: AskedShape::Flat,
        };
        let url = query.url(&"https://host/prod".parse().expect("a URL"));
        insta::assert_snapshot!(url, @"https://host/prod/get_contact_conversation_messages?contact_id=a%20b%2Bc%26limit%3D1%2F%C3%A5%23&channel=whatsapp&limit=50&offset=7&grouped_conversations=false");
    }

    #[test]
    fn an_address_and_a_search_are_percent_encoded() {
        let query = ListingQuery {
            account: &SecretString::from("me+x@shop.example"),
            search: Some("a b&limit=1"),
            filter: ListFilter::Unread,
            offset: 99,
            limit: 100,
        };
        let url = query.url(&"https://host/prod".parse().expect("a URL"));
        insta::assert_snapshot!(url, @"https://host/prod/get_contact_conversations?user_email_id=me%2Bx%40shop.example&search=a%20b%26limit%3D1&limit=100&offset=99&filter=unread");
    }
}
