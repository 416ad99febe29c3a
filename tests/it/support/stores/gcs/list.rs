//! Lists of objects, a page at a time, with and without a delimiter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Object, Objects, Reply, reply};

/// Objects in one page of a list.
const PAGE: usize = 1000;

impl Objects {
    pub(super) fn list(&self, query: &BTreeMap<String, String>) -> Reply {
        let option = |name: &str| query.get(name).map_or("", String::as_str);
        let (prefix, delimiter) = (option("prefix"), option("delimiter"));
        let after = option("start-after").max(option("continuation-token"));
        let most = option("max-keys").parse().unwrap_or(PAGE).min(PAGE);
        let mut folders = BTreeSet::new();
        let (mut listed, mut last, mut is_cut) = (String::new(), "", false);
        let mut count = 0;
        for (name, object) in self.by_name.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let rest = name.get(prefix.len()..).unwrap_or_default();
            let folder = match delimiter {
                "" => None,
                _ => rest.split_once(delimiter).map(|(first, _)| format!("{prefix}{first}{delimiter}")),
            };
            let is_before = folder.as_ref().is_some_and(|folder| after.starts_with(folder.as_str()));
            if name.as_str() <= after
                || is_before
                || folder.as_ref().is_some_and(|folder| folders.contains(folder))
            {
                continue;
            }
            if count == most {
                is_cut = true;
                break;
            }
            count += 1;
            last = name;
            match folder {
                Some(folder) => drop(folders.insert(folder)),
                None => object.list_as(name, &mut listed),
            }
        }
        for folder in folders {
            let _ = write!(listed, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escape(&folder));
        }
        if is_cut {
            let _ = write!(listed, "<NextContinuationToken>{}</NextContinuationToken>", escape(last));
        }
        reply(
            200,
            &format!("<ListBucketResult><IsTruncated>{is_cut}</IsTruncated>{listed}</ListBucketResult>"),
        )
    }
}

impl Object {
    fn list_as(&self, name: &str, list: &mut String) {
        let modified = DateTime::<Utc>::from(self.modified).to_rfc3339_opts(SecondsFormat::Millis, true);
        let (tag, size) = (self.tag().replace('"', "&quot;"), self.content.len());
        let _ = write!(
            list,
            "<Contents><Key>{}</Key><LastModified>{modified}</LastModified><ETag>{tag}</ETag>\
             <Size>{size}</Size></Contents>",
            escape(name)
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
