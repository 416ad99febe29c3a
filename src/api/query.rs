//! What a page is asked with (api.md §2).

use url::Url;

use crate::id::{Channel, ContactId};
use crate::settings::{AskedShape, BaseUrl};

/// One question to `get_contact_conversation_messages`.
#[derive(Clone, Debug)]
pub struct PageQuery<'a> {
    /// Whose history.
    pub contact: &'a ContactId,
    /// Of one channel only.
    pub channel: Option<Channel>,
    /// Messages to skip.
    pub offset: u64,
    /// Most messages to return, 1..=100.
    pub limit: u32,
    /// Grouped by conversation, or one list.
    pub shape: AskedShape,
}

impl PageQuery<'_> {
    /// The URL to get.
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
        // A form writes a blank as '+', which not every server reads as one in a query; '+' itself is %2B already.
        let query = url.query().map(|query| query.replace('+', "%20"));
        url.set_query(query.as_deref());
        url
    }
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
}
