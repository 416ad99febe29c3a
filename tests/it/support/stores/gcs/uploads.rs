//! Uploads in parts, which are visible once they are completed.

use std::collections::BTreeMap;

use http_body_util::Full;
use hyper::Response;

use super::{Asked, Objects, Reply, Upload, error, reply};

/// Smallest part that is not the last.
const LEAST_PART: usize = 5 << 20;

impl Objects {
    pub(super) fn begin(&mut self, name: String) -> Reply {
        self.last_generation += 1;
        // Unique among all stores.
        let id = format!("upload-{}-{:x}", self.last_generation, fastrand::u64(..));
        let begun = format!("<UploadId>{id}</UploadId>");
        self.uploads.insert(id, Upload { name, parts: BTreeMap::new() });
        reply(200, &format!("<InitiateMultipartUploadResult>{begun}</InitiateMultipartUploadResult>"))
    }

    pub(super) fn abort(&mut self, id: &str, name: &str) -> Reply {
        if self.uploads.get(id).is_none_or(|upload| upload.name != name) {
            return error(404, "NoSuchUpload");
        }
        self.uploads.remove(id);
        reply(204, "")
    }

    pub(super) fn put_part(&mut self, upload: &str, asked: &Asked) -> Reply {
        let upload = self.uploads.get_mut(upload).filter(|upload| upload.name == asked.name);
        let Some(upload) = upload else { return error(404, "NoSuchUpload") };
        let number = asked.query.get("partNumber").and_then(|number| number.parse().ok()).unwrap_or(0);
        if !(1..=10_000).contains(&number) {
            return error(400, "InvalidArgument");
        }
        let tag = format!("\"{:x}\"", xxhash_rust::xxh3::xxh3_128(&asked.body));
        upload.parts.insert(number, (tag.clone(), asked.body.clone()));
        let answer = Response::builder().header("etag", tag).header("content-length", 0);
        answer.body(Full::default()).expect("an answer")
    }

    pub(super) fn complete(&mut self, id: &str, asked: &Asked) -> Reply {
        let upload = self.uploads.get(id).filter(|upload| upload.name == asked.name);
        let Some(upload) = upload else { return error(404, "NoSuchUpload") };
        let text = String::from_utf8_lossy(&asked.body).replace("&quot;", "\"");
        let mut content = Vec::new();
        let mut before = None;
        for part in text.split("<Part>").skip(1) {
            let number = element(part, "PartNumber").and_then(|number| number.parse().ok()).unwrap_or(0);
            let Some((tag, bytes)) = upload.parts.get(&number) else { return error(400, "InvalidPart") };
            if element(part, "ETag") != Some(tag) {
                return error(400, "InvalidPart");
            }
            match before {
                Some((earlier, _)) if earlier >= number => return error(400, "InvalidPartOrder"),
                Some((_, length)) if length < LEAST_PART => return error(400, "EntityTooSmall"),
                _ => before = Some((number, bytes.len())),
            }
            content.extend_from_slice(bytes);
        }
        if before.is_none() {
            return error(400, "MalformedCompleteMultipartUploadRequest");
        }
        let name = upload.name.clone();
        self.uploads.remove(id);
        let written = self.write(name, content.into());
        let tag = written.headers()["etag"].to_str().expect("ASCII").replace('"', "&quot;");
        let body =
            format!("<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>");
        written.map(|_| Full::new(body.into()))
    }
}

/// The content of an element of XML without attributes.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let after = text.split_once(&format!("<{name}>"))?.1;
    Some(after.split_once("</")?.0)
}
