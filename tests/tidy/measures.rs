//! Measures of the source, its tests apart. Each limit but the first is the present figure and may only fall (that of
//! comments only rise); `cargo test --test tidy measures -- --nocapture` prints them.

use crate::sources::{files, short, text};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Ident, ImplItemFn, Item, ItemFn, Signature, TraitItemFn};

/// Lines of a function. None has more.
const LONGEST_FUNCTION: usize = 80;
/// Files of more than 350 lines.
const LONG_FILES: usize = 3;
/// Names that stand for two or more types.
const DOUBLED_NAMES: usize = 3;
/// Comments that are not documentation, in every 1,000 lines of code.
const COMMENTS: usize = 20;

/// What a file holds besides its tests.
#[derive(Default)]
struct Measured {
    /// Where each function stands, and its lines.
    functions: Vec<(String, usize)>,
    types: Vec<String>,
    tests: Vec<RangeInclusive<usize>>,
    /// Modules of tests that are files of their own.
    test_modules: Vec<String>,
}

impl Measured {
    fn function(&mut self, signature: &Signature, block: &Block) {
        let lines = block.span().end().line - signature.span().start().line + 1;
        self.functions.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Measured {
    #[allow(clippy::wildcard_enum_match_arm)] // syn adds kinds of items
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, type_name) = match item {
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, None),
            Item::Impl(item) => (&item.attrs, None),
            Item::Mod(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if attributes.iter().any(is_for_tests) {
            if let Item::Mod(module) = item
                && module.content.is_none()
            {
                self.test_modules.push(module.ident.to_string());
            }
            let span = item.span();
            return self.tests.push(span.start().line..=span.end().line);
        }
        self.types.extend(type_name.map(Ident::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<Ident>()
            .is_ok_and(|what| what == "test")
}

/// The middle of them, and the one that 95 in 100 do not pass.
fn median_and_p95(mut figures: Vec<usize>) -> (usize, usize) {
    figures.sort_unstable();
    (
        figures[figures.len() / 2],
        figures[figures.len() * 95 / 100],
    )
}

fn measure(path: &Path) -> (PathBuf, String, Measured) {
    let source = text(path);
    let mut measured = Measured::default();
    measured.visit_file(&syn::parse_file(&source).unwrap());
    (path.to_owned(), source, measured)
}

/// Where the modules of tests are that a file declares, without their extension.
fn test_files((path, _, measured): &(PathBuf, String, Measured)) -> Vec<PathBuf> {
    let is_root = ["mod.rs", "lib.rs", "main.rs"]
        .iter()
        .any(|root| path.ends_with(root));
    let folder = if is_root {
        path.parent().unwrap().to_owned()
    } else {
        path.with_extension("")
    };
    let modules = measured.test_modules.iter();
    modules.map(|module| folder.join(module)).collect()
}

#[test]
fn the_source_keeps_its_measures() {
    let (mut functions, mut lengths, mut types) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut code, mut comments) = (0, 0);
    let measured: Vec<_> = files("src", "rs")
        .iter()
        .map(|path| measure(path))
        .collect();
    let of_tests: Vec<_> = measured.iter().flat_map(test_files).collect();
    for (path, source, measured) in measured {
        if of_tests
            .iter()
            .any(|tests| path.with_extension("").starts_with(tests))
        {
            continue;
        }
        let name = short(&path);
        let is_test = |line: &usize| measured.tests.iter().any(|test| test.contains(line));
        let lines = source.lines().enumerate();
        let lines = lines.filter(|(index, _)| !is_test(&(index + 1)));
        let lines: Vec<_> = lines.map(|(_, line)| line.trim()).collect();
        lengths.push(lines.len());
        for line in lines.into_iter().filter(|line| !line.is_empty()) {
            match line.strip_prefix("//") {
                None => code += 1,
                Some(rest) if rest.starts_with(['/', '!']) => {}
                Some(_) => comments += 1,
            }
        }
        let here = measured.functions.into_iter();
        functions.extend(here.map(|(function, lines)| (lines, format!("{function} in {name}"))));
        for of_type in measured.types {
            types
                .entry(of_type)
                .or_insert(Vec::new())
                .push(name.clone());
        }
    }
    functions.sort_unstable();
    types.retain(|_, places| places.len() > 1);
    let (longest, longest_name) = functions.last().unwrap();
    let (median, p95) = median_and_p95(functions.iter().map(|(lines, _)| *lines).collect());
    println!("functions: median {median}, p95 {p95}, longest {longest} ({longest_name})");
    let long_files = lengths.iter().filter(|lines| **lines > 350).count();
    let (median, p95) = median_and_p95(lengths);
    println!("files: median {median}, p95 {p95} (wanted: 350), above 350: {long_files}");
    let comments = comments * 1000 / code;
    println!("comments apart from documentation: {comments} in 1,000 lines of code (wanted: 20)");
    println!(
        "names of several types: {} (wanted: below 10): {types:?}",
        types.len()
    );
    assert!(
        *longest <= LONGEST_FUNCTION,
        "{longest_name} has {longest} lines"
    );
    assert!(
        long_files <= LONG_FILES,
        "{long_files} files above 350 lines"
    );
    assert!(types.len() <= DOUBLED_NAMES, "{types:#?}");
    assert!(comments >= COMMENTS, "{comments} in 1,000 lines of code");
}
