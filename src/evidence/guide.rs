//! `README.txt` for the recipient, and `VERIFY.txt` for an expert.

use super::EvidencePlan;
use crate::html::counted;

/// Facts for the reader of a redacted package.
const REDACTED: &str = "
The package is redacted: values are left out, shortened, or replaced by pseudonyms and by words in brackets, such as
[phone]. data/custody/redaction.json counts them, and names the manifests of the original. Pseudonyms begin with p-. Equal
values have equal pseudonyms. Pseudonyms and the remaining text are still personal data.
";

/// Parts of a package that not every one has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) has_run: bool,
    pub(super) has_responses: bool,
}

/// The text of `README.txt`.
pub(super) fn readme(plan: &EvidencePlan, parts: Parts, (contacts, messages): (u64, u64)) -> String {
    let case = &plan.case;
    let facts = [
        ("Reference", &case.reference),
        ("Operator", &case.operator),
        ("Organization", &case.organization),
        ("Date", &case.date),
    ];
    let facts: Vec<String> = facts
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}\n", value.as_ref()?)))
        .collect();
    let folders = [
        (plan.has_rsmf, "data/rsmf           files for review platforms\n"),
        (parts.has_run, "data/run            the files of the export, byte for byte\n"),
        (parts.has_responses, "data/raw            the responses of the service as they were received\n"),
    ];
    let folders: Vec<&str> =
        folders.into_iter().filter(|(is_there, _)| *is_there).map(|(_, line)| line).collect();
    let zone =
        plan.zone.as_ref().map_or_else(String::new, |zone| format!(" {} follows in brackets.", zone.name));
    format!(
        "Conversations of a Chatzy AI account
{facts}
This package contains {messages} of {contacts}.
{redacted}
To read it, open data/index.html with any web browser. No internet connection is needed.
To search all contacts, open data/csv/messages.csv with a spreadsheet.

data/index.html     cover: counts, words, and the list of contacts
data/transcripts    transcripts, at most 1,000 messages per page
data/csv            tables for spreadsheets
data/json           the same tables for programs, one JSON object per line
{folders}data/custody        custody record, draft of a certification, list of hand-overs to fill in (events.csv)
manifest-sha256.txt SHA-256 of each file in data; see VERIFY.txt

Each message has a cite number, such as {prefix}0000001. It is the same in all files. Numbers of two packages are unrelated,
unless their prefixes differ.
Times are in UTC.{zone}

Media, such as images and voice messages, are not in this package. Messages that were deleted before the export may be
missing. data/custody/custody.html lists all known gaps.

In the CSV files, an apostrophe precedes each cell that a spreadsheet could read as a formula, such as a phone number with
a plus sign. Cells over 32,000 characters are cut and end in [cut, see the JSONL]. The character NUL becomes U+FFFD.
data/json contains every value unchanged.

The package is not encrypted. Encrypt it before you send it, for example with 7-Zip or age.
",
        facts = facts.concat(),
        redacted = if plan.redaction.is_some() { REDACTED } else { "" },
        folders = folders.concat(),
        messages = counted(messages, "message", "messages"),
        contacts = counted(contacts, "contact", "contacts"),
        prefix = plan.prefix,
    )
}

/// The text of `VERIFY.txt`. Each line of a command begins with four spaces.
pub(super) fn verify(plan: &EvidencePlan, has_run: bool) -> String {
    let mut text = vec![String::from(
        "How to check this package. Run the commands in this folder, the one with bagit.txt, in bash or zsh. No command changes
anything.

1. Every listed file has the listed SHA-256.

    sha256sum -c --quiet tagmanifest-sha256.txt manifest-sha256.txt

   On macOS:

    shasum -a 256 -c tagmanifest-sha256.txt manifest-sha256.txt

2. No file was added to data. The command prints nothing.

    find data -type f | LC_ALL=C sort | diff - <(cut -c67- manifest-sha256.txt | LC_ALL=C sort)

3. The package is a valid BagIt bag (RFC 8493). The tool comes from the Library of Congress: pip install bagit

    bagit.py --validate .

",
    )];
    let mut number = 4;
    if has_run {
        text.push(format!(
            "{number}. The original export in data/run is unchanged. This check needs {}.

    chatzy-export verify --deep data/run

   Its files also have their own list of hashes:

    (cd data/run && cat _runs/*/checksums.sha256 | sha256sum -c --quiet)

",
            plan.tool.name
        ));
        number += 1;
    }
    if let Some(fingerprint) = plan.signed_by() {
        text.push(format!(
            "{number}. The package is signed with the key {fingerprint}.
   Get the public key from the signer through another channel, and compare its fingerprint: ssh-keygen -lf KEY.pub
   Write NAME and the public key in one line of the file allowed_signers: NAME ssh-ed25519 AAAA…

    ssh-keygen -Y verify -f allowed_signers -I NAME -n chatzy-export -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt

"
        ));
        number += 1;
    } else {
        text.push(
            "This package is not signed. Its hash, below, shows who made it only if they confirm it.\n\n"
                .to_owned(),
        );
    }
    if plan.is_timestamped {
        text.push(format!(
            "{number}. The package existed at the time of the time stamp (RFC 3161). CA.pem has the certificates of the authority.

    openssl ts -verify -data tagmanifest-sha256.txt -in tagmanifest-sha256.txt.tsr -CAfile CA.pem

   The time itself:

    openssl ts -reply -in tagmanifest-sha256.txt.tsr -text

"
        ));
    }
    text.push(
        "tagmanifest-sha256.txt contains the hash of manifest-sha256.txt. That file lists the hashes of all files in data. So
the hash of tagmanifest-sha256.txt alone identifies the whole package. Compare it with the value that the sender gives you
through another channel.

    sha256sum tagmanifest-sha256.txt

The transcripts and tables follow from the export. Whoever has the export can make the package again, with the options in
data/custody/custody.json and the same version of the program, and gets the same bytes.
If data/custody/answers.csv is there, it has the SHA-256 of each response: of the text in the member `body` of its line in
the raw archive.

On Windows, PowerShell computes hashes: Get-FileHash -Algorithm SHA256 FILE
"
        .to_owned(),
    );
    text.concat()
}
