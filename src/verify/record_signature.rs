//! The signature of the record of erasures. A file that is not the signature of this record is a warning: it protects
//! nothing. Whose key may sign is for the reader to decide, with `ssh-keygen -Y verify`.

use super::content::{Content, read_content};
use super::{Damage, DamageKind, Report};
use crate::durable::StorageError;
use crate::layout::{ERASED, ERASED_SIGNATURE};
use crate::signature::{self, Checked};
use crate::store::Store;

/// Warns of a signature that is not that of the record.
pub(super) fn check(out: &Store, report: &mut Report) -> Result<(), StorageError> {
    let what = match read_content(out, ERASED_SIGNATURE)? {
        Content::Missing => return Ok(()),
        Content::Rejected(_, what) => what,
        Content::Plain(text) => {
            let Content::Plain(record) = read_content(out, ERASED)? else { return Ok(()) };
            match signature::check(signature::NAMESPACE, &record, &text) {
                Checked::Signed | Checked::OtherKind => return Ok(()),
                Checked::NoSignature => "it is not a signature of OpenSSH".to_owned(),
                Checked::OfOther => format!("it is not the signature of {ERASED}"),
            }
        }
    };
    // An erasure that ends meanwhile removes the signature, before it writes the record.
    if matches!(read_content(out, ERASED_SIGNATURE)?, Content::Missing) {
        return Ok(());
    }
    report.warnings.push(Damage::new(None, ERASED_SIGNATURE, DamageKind::Signature, what));
    Ok(())
}
