//! Converts the arguments of `evidence` into a plan.

use std::path::Path;
use std::sync::Arc;

use crate::cli::args::{EvidenceArgs, RedactionArgs};
use crate::cli::output_paths;
use crate::cli::selection::{SelectionError, contacts_in};
use crate::cli::settings::SettingsError;
use crate::contacts::ContactList;
use crate::digest::sha256_of_file;
use crate::evidence::{Case, EvidencePlan, PackageForm, SIGNED_FILE, Zone};
use crate::output::manifest::Tool;
use crate::redaction::{Policy, PseudonymKey, RedactionPlan};
use crate::settings::TimestampUrl;
use crate::signature::SigningKey;
use crate::store::Store;

/// Validates the arguments, and reads the contacts file.
pub(super) fn plan(args: &EvidenceArgs) -> Result<EvidencePlan, SettingsError> {
    let required = "clap requires it without --redact-template";
    let (from, out) = (args.path.clone().expect(required), args.out.clone().expect(required));
    output_paths::outside_source(&from, &Store::local(&out))?;
    let selection = match &args.contacts {
        Some(file) => Some(contacts_in(file, &args.contacts_form, None).map_err(SelectionError::from)?),
        None if args.contact.is_empty() => None,
        None => Some(ContactList::of_ids(&args.contact)),
    };
    let program = std::env::current_exe().ok();
    Ok(EvidencePlan {
        from,
        out: out.clone(),
        form: if args.zip { PackageForm::Zip } else { PackageForm::Folder },
        run: args.run.clone(),
        selection,
        case: Case {
            reference: args.reference.clone(),
            operator: args.operator.clone(),
            organization: args.organization.clone(),
            date: args.date.map(|date| date.to_string()),
        },
        prefix: args.prefix.clone(),
        zone: args.time_zone.as_deref().map(Zone::find).transpose()?,
        has_rsmf: args.rsmf,
        tool: Tool::default(),
        // The program may have been replaced or removed since it started.
        tool_sha256: program.and_then(|path| sha256_of_file(&path).ok()).map(|(sha256, _)| sha256),
        key: args.sign.as_deref().map(|path| key(path, &out)).transpose()?,
        redaction: redaction(&args.redaction)?,
        is_timestamped: args.timestamp_url.is_some(),
    })
}

/// Reads the key that signs the package at this path.
fn key(path: &Path, out: &Path) -> Result<Arc<SigningKey>, SettingsError> {
    let read = SigningKey::read(path).map(Arc::new);
    read.map_err(|error| SettingsError::Key(error.describe_for(&out.join(SIGNED_FILE))))
}

/// Returns the address of the authority for time stamps.
pub(super) fn timestamp_url(args: &EvidenceArgs) -> Result<Option<TimestampUrl>, SettingsError> {
    Ok(args.timestamp_url.as_deref().map(str::parse).transpose()?)
}

/// Reads the policy and the key.
fn redaction(args: &RedactionArgs) -> Result<Option<RedactionPlan>, SettingsError> {
    let Some(policy) = &args.redact else { return Ok(None) };
    let key = args.pseudonym_key_file.as_deref().map(PseudonymKey::read).transpose()?;
    Ok(Some(RedactionPlan::new(Policy::read(policy)?, key)?))
}
