//! What one source file names: the paths in its `use` lines, in its code, in its macros and in its attributes.
//!
//! Whatever is compiled for tests alone is left out.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, ItemMod, ItemUse, Lit, Meta, UseTree};

/// A path as it is written somewhere, without its arguments: `crate::stream::Gop` is `["crate", "stream", "Gop"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The path, one word each.
    pub(crate) path: Vec<String>,
    /// The line in its file, from 1.
    pub(crate) line: usize,
}

/// One line of `use`, taken apart: each thing that it brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// What is brought in.
    pub(crate) named: Named,
    /// By which name it is known in its module; `None` for `*`, which brings in whatever is there, and for `_`.
    pub(crate) known_as: Option<String>,
    /// Whether it ends in `*`.
    pub(crate) everything: bool,
}

/// What a list of items names. Modules inside are not part of it: each is read by itself.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The paths in code, types, macros and attributes. One-word paths are left out: a `use` brought those in.
    pub(crate) named: Vec<Named>,
    /// What the `use` lines bring in.
    pub(crate) imports: Vec<Import>,
}

impl Names {
    /// Reads items, but none that is compiled for tests alone.
    pub(crate) fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut names = Self::default();
        for item in items {
            match item {
                Item::Use(item) if for_tests_alone(&item.attrs) => {}
                Item::Use(item) => names.import(item),
                Item::Mod(_) => {}
                item => names.visit_item(item),
            }
        }
        names
    }

    fn import(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            self.take_apart(&mut Vec::new(), &item.tree);
        }
    }

    fn take_apart(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        let (ident, known_as) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.take_apart(before, &path.tree);
                before.pop();
                return;
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_apart(before, tree);
                }
                return;
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                let named = Named { path: before.clone(), line };
                return self.imports.push(Import { named, known_as: None, everything: true });
            }
            UseTree::Name(name) => (&name.ident, name.ident.to_string()),
            UseTree::Rename(rename) => (&rename.ident, rename.rename.to_string()),
        };
        let mut path = before.clone();
        let mut known_as = known_as;
        if ident != "self" {
            path.push(ident.to_string());
        } else if known_as == "self" {
            // `use crate::stream::{self}` brings in `stream`.
            known_as = before.last().cloned().unwrap_or_default();
        }
        let known_as = Some(known_as).filter(|name| name != "_");
        let named = Named { path, line: ident.span().start().line };
        self.imports.push(Import { named, known_as, everything: false });
    }

    /// Finds paths where nothing is parsed: in what a macro or an attribute is given.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut line = 0;
        // How many colons were seen since the last word.
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    // Two colons after a word continue a path; with no word before them, the path is another crate's.
                    match (colons, path.is_empty()) {
                        (2, false) => path.push(ident.to_string()),
                        (2, true) => {}
                        _ => {
                            self.add(&mut path, line);
                            path.push(ident.to_string());
                            line = ident.span().start().line;
                        }
                    }
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    if colons <= 2 && (colons == 2 || punct.spacing() == Spacing::Joint) {
                        continue;
                    }
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            self.add(&mut path, line);
            colons = 0;
        }
        self.add(&mut path, line);
    }

    fn add(&mut self, path: &mut Vec<String>, line: usize) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.named.push(Named { path, line });
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests_alone(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    // Of a function: known in there only, but as much of an import.
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let before = self.imports.len();
        self.import(item);
        self.named.extend(self.imports.drain(before..).map(|import| import.named));
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let mut words: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
            self.add(&mut words, line);
        }
        visit::visit_path(self, path);
    }

    // `pub(in crate::stream)` says who may see something, and needs nothing of them.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        visit::visit_macro(self, called);
        self.scan(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => self.scan(list.tokens.clone()),
            // A comment may speak of everybody.
            Meta::Path(_) | Meta::NameValue(_) => {}
        }
    }
}

/// Whether attributes say that something is compiled for tests alone: `#[cfg(test)]`, `#[cfg(all(test, unix))]`.
pub(crate) fn for_tests_alone(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|cfg| cfg.parse_args::<Meta>().ok()).any(|condition| !can_be(&condition, true))
}

/// Whether a condition of `cfg` can be `wanted` when nothing is a test; all else may be either way.
fn can_be(condition: &Meta, wanted: bool) -> bool {
    let Meta::List(list) = condition else {
        return !condition.path().is_ident("test") || !wanted;
    };
    let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parser) else { return true };
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("not") => parts.iter().all(|part| can_be(part, !wanted)),
        Some("any") if wanted => parts.iter().any(|part| can_be(part, true)),
        Some("any") => parts.iter().all(|part| can_be(part, false)),
        _ if wanted => parts.iter().all(|part| can_be(part, true)),
        _ => parts.iter().any(|part| can_be(part, false)),
    }
}

/// The path that `#[path = "…"]` names.
pub(crate) fn file_of(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
