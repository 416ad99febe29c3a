//! The objects of an export, copied from a store into a folder and back, so that folders can be compared.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;

use super::Remote;
use crate::support::export::{tree, write};
use crate::support::service::RUNTIME;

impl Remote {
    /// The objects by their paths in the export.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        let client = self.client(0);
        let below = object_store::path::Path::from(self.prefix());
        RUNTIME.block_on(async {
            let listed = client.list(Some(&below)).try_collect::<Vec<_>>().await.expect("a list");
            let mut objects = BTreeMap::new();
            for object in listed {
                let content = client.get(&object.location).await.expect("an object").bytes().await;
                let name = object.location.as_ref().trim_start_matches(self.prefix()).trim_start_matches('/');
                objects.insert(name.to_owned(), content.expect("its content"));
            }
            objects
        })
    }

    /// Copies all objects into a folder.
    pub fn copy_to(&self, folder: &Path) {
        for (name, content) in self.objects() {
            write(&folder.join(name), content);
        }
    }

    /// Copies all files of a folder into the store.
    pub fn copy_from(&self, folder: &Path) {
        self.copy_some_from(folder, |_| true);
    }

    /// Copies the files of a folder for whose names the closure returns true.
    pub fn copy_some_from(&self, folder: &Path, is_wanted: impl Fn(&str) -> bool) {
        let client = self.client(0);
        for name in tree(folder).into_iter().filter(|name| is_wanted(name)) {
            let content = std::fs::read(folder.join(&name)).expect("a file");
            RUNTIME.block_on(client.put(&self.path(&name), content.into())).expect("an object");
        }
    }
}
