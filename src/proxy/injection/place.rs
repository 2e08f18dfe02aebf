//! Where the tag goes into a document. `lol_html` reads until that is known, and changes nothing.
//!
//! Before the first element of the head that is no `<meta>`: so what tells the charset stays in the first 1,024 bytes (HTML §13.2.3.2),
//! a policy in a `<meta>` is read before, and a `<base>` comes after. Up to there stand the doctype, comments, blanks and tags
//! of `html`, `head` and `meta` alone, so the place is never in a comment, a title, a template or a script.

use encoding_rs::Encoding;
use lol_html::html_content::{Doctype, Element, EndTag, TextChunk};
use lol_html::{
    AsciiCompatibleEncoding, DocumentContentHandlers, ElementContentHandlers, HandlerResult,
    HtmlRewriter, MemorySettings, Selector, Settings,
};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// What is known of the place, as of the bytes read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TagPlace {
    /// So many bytes from the beginning.
    At(usize),
    /// Nowhere: it is no document, has the tag already, or cannot be read.
    Nowhere,
    /// Not known yet.
    Unknown,
}

/// What it would write goes nowhere.
type Rewriter = HtmlRewriter<'static, fn(&[u8])>;

/// Looks for the place.
pub(super) struct Finder {
    /// Gone once the place is known: it must not be used after an error.
    rewriter: Option<Rewriter>,
    seen: Rc<RefCell<SeenTags>>,
}

/// What the handlers saw.
#[derive(Debug)]
struct SeenTags {
    /// A doctype, `<html>` or `<head>`, which no fragment has.
    is_document: bool,
    place: TagPlace,
    /// The policies that `<meta>` elements set.
    policies: Vec<String>,
    /// The address of our script.
    script: String,
}

/// Ends the reading: the place is known.
#[derive(Debug, thiserror::Error)]
#[error("the place is known")]
struct PlaceKnown;

impl Finder {
    /// Begins to read a document, in which the tag would name `script`.
    pub(super) fn new(script: &str) -> Self {
        let seen = Rc::new(RefCell::new(SeenTags {
            is_document: false,
            place: TagPlace::Unknown,
            policies: Vec::new(),
            script: script.to_owned(),
        }));
        let rewriter = "*".parse().ok().map(|all| rewriter(all, &seen));
        Self { rewriter, seen }
    }

    /// Reads on. What it says first but [`TagPlace::Unknown`] stays true.
    pub(super) fn read(&mut self, bytes: &[u8]) -> TagPlace {
        let Some(rewriter) = &mut self.rewriter else {
            return TagPlace::Nowhere;
        };
        let is_over = rewriter.write(bytes).is_err();
        if is_over {
            self.rewriter = None;
        }
        match &self.seen.borrow().place {
            // It holds more than it may.
            TagPlace::Unknown if is_over => TagPlace::Nowhere,
            place @ (TagPlace::At(_) | TagPlace::Nowhere | TagPlace::Unknown) => place.clone(),
        }
    }

    /// The policies in the document before the place.
    pub(super) fn policies(&self) -> Vec<String> {
        self.seen.borrow().policies.clone()
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

fn rewriter(all: Selector, seen: &Rc<RefCell<SeenTags>>) -> Rewriter {
    let (of_tags, of_doctype, of_text) = (seen.clone(), seen.clone(), seen.clone());
    let tags = ElementContentHandlers::default().element(
        move |element: &mut Element<'_, '_>| -> HandlerResult { SeenTags::tag(&of_tags, element) },
    );
    let rest = DocumentContentHandlers::default()
        .doctype(move |_: &mut Doctype<'_>| -> HandlerResult {
            of_doctype.borrow_mut().is_document = true;
            Ok(())
        })
        .text(move |text: &mut TextChunk<'_>| -> HandlerResult { of_text.borrow_mut().text(text) });
    let memory = MemorySettings::new().with_max_allowed_memory_usage(MOST_HELD);
    let settings = Settings::new()
        .append_element_content_handler((Cow::Owned(all), tags))
        .append_document_content_handler(rest)
        .with_memory_settings(memory)
        .with_strict(false);
    HtmlRewriter::new(settings, (|_| ()) as fn(&[u8]))
}

impl SeenTags {
    fn tag(seen: &Rc<RefCell<Self>>, element: &mut Element<'_, '_>) -> HandlerResult {
        let name = element.tag_name();
        let mut this = seen.borrow_mut();
        match name.as_str() {
            "html" => this.is_document = true,
            "head" => {
                this.is_document = true;
                let seen = seen.clone();
                element.on_end_tag(Box::new(move |end: &mut EndTag<'_>| {
                    let at = end.source_location().bytes().start;
                    seen.borrow_mut().end(TagPlace::At(at))
                }))?;
            }
            _ if !this.is_document => return this.end(TagPlace::Nowhere),
            "meta" => return this.meta(element),
            "script" if this.is_ours(element) => return this.end(TagPlace::Nowhere),
            _ => return this.end(TagPlace::At(element.source_location().bytes().start)),
        }
        Ok(())
    }

    fn text(&mut self, text: &TextChunk<'_>) -> HandlerResult {
        let mut read = text.as_str();
        if text.source_location().bytes().start == 0 {
            read = read.trim_start_matches('\u{feff}');
        }
        let is_blank = |byte: u8| byte.is_ascii_whitespace();
        if read.bytes().all(is_blank) {
            Ok(())
        } else {
            // It begins the body, or is no HTML at all, such as JSON with the type of it.
            self.end(TagPlace::Nowhere)
        }
    }

    fn meta(&mut self, meta: &Element<'_, '_>) -> HandlerResult {
        let content = meta.get_attribute("content");
        let is = |name: &str| {
            let stated = meta.get_attribute("http-equiv");
            stated.is_some_and(|stated| stated.eq_ignore_ascii_case(name))
        };
        if is("content-security-policy") {
            self.policies.extend(content);
            return Ok(());
        }
        let charset = match content.as_deref() {
            Some(content) if is("content-type") => charset(content).map(str::to_owned),
            Some(_) | None => meta.get_attribute("charset"),
        };
        if charset.is_some_and(|label| !is_ascii_compatible(&label)) {
            return self.end(TagPlace::Nowhere);
        }
        Ok(())
    }

    /// Whether a script element is the tag that we would put there.
    fn is_ours(&self, script: &Element<'_, '_>) -> bool {
        let source = script.get_attribute("src").unwrap_or_default();
        let source = source.split(['?', '#']).next().unwrap_or_default();
        source.trim().ends_with(&self.script)
    }

    fn end(&mut self, place: TagPlace) -> HandlerResult {
        if self.place == TagPlace::Unknown {
            self.place = place;
        }
        Err(Box::new(PlaceKnown))
    }
}

/// The charset that a media type names.
pub(super) fn charset(media_type: &str) -> Option<&str> {
    let mut parameters = media_type.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// Whether what is ASCII is the same bytes in this charset. Of a label that nobody knows browsers make something that is.
pub(super) fn is_ascii_compatible(label: &str) -> bool {
    let encoding = Encoding::for_label(label.as_bytes());
    encoding.is_none_or(|encoding| AsciiCompatibleEncoding::new(encoding).is_some())
}

/// How much `lol_html` may hold, in bytes: the longest tag, and what it keeps of the elements that are open.
const MOST_HELD: usize = 64 * 1024;
