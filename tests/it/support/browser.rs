//! A browser without a window (`scripts/evidence-tools.sh`), which measures pages and takes pictures of them.
//!
//! A server of the test is its proxy, so that the test sees every request, to whatever host.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::ZlibDecoder;
use memchr::memmem;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::byte_server::{ByteServer, reply};
use crate::system::skip;

/// Loads a page into a frame of a given width, and measures it there.
const PROBE: &str = include_str!("probe.html");

/// The mark before the measurements.
const MARK: &str = "measured:";

/// A browser, and the folder that it shows.
pub struct Browser {
    server: ByteServer,
    asked: Arc<Mutex<Vec<String>>>,
    profile: TempDir,
}

/// A printed page.
#[derive(Debug)]
pub struct Printed {
    pub sheets: usize,
    /// Pieces of text on all sheets.
    pub texts: usize,
}

/// Program of `scripts/evidence-tools.sh`.
fn program() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), ".tools/evidence/chromium/bin/chromium"].iter().collect()
}

impl Browser {
    /// A browser that sees the files of this folder. `None` if it is not installed.
    pub fn of(folder: &Path, test: &str) -> Option<Self> {
        if !program().exists() {
            skip(test, "needs Chromium (scripts/evidence-tools.sh)");
            return None;
        }
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (all, folder) = (Arc::clone(&asked), folder.to_owned());
        let server = ByteServer::start(move |request| {
            let path = request.uri().path();
            if path == "/probe.html" {
                return Some(reply(200, "text/html", PROBE));
            }
            let asked = format!("{} {}", request.method(), request.uri());
            all.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            Some(match fs::read(folder.join(path.trim_start_matches('/'))) {
                Ok(content) => reply(200, "text/html; charset=utf-8", content),
                Err(_) => reply(404, "text/plain", "missing"),
            })
        });
        Some(Self { server, asked, profile: tempfile::tempdir().expect("a temporary folder") })
    }

    fn run(&self, arguments: &[&str], path: &str) -> String {
        let output = Command::new(program())
            .args(["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .arg(format!("--proxy-server={}", self.server.url()))
            .arg("--proxy-bypass-list=<-loopback>")
            .args(arguments)
            .arg(format!("{}/{path}", self.server.url()))
            .output()
            .expect("a browser");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The measurements of a page in a window of this width.
    pub fn measure(&self, page: &str, width: u32, arguments: &[&str]) -> Value {
        let arguments = [&["--dump-dom", "--window-size=1300,900"], arguments].concat();
        let dom = self.run(&arguments, &format!("probe.html?page=/{page}&width={width}"));
        let after = dom.split_once(MARK).unwrap_or_else(|| panic!("the page is measured: {dom}")).1;
        let text = after.split_once("</pre>").expect("an end").0;
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Takes a picture of a page.
    pub fn picture(&self, page: &str, (width, height): (u32, u32), arguments: &[&str], to: &Path) {
        let size = format!("--window-size={width},{height}");
        let screenshot = format!("--screenshot={}", to.display());
        self.run(&[&[size.as_str(), screenshot.as_str()], arguments].concat(), page);
    }

    /// Prints a page to PDF.
    pub fn print(&self, page: &str, to: &Path) -> Printed {
        self.run(&[&format!("--print-to-pdf={}", to.display()), "--no-pdf-header-footer"], page);
        let pdf = fs::read(to).expect("a PDF");
        assert!(pdf.starts_with(b"%PDF-"), "a PDF");
        let sheets = memmem::find_iter(&pdf, b"/Type /Page\n").count();
        // Texts are in compressed streams, each between BT and ET.
        let texts = memmem::find_iter(&pdf, b"stream\n").map(|at| {
            let mut content = Vec::new();
            let read = ZlibDecoder::new(&pdf[at + 7..]).read_to_end(&mut content);
            read.map_or(0, |_| memmem::find_iter(&content, b"BT\n").count())
        });
        Printed { sheets, texts: texts.sum() }
    }

    /// All requests so far, but for those of the probe itself.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
