//! Reads doc comments and `match` arms from source files.

use syn::{Attribute, Expr, ExprMatch, ImplItem, Item, ItemEnum, ItemStruct, Lit, Meta, Pat, Stmt};

/// Parses a source file.
pub(super) fn items(text: &str) -> Vec<Item> {
    syn::parse_file(text).expect("a source file").items
}

/// Returns the enum with this name.
pub(super) fn enumeration<'a>(items: &'a [Item], name: &str) -> &'a ItemEnum {
    let found = items.iter().find_map(|item| match item {
        Item::Enum(found) if found.ident == name => Some(found),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("there is no enum {name}"))
}

/// Returns the structs of a source file.
pub(super) fn structs(items: Vec<Item>) -> impl Iterator<Item = ItemStruct> {
    items.into_iter().filter_map(|item| match item {
        Item::Struct(found) => Some(found),
        _ => None,
    })
}

/// Returns a doc comment in one line.
pub(super) fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// Returns the arms of the `match` that is the body of a method: the variants of each arm, and its value.
pub(super) fn arms(items: &[Item], method: &str) -> Vec<(Vec<String>, String)> {
    let functions = items.iter().filter_map(|item| match item {
        Item::Impl(block) => Some(&block.items),
        _ => None,
    });
    let function = functions.flatten().find_map(|item| match item {
        ImplItem::Fn(function) if function.sig.ident == method => Some(function),
        _ => None,
    });
    let function = function.unwrap_or_else(|| panic!("there is no method {method}"));
    let Some(Stmt::Expr(Expr::Match(ExprMatch { arms, .. }), None)) = function.block.stmts.last() else {
        panic!("{method} is no match");
    };
    arms.iter().map(|arm| (variants(&arm.pat), value(&arm.body))).collect()
}

fn variants(pattern: &Pat) -> Vec<String> {
    let path = match pattern {
        Pat::Or(several) => return several.cases.iter().flat_map(variants).collect(),
        Pat::Struct(pattern) => &pattern.path,
        Pat::Path(pattern) => &pattern.path,
        _ => panic!("a pattern of another kind"),
    };
    path.segments.last().map(|segment| segment.ident.to_string()).into_iter().collect()
}

fn value(body: &Expr) -> String {
    match body {
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [Stmt::Expr(body, None)] => value(body),
            _ => panic!("a block of several statements"),
        },
        Expr::Path(path) => path.path.segments.last().expect("a name").ident.to_string(),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_digits().to_owned(),
            _ => panic!("a literal of another kind"),
        },
        _ => panic!("a value of another kind"),
    }
}
