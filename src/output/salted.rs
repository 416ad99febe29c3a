//! Salted hashes of contact IDs. A record that outlives a contact names it by such a hash, never by its ID.
//!
//! The salt is in the record, so a hash answers one question only: is this the ID? IDs that can be guessed, such as
//! telephone numbers, can be tried one by one. The hashes therefore remain personal data.

use std::collections::HashSet;

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::id::is_uuid;

/// Byte between the salt and the ID.
const SEPARATOR: u8 = 0x1f;

/// Salt of all hashes in one record: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(String);

impl Salt {
    /// Creates a salt.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
        Self(hex(&bytes))
    }

    /// Returns the hash of an ID, as hexadecimal digits. The case of a UUID makes no difference.
    pub fn hash(&self, contact_id: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(&self.0);
        hasher.update([SEPARATOR]);
        if is_uuid(contact_id) {
            hasher.update(contact_id.to_ascii_lowercase());
        } else {
            hasher.update(contact_id);
        }
        hex(&hasher.finalize())
    }
}

/// A set of contacts that is known by hashes.
#[derive(Clone, Debug)]
pub struct HashedContacts {
    salt: Salt,
    hashes: HashSet<String>,
    /// The last ID that was looked up, and the result. Rows of one contact follow each other.
    last: Option<(String, bool)>,
}

impl HashedContacts {
    /// Creates a set of these hashes.
    pub fn new<'a>(salt: &Salt, hashes: impl IntoIterator<Item = &'a String>) -> Self {
        Self { salt: salt.clone(), hashes: hashes.into_iter().cloned().collect(), last: None }
    }

    /// Returns the hash of an ID.
    pub fn hash(&self, contact_id: &str) -> String {
        self.salt.hash(contact_id)
    }

    /// Returns all hashes, sorted.
    pub fn hashes(&self) -> Vec<&str> {
        let mut hashes: Vec<&str> = self.hashes.iter().map(String::as_str).collect();
        hashes.sort_unstable();
        hashes
    }

    /// True if the contact is in the set.
    pub fn contains(&mut self, contact_id: &str) -> bool {
        if let Some((last, is_in)) = &self.last
            && last == contact_id
        {
            return *is_in;
        }
        let is_in = !self.hashes.is_empty() && self.hashes.contains(&self.salt.hash(contact_id));
        self.last = Some((contact_id.to_owned(), is_in));
        is_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_the_salt_and_the_id_but_not_on_the_case_of_a_uuid() {
        let (salt, other) = (Salt::random(), Salt::random());
        assert_ne!(salt, other);
        assert_ne!(salt.hash("a"), other.hash("a"));
        assert_ne!(salt.hash("a"), salt.hash("A"));
        let uuid = "096662f6-5acc-4699-923c-00000000000A";
        assert_eq!(salt.hash(uuid), salt.hash(&uuid.to_lowercase()));
        let mut set = HashedContacts::new(&salt, [&salt.hash(uuid)]);
        assert_eq!([uuid, uuid, "a", "a", uuid].map(|id| set.contains(id)), [true, true, false, false, true]);
    }
}
