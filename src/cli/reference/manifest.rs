//! Reference section of the manifest keys.

use std::collections::HashMap;

use syn::parse::ParseBuffer;
use syn::{Field, GenericArgument, ItemStruct, LitStr, PathArguments, Type};

use super::source::{docs, enumeration, items, structs};
use super::table;

const SOURCES: [&str; 4] = [
    include_str!("../../output/manifest.rs"),
    include_str!("../../output/manifest/fields.rs"),
    include_str!("../../output/manifest/options.rs"),
    include_str!("../../output/manifest/timeline.rs"),
];

/// Returns a table of the keys with their types and meanings. Keys of nested objects have a path.
pub(super) fn section() -> String {
    let structs = SOURCES.into_iter().flat_map(|text| structs(items(text)));
    let structs: HashMap<String, ItemStruct> =
        structs.map(|found| (found.ident.to_string(), found)).collect();
    let mut rows = Vec::new();
    add(&mut rows, "", &structs["Manifest"], &structs);
    table(&["key", "type", "meaning"], rows)
}

fn add(rows: &mut Vec<Vec<String>>, parent: &str, of: &ItemStruct, structs: &HashMap<String, ItemStruct>) {
    for field in &of.fields {
        let serde = Serde::of(field);
        if serde.is_flattened {
            continue; // keys of later versions
        }
        let key = format!("{parent}{}", serde.name);
        let form = Form::of(&field.ty);
        let nested = structs.get(&form.inner);
        let mut meaning = docs(&field.attrs);
        if form.inner == "Status" {
            meaning.push_str(&statuses());
        }
        let presence = match (serde.is_skipped, form.is_nullable) {
            (true, _) => ", optional",
            (false, true) => ", or null",
            (false, false) => "",
        };
        rows.push(vec![format!("`{key}`"), form.describe(nested.is_some()) + presence, meaning]);
        if let Some(nested) = nested {
            add(rows, &format!("{key}{}.", form.path()), nested, structs);
        }
    }
}

/// Name and presence of a field in JSON, by its serde attributes.
struct Serde {
    name: String,
    /// True if an empty value is left out.
    is_skipped: bool,
    is_flattened: bool,
}

impl Serde {
    fn of(field: &Field) -> Self {
        let name = field.ident.as_ref().expect("a name").to_string();
        let mut serde = Self { name, is_skipped: false, is_flattened: false };
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            let read = attribute.parse_nested_meta(|meta| {
                let value = meta.value().and_then(ParseBuffer::parse::<LitStr>);
                if meta.path.is_ident("rename") {
                    serde.name = value?.value();
                } else if meta.path.is_ident("skip_serializing_if") {
                    serde.is_skipped = true;
                }
                serde.is_flattened |= meta.path.is_ident("flatten");
                Ok(())
            });
            read.expect("attributes of serde");
        }
        serde
    }
}

fn statuses() -> String {
    let items = items(SOURCES[0]);
    let status = |status: &syn::Variant| {
        let docs = docs(&status.attrs);
        format!(" `{}`: {docs}", status.ident.to_string().to_lowercase())
    };
    enumeration(&items, "Status").variants.iter().map(status).collect()
}

/// JSON type of a value.
struct Form {
    /// Name of the innermost Rust type.
    inner: String,
    /// Containers around the innermost type, the outermost first.
    containers: Vec<Container>,
    is_nullable: bool,
}

enum Container {
    List,
    Object,
}

impl Form {
    fn of(kind: &Type) -> Self {
        let plain =
            |inner: &str| Self { inner: inner.to_owned(), containers: Vec::new(), is_nullable: false };
        let Type::Path(kind) = kind else { return plain("tuple") };
        let last = kind.path.segments.last().expect("a type");
        let arguments: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(given) => given.args.iter().filter_map(argument).collect(),
            _ => Vec::new(),
        };
        let wrapped = |container: Option<Container>| {
            let mut form = Self::of(arguments.last().expect("an argument"));
            form.containers.splice(0..0, container);
            form
        };
        match last.ident.to_string().as_str() {
            "Option" => Self { is_nullable: true, ..wrapped(None) },
            "Vec" => wrapped(Some(Container::List)),
            "BTreeMap" | "Map" => wrapped(Some(Container::Object)),
            name => plain(name),
        }
    }

    /// Returns the part of a key's path that leads to the innermost value.
    fn path(&self) -> String {
        let part = |container: &Container| match container {
            Container::List => "[]",
            Container::Object => ".NAME",
        };
        self.containers.iter().map(part).collect()
    }

    fn describe(&self, is_struct: bool) -> String {
        let inner = match self.inner.as_str() {
            _ if is_struct => "object",
            "u64" | "u32" => "number",
            "bool" => "boolean",
            "Value" => "value",
            // Pairs of a partition key and its value.
            "tuple" => return "object of texts".to_owned(),
            _ => "text",
        };
        let container = |container: &Container| match container {
            Container::List => "list",
            Container::Object => "object",
        };
        let names: Vec<_> = self.containers.iter().map(container).chain([inner]).collect();
        names.join("s of ").replacen("s of ", " of ", 1) + if names.len() > 1 { "s" } else { "" }
    }
}

fn argument(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    }
}
