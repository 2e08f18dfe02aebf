//! The links of all pages: each leads to a file that is there, and to a heading of it. Those that lead outside are looked at
//! for their form alone, since no test may depend on the sites of others.

use crate::sources::{files, root, short, text};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use url::Url;

/// What a page leads to, and what may be led to on it.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    headings: BTreeSet<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        Self::of(&text(path))
    }

    #[allow(clippy::wildcard_enum_match_arm)] // of the rest of Markdown nothing is wanted
    fn of(markdown: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.name(&heading.take().unwrap()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// Adds a heading under the name that GitHub and mdBook give it: a second one of the same words ends in `-1`.
    fn name(&mut self, heading: &str) {
        let letters = heading.trim().chars().filter_map(|char| match char {
            ' ' => Some('-'),
            '-' | '_' => Some(char),
            _ => char.is_alphanumeric().then_some(char),
        });
        let name = letters.collect::<String>().to_lowercase();
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| !self.headings.contains(name));
        self.headings.extend(free);
    }
}

/// The pages at the top level, and those below the folders that they lead to.
pub(crate) fn pages() -> Vec<PathBuf> {
    let top = fs::read_dir(root()).unwrap();
    let top = top.map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = top
        .filter(|path| path.extension().is_some_and(|own| own == "md"))
        .collect();
    pages.sort();
    for folder in ["docs", "examples", "policies"] {
        pages.extend(files(folder, "md"));
    }
    pages
}

/// A path without the `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// What is wrong with a link of the page at `from`.
fn wrong(link: &str, from: &Path, known: &BTreeMap<PathBuf, Page>) -> Option<String> {
    if link.contains(':') {
        return match Url::parse(link) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => None,
            Ok(url) if url.scheme() == "mailto" && url.path().contains('@') => None,
            Ok(url) => Some(format!("a link to `{}:`", url.scheme())),
            Err(error) => Some(error.to_string()),
        };
    }
    let (target, name) = link.split_once('#').unwrap_or((link, ""));
    let there = if target.is_empty() {
        from.to_owned()
    } else {
        plain(&from.parent()?.join(target))
    };
    if !there.exists() {
        return Some("no such file".to_owned());
    }
    // In the book a folder is the page that stands for it, and the sources are not there.
    let in_book = BOOK.iter().any(|part| there.starts_with(root().join(part)));
    let is_page = known.contains_key(&there);
    if there.is_dir() && !known.contains_key(&there.join("README.md")) {
        return Some("a folder without a README.md".to_owned());
    }
    if !is_page && !in_book {
        return Some("not in the book, by scripts/docs".to_owned());
    }
    let named = name.is_empty() || known.get(&there)?.headings.contains(name);
    (!named).then(|| format!("no heading `{name}` there"))
}

/// What `scripts/docs` puts into the book beside the pages.
const BOOK: [&str; 5] = ["LICENSE", "docs", "examples", "locales", "policies"];

#[test]
fn every_link_leads_somewhere() {
    let known: BTreeMap<_, _> = { pages().into_iter() }
        .map(|path| (path.clone(), Page::read(&path)))
        .collect();
    let mut broken = Vec::new();
    for (path, page) in &known {
        for link in &page.links {
            let wrong = wrong(link, path, &known);
            broken.extend(wrong.map(|wrong| format!("{}: {link}: {wrong}", short(path))));
        }
    }
    let seen: usize = known.values().map(|page| page.links.len()).sum();
    assert!(seen >= 200, "only {seen} links were found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_link_is_held_to_the_names_that_headings_have() {
    let page =
        Page::of("# One `two`: three\n\n[x](#y)\n\n## A_b & c\n\n## A_b & c\n\n`[no](#link)`\n");
    let headings: Vec<_> = page.headings.iter().map(String::as_str).collect();
    assert_eq!(headings, ["a_b--c", "a_b--c-1", "one-two-three"]);
    assert_eq!(page.links, ["#y"]);
    let here = root().join("README.md");
    let known = BTreeMap::from([(here.clone(), page)]);
    for (link, is_right) in [
        ("#a_b--c-1", true),
        ("README.md#one-two-three", true),
        ("LICENSE", true),
        ("https://example.com/#x", true),
        ("#a_b--c-2", false),
        ("#", true),
        ("missing.md", false),
        ("src", false),
        ("Cargo.toml", false),
        ("javascript:alert(1)", false),
        ("https://", false),
        ("mailto:nobody", false),
    ] {
        assert_eq!(wrong(link, &here, &known).is_none(), is_right, "{link}");
    }
}

#[test]
fn the_contents_have_every_page_once() {
    let contents = root().join("docs/SUMMARY.md");
    let folder = contents.parent().unwrap();
    let links = Page::read(&contents).links;
    let mut listed: Vec<_> = links.iter().map(|link| plain(&folder.join(link))).collect();
    listed.sort();
    let mut pages = pages();
    pages.retain(|page| *page != contents);
    pages.sort();
    let listed: Vec<_> = listed.iter().map(|page| short(page)).collect();
    let pages: Vec<_> = pages.iter().map(|page| short(page)).collect();
    assert_eq!(listed, pages);
    // What mdBook is given besides the pages, so that their links hold.
    let script = text(&root().join("scripts/docs"));
    assert!(script.contains(&format!("-- '*.md' {} ", BOOK.join(" "))));
}
