//! The draft of a certification. A person completes and signs it, with the help of counsel.

use super::record::Record;
use crate::html::counted;

/// The text of `certification.txt`.
pub(super) fn draft(record: &Record) -> String {
    let package = &record.package;
    let run = |run: &super::RunFacts| {
        format!(
            "   - run {}, from {} to {}\n     SHA-256 of its manifest: {}\n",
            run.run_id, run.started_at, run.finished_at, run.manifest_sha256
        )
    };
    let runs: Vec<String> = record.runs.iter().map(run).collect();
    let or_blank =
        |text: &Option<String>| text.clone().unwrap_or_else(|| "______________________________".to_owned());
    let case = &package.case;
    format!(
        "DRAFT – NOT LEGAL ADVICE. Counsel reviews and adapts this text before anyone signs it.

CERTIFICATION OF ELECTRONIC RECORDS

Matter or reference: {reference}
Name:                {operator}
Organization:        {organization}
Position:            ______________________________

1. I am qualified to make this certification by my training and experience, which are:
   ______________________________________________________________________

2. The records in the package {id} were collected from {source} by an electronic process. The program {tool} {version}
   requested the history of each contact page by page, and wrote what it received. The collection consists of:
{runs}
3. The package contains {contacts}, {messages} and {records}.
{ends}
   The file data/custody/custody.json lists each exception, the limits of each run, and the known gaps.

4. The process computes the SHA-256 hash of every file. The file manifest-sha256.txt lists those of the folder data. On
   ____-__-__ I, or a person under my direction, ran the commands of VERIFY.txt. Each file had the listed hash.

5. The hash of tagmanifest-sha256.txt, which covers all other files, is:
   ______________________________________________________________________

(For use in the United States) I make this certification under Federal Rules of Evidence 902(13) and 902(14), in the form
that Rule 902(11) requires. I declare under penalty of perjury under the laws of the United States of America that the
foregoing is true and correct (28 U.S.C. § 1746).
[Only if counsel confirms the elements of Rule 803(6)(A)–(C): The records were made at or near the time of the events, in
the course of a regularly conducted activity, as a regular practice.]

(For use elsewhere) I state that the foregoing is true to the best of my knowledge.

Executed on ____-__-__ at ______________________________


Signature: ______________________________
",
        reference = or_blank(&case.reference),
        operator = or_blank(&case.operator),
        organization = or_blank(&case.organization),
        id = package.id,
        source = match record.source.base_url.as_str() {
            "simulated" => "the simulated service (test data)",
            url => url,
        },
        tool = package.tool.name,
        version = package.tool.version,
        runs = runs.concat(),
        contacts = counted(record.counts.contacts, "contact", "contacts"),
        messages = counted(record.counts.messages, "message", "messages"),
        records = counted(record.counts.records, "channel record", "channel records"),
        ends = ends(record),
    )
}

/// The results of the contacts, each on a line.
fn ends(record: &Record) -> String {
    let of_end = |end| record.counts.by_end.get(end).copied().unwrap_or_default();
    let of_status = |status| record.counts.by_status.get(status).copied().unwrap_or_default();
    let facts = [
        (of_end("proved"), "the service confirmed the end of the history with an empty page."),
        (of_end("short_page"), "the end of the history is assumed, after a page shorter than requested."),
        (of_status("not_found"), "the service had no record."),
        (of_status("failed") + of_status("unresolved"), "the history could not be retrieved completely."),
    ];
    let lines = facts.into_iter().filter(|(count, _)| *count > 0);
    let lines =
        lines.map(|(count, what)| format!("   For {}, {what}\n", counted(count, "contact", "contacts")));
    lines.collect::<Vec<_>>().concat()
}
