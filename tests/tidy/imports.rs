//! Which file imports which, by the `use` lines and paths of the source, its tests apart.

use crate::sources::{files, short, text};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemUse, UseTree, Visibility};

/// A module's path below the crate, such as `proxy::forward`.
type ModulePath = Vec<String>;

/// The modules of the crate that are files, and which of them each imports. A re-export counts as an import
/// of the file that defines the item.
pub(crate) fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeMap<ModulePath, Paths> = files("src", "rs")
        .iter()
        .map(|path| (module_path(&short(path)), text(path)))
        .filter(|(path, _)| !path.iter().any(|name| name == "tests"))
        .map(|(path, source)| (path, Paths::of(&source)))
        .collect();
    let reexports: BTreeMap<&ModulePath, BTreeMap<&String, ModulePath>> = modules
        .iter()
        .map(|(module, paths)| {
            let named = paths.reexported.iter().filter_map(|path| {
                let target = absolute(module, path, &modules)?;
                Some((path.last()?, target))
            });
            (module, named.collect())
        })
        .collect();
    let mut graph = BTreeMap::new();
    for (module, paths) in &modules {
        let of_children = |path: &&ModulePath| {
            let target = absolute(module, path, &modules);
            target.is_some_and(|target| target.starts_with(module))
        };
        let reexported = paths.reexported.iter().filter(|path| !of_children(path));
        let imported = paths.imported.iter().chain(reexported);
        let targets = imported.filter_map(|path| {
            let target = absolute(module, path, &modules)?;
            let file = defining(target, &modules, &reexports)?;
            (file != *module).then(|| file.join("::"))
        });
        graph.insert(module.join("::"), targets.collect());
    }
    graph
}

/// The paths that a file names.
#[derive(Default)]
struct Paths {
    imported: Vec<ModulePath>,
    reexported: Vec<ModulePath>,
}

impl Paths {
    fn of(source: &str) -> Self {
        let mut paths = Self::default();
        paths.visit_file(&syn::parse_file(source).unwrap());
        paths
    }
}

impl<'ast> Visit<'ast> for Paths {
    #[allow(clippy::wildcard_enum_match_arm)] // syn adds kinds of items
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        match item.vis {
            Visibility::Inherited => self.imported.extend(paths),
            Visibility::Public(_) | Visibility::Restricted(_) => self.reexported.extend(paths),
        }
    }

    /// `pub(crate)` and its kind name modules, and import nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        let names: ModulePath = names.collect();
        if matches!(names[0].as_str(), "crate" | "self" | "super") {
            self.imported.push(names);
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<Ident>()
            .is_ok_and(|what| what == "test")
}

fn flatten(tree: &UseTree, prefix: &mut ModulePath, found: &mut Vec<ModulePath>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, found);
            }
        }
        UseTree::Name(name) if name.ident == "self" => found.push(prefix.clone()),
        UseTree::Name(name) => found.push([&prefix[..], &[name.ident.to_string()]].concat()),
        UseTree::Rename(name) => found.push([&prefix[..], &[name.ident.to_string()]].concat()),
        UseTree::Glob(_) => found.push(prefix.clone()),
    }
}

/// `src/web/pages/mod.rs` is `web::pages`.
fn module_path(file: &str) -> ModulePath {
    let bare = file.trim_start_matches("src/").trim_end_matches(".rs");
    let bare = bare.strip_suffix("/mod").unwrap_or(bare);
    let names = bare.split('/').filter(|name| *name != "lib");
    names.map(str::to_owned).collect()
}

/// A path from the top of the crate; `None` for one of another crate.
fn absolute<T>(
    module: &ModulePath,
    path: &ModulePath,
    modules: &BTreeMap<ModulePath, T>,
) -> Option<ModulePath> {
    let mut base = module.clone();
    let mut rest = &path[..];
    match path[0].as_str() {
        "crate" => (base, rest) = (Vec::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child => {
            let child = [&base[..], &[child.to_owned()]].concat();
            modules.get(&child)?;
        }
    }
    Some([&base[..], rest].concat())
}

/// The file that defines what a path names, through re-exports.
fn defining<T>(
    mut path: ModulePath,
    modules: &BTreeMap<ModulePath, T>,
    reexports: &BTreeMap<&ModulePath, BTreeMap<&String, ModulePath>>,
) -> Option<ModulePath> {
    // As many re-exports of re-exports as anybody writes.
    for _ in 0..10 {
        let module = (0..=path.len())
            .rev()
            .map(|end| path[..end].to_vec())
            .find(|module| modules.contains_key(module))?;
        let item = path.get(module.len());
        let target = item.and_then(|item| reexports[&module].get(item));
        let Some(target) = target else {
            return Some(module);
        };
        path = [&target[..], &path[module.len() + 1..]].concat();
    }
    None
}
