//! Which module of a crate imports which other one.
//!
//! A module imports another when it names something that stands in the other, in a `use` or in its code:
//! `crate::stream::Gop`, `super::Gop` and `gop::Gop` are all the same. Who says `stream::Gop`, where `stream.rs` has
//! `pub use gop::Gop;`, imports `gop`, where it stands.
//!
//! A module is taken with all its parts, and what passes between it and its own parts is its own affair. So an import is
//! an arrow between two modules that stand side by side: when `camera/pacer.rs` names `crate::settings::store::Key`, then
//! `camera` imports `settings`; when it names `super::adaptive::Demand`, then `pacer` imports `adaptive`; and when it
//! names `super::Plan`, of `camera.rs`, that is no arrow.

use super::circles::Graph;
use super::names::{Import, Named, Names, file_of, for_tests_alone};
use crate::Result;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use syn::{Item, ItemMod};

/// As many `pub use` are followed, one after the other, until it is given up. Only a circle of them is longer.
const MOST_STEPS: usize = 32;

/// The modules of one target of a crate: of its library, or of one of its programs.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    /// The source files, in the order in which they were found: the root is the first.
    pub(crate) files: Vec<PathBuf>,
    modules: Vec<Module>,
}

/// One module. Those that stand inside a file, in braces, share it with the module around them.
#[derive(Debug)]
struct Module {
    name: String,
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    imports: Vec<Import>,
    named: Vec<Named>,
}

/// A line by which a module imports another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The file, by its place in [`Modules::files`].
    pub(crate) file: usize,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What stands there.
    pub(crate) path: String,
}

/// Each import of a module by another, with the first line in which it is seen.
pub(crate) type Imports = BTreeMap<(usize, usize), Evidence>;

impl Modules {
    /// Reads the file of a target, `lib.rs` or `main.rs`, and all that belong to it.
    ///
    /// # Errors
    /// A file is missing, or is no Rust. The message names it.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut modules = Self::default();
        modules.file("crate", root, None, root.parent().unwrap_or(Path::new("")))?;
        Ok(modules)
    }

    /// Reads a file; `folder`: where its modules' files are.
    fn file(&mut self, name: &str, path: &Path, parent: Option<usize>, folder: &Path) -> Result<usize> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let parsed = syn::parse_file(&text).map_err(|error| {
            let at = error.span().start();
            format!("{}:{}:{}: {error}", path.display(), at.line, at.column + 1)
        })?;
        self.files.push(path.to_owned());
        self.module(name, self.files.len() - 1, &parsed.items, parent, folder)
    }

    fn module(
        &mut self,
        name: &str,
        file: usize,
        items: &[Item],
        parent: Option<usize>,
        folder: &Path,
    ) -> Result<usize> {
        let Names { named, imports } = Names::of(items);
        let children = BTreeMap::new();
        self.modules.push(Module { name: name.to_owned(), file, parent, children, imports, named });
        let this = self.modules.len() - 1;
        for item in items {
            if let Item::Mod(item) = item
                && !for_tests_alone(&item.attrs)
            {
                let child = self.child(this, item, folder)?;
                self.modules[this].children.insert(item.ident.to_string(), child);
            }
        }
        Ok(this)
    }

    fn child(&mut self, parent: usize, item: &ItemMod, folder: &Path) -> Result<usize> {
        let name = item.ident.to_string();
        let inside = folder.join(&name);
        if let Some((_, items)) = &item.content {
            return self.module(&name, self.modules[parent].file, items, Some(parent), &inside);
        }
        if let Some(named) = file_of(&item.attrs) {
            let path = self.files[self.modules[parent].file].with_file_name(named);
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return self.file(&name, &path, Some(parent), &folder);
        }
        let beside = inside.with_extension("rs");
        let path = if beside.is_file() { beside } else { inside.join("mod.rs") };
        self.file(&name, &path, Some(parent), &inside)
    }

    /// What a module is called: `camera::pacer`.
    pub(crate) fn name(&self, module: usize) -> String {
        let mut names: Vec<_> = self.around(module).map(|module| &self.modules[module].name[..]).collect();
        // The root has no name of its own inside its crate.
        names.pop();
        names.reverse();
        names.join("::")
    }

    /// A module and all around it, the root last.
    fn around(&self, module: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(module), |&module| self.modules[module].parent)
    }

    /// Which module imports which, of those that stand side by side.
    pub(crate) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (at, module) in self.modules.iter().enumerate() {
            let used = module.imports.iter().map(|import| &import.named);
            for named in used.chain(&module.named) {
                let target = self.find(at, &named.path, MOST_STEPS);
                let Some(arrow) = target.and_then(|target| self.side_by_side(at, target)) else { continue };
                let Named { path, line } = named;
                let seen = Evidence { file: module.file, line: *line, path: path.join("::") };
                let first = imports.entry(arrow).or_insert_with(|| seen.clone());
                if (seen.file, seen.line) < (first.file, first.line) {
                    *first = seen;
                }
            }
        }
        imports
    }

    /// The two modules in the same module that hold these two; `None` when one is a part of the other.
    fn side_by_side(&self, one: usize, other: usize) -> Option<(usize, usize)> {
        let mut one: Vec<_> = self.around(one).collect();
        let mut other: Vec<_> = self.around(other).collect();
        // From the root down, as long as both are the same.
        loop {
            match (one.pop()?, other.pop()?) {
                (one, other) if one == other => {}
                apart => return Some(apart),
            }
        }
    }

    /// The module in which stands what a path names, seen from a module; `None` when it is another crate's.
    fn find(&self, from: usize, path: &[String], steps: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.inside(0, rest, steps),
            "self" => self.inside(from, rest, steps),
            "super" => self.inside(self.modules[from].parent?, rest, steps),
            name => self.known(from, name, rest, steps)?,
        }
    }

    /// The module in which stands what `path` names inside of a module.
    fn inside(&self, module: usize, path: &[String], steps: usize) -> Option<usize> {
        let Some((first, rest)) = path.split_first() else { return Some(module) };
        if first == "super" {
            return self.inside(self.modules[module].parent?, rest, steps);
        }
        // What a module only hands on from another crate is got from the module, as is what it holds itself.
        Some(self.known(module, first, rest, steps).flatten().unwrap_or(module))
    }

    /// Follows a name that a module declares or brings in. `None`: it does neither; `Some(None)`: it leads to another crate.
    fn known(&self, module: usize, name: &str, rest: &[String], steps: usize) -> Option<Option<usize>> {
        let steps = steps.checked_sub(1)?;
        let Module { children, imports, .. } = &self.modules[module];
        if let Some(&child) = children.get(name) {
            return Some(self.inside(child, rest, steps));
        }
        if let Some(import) = imports.iter().find(|import| import.known_as.as_deref() == Some(name)) {
            let path = [&import.named.path[..], rest].concat();
            // `use tokio;` leads to itself.
            return Some(if path[0] == name { None } else { self.find(module, &path, steps) });
        }
        let everything = imports.iter().filter(|import| import.everything);
        everything
            .filter_map(|import| self.find(module, &import.named.path, steps))
            .find_map(|target| if target == module { None } else { self.known(target, name, rest, steps) })
    }
}

/// The arrows alone.
pub(crate) fn graph(imports: &Imports) -> Graph {
    let mut graph = Graph::new();
    for &(from, to) in imports.keys() {
        graph.entry(from).or_default().insert(to);
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::super::circles::circles;
    use super::*;
    use tempfile::TempDir;

    /// The circles of a crate of these files, each as the names of its modules.
    fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let modules = Modules::read(&folder.path().join("lib.rs")).unwrap();
        let named = |circle: &Vec<usize>| circle.iter().map(|&module| modules.name(module)).collect();
        circles(&graph(&modules.imports())).iter().map(named).collect()
    }

    #[test]
    fn a_planted_circle_is_found_whichever_way_it_is_written() {
        for names_b in [
            "use crate::b::B;",
            "use super::b::{self, B as Other};",
            "use super::*; fn f() { b::f() }",
            "pub use crate::b::B;",
            "fn f() { crate::b::f() }",
            "fn f() { use super::b::f; f() }",
            "fn f() -> Vec<crate::b::B> { Vec::new() }",
            "fn f() { assert!(crate::b::f() == 1) }",
            "#[derive(Debug)] #[serde(with(crate::b::f))] struct A;",
            "mod inside { use crate::b::B; }",
        ] {
            let a = format!("pub struct A; {names_b}");
            let found =
                circles_of(&[("lib.rs", "mod a; mod b;"), ("a.rs", &a), ("b.rs", "use crate::a::A;")]);
            assert_eq!(found, [["a", "b"]], "{names_b}");
        }
    }

    #[test]
    fn a_circle_by_way_of_parts_is_found() {
        let found = circles_of(&[
            ("lib.rs", "mod camera; mod settings;"),
            ("camera.rs", "mod pacer; pub struct Rate;"),
            ("camera/pacer.rs", "use super::Rate; use crate::settings::store::Key;"),
            ("settings/mod.rs", "pub mod store;"),
            ("settings/store.rs", "pub struct Key; use crate::camera::Rate;"),
        ]);
        assert_eq!(found, [["camera", "settings"]]);
    }

    #[test]
    fn a_circle_deep_inside_is_told_by_its_own_modules() {
        let found = circles_of(&[
            ("lib.rs", "mod jpeg;"),
            ("jpeg.rs", "mod a; mod b; mod c;"),
            ("jpeg/a.rs", "use super::b::B;"),
            ("jpeg/b.rs", "use super::c::C;"),
            ("jpeg/c.rs", "use crate::jpeg::a::A;"),
        ]);
        assert_eq!(found, [["jpeg::a", "jpeg::b", "jpeg::c"]]);
    }

    #[test]
    fn what_is_handed_on_counts_where_it_stands() {
        // `b` needs of `a` only what is really `c`'s.
        let files = |c: &'static str| {
            [
                ("lib.rs", "mod a; mod b; mod c; pub use b::B;"),
                ("a.rs", "pub use crate::c::C; use crate::b::B;"),
                ("b.rs", "pub struct B; use crate::a::C;"),
                ("c.rs", c),
            ]
        };
        assert_eq!(circles_of(&files("pub struct C;")), Vec::<Vec<String>>::new());
        assert_eq!(circles_of(&files("pub struct C; use crate::B;")), [["b", "c"]]);
    }

    #[test]
    fn what_is_no_import_makes_no_circle() {
        for b in [
            "#[cfg(test)] mod tests { use crate::a::A; }",
            "#[cfg(all(test, unix))] use crate::a::A;",
            "#[cfg(test)] fn f() { crate::a::f() }",
            "//! See [`crate::a::A`].\n",
            "pub(in crate::a) struct B;",
            "use ::a::A;",
            "fn f() { println!(\"crate::a::A\") }",
            "use other::a::A;",
        ] {
            let found = circles_of(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", b)]);
            assert_eq!(found, Vec::<Vec<String>>::new(), "{b}");
        }
        // But what is not compiled for tests is one.
        let b = "#[cfg(not(test))] use crate::a::A;";
        assert_eq!(
            circles_of(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", b)]).len(),
            1
        );
    }

    #[test]
    fn a_module_and_its_own_parts_may_lean_on_each_other() {
        let found = circles_of(&[
            ("lib.rs", "mod stream; use stream::Stream; pub struct Error;"),
            ("stream.rs", "mod gop; use gop::Gop; pub struct Stream; use crate::Error;"),
            ("stream/gop.rs", "use super::Stream; use crate::Error; pub struct Gop;"),
        ]);
        assert_eq!(found, Vec::<Vec<String>>::new());
    }
}
