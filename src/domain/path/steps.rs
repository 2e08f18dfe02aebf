//! The single steps by which applications turn a path into what they look for.
//!
//! Each takes a reading and gives the next one, or `None` if it changes nothing. Every step makes
//! the path shorter or takes an escape away, so that going on until nothing is new comes to an end.

use super::digits::digit_of;
use crate::domain::percent::{PercentPiece, replace};
use icu_normalizer::ComposingNormalizerBorrowed;
use std::ops::Range;

/// A step from one reading to the next.
pub(super) type Step = fn(&str) -> Option<String>;

/// What applications do with a path that we let in by default. Decoding is a step as well; it is
/// counted, so it stands in `readings`.
pub(super) const USUAL: &[Step] = &[
    encoded_slash_as_slash,
    cut_authority,
    merge_slashes,
    cut_parameters,
    cut_at_semicolon,
    cut_segment_heads,
    cut_segment_tails,
    fold_compatible,
    fold_digits,
    cut_cookieless,
    cut_data_request,
    cut_trailing_slashes,
    cut_suffix,
    cut_index_file,
    cut_path_info,
    drop_front_controller,
    cut_query,
];

/// What is done with the paths of a policy, so that they meet the readings of a request.
pub(super) const FOR_TEMPLATES: &[Step] = &[
    encoded_slash_as_slash,
    merge_slashes,
    cut_parameters,
    cut_segment_heads,
    cut_segment_tails,
    fold_compatible,
    fold_digits,
    cut_trailing_slashes,
    cut_known_suffix,
    cut_index_file,
    drop_front_controller,
];

/// Suffixes by which applications choose a format or a handler; also cut from the patterns of a
/// policy. From a request any suffix is cut, since Rails takes whatever follows the last dot for a
/// format, however long and of whatever bytes.
pub(super) const SUFFIXES: &[&str] = &[
    "action", "ashx", "asmx", "asp", "aspx", "atom", "axd", "cfm", "cgi", "csv", "do", "faces",
    "htm", "html", "js", "json", "jsonld", "jsonp", "jsp", "jspx", "jsf", "php", "php5", "phtml",
    "pl", "py", "rb", "rss", "seam", "shtml", "svc", "text", "txt", "xhtml", "xls", "xlsx", "xml",
    "yaml", "yml",
];

/// Scripts that also run when more segments follow (CGI's `PATH_INFO`).
const SCRIPTS: &[&str] = &[
    "ashx", "asmx", "asp", "aspx", "cfm", "cgi", "fcgi", "jsp", "php", "php5", "phtml", "pl", "py",
    "rb", "svc",
];

/// Documents that a server takes for the directory they are in.
const INDEX_FILES: &[&str] = &["default", "index"];

fn encoded_slash_as_slash(path: &str) -> Option<String> {
    // WSGI's `PATH_INFO` is decoded as a whole before it is split.
    replace(path, |piece| {
        matches!(piece, PercentPiece::Escape(b'/', _)).then_some('/')
    })
}

/// RFC 3986 §4.2: what begins with two slashes names a host first. Node's `new URL(url, base)`, PHP's
/// `parse_url`, Python's `urlsplit`, Java's and Ruby's `URI` cut it off; the first does so for any
/// number of slashes (WHATWG URL §4.4, "special authority ignore slashes state").
fn cut_authority(path: &str) -> Option<String> {
    let authority = path
        .starts_with("//")
        .then(|| path.trim_start_matches('/'))?;
    let rest = authority
        .find(['/', '?', '#'])
        .and_then(|at| authority.get(at..))
        .filter(|rest| rest.starts_with('/'));
    Some(rest.unwrap_or("/").to_owned())
}

fn merge_slashes(path: &str) -> Option<String> {
    // nginx (`merge_slashes`) and Apache (`MergeSlashes`) do so by default.
    path.contains("//").then(|| {
        let mut read = path.to_owned();
        let mut before = None;
        read.retain(|c| {
            let keep = !(c == '/' && before == Some('/'));
            before = Some(c);
            keep
        });
        read
    })
}

fn cut_parameters(path: &str) -> Option<String> {
    // Servlet containers cut parameters (`;jsessionid=…`) off each segment (RFC 3986 §3.3).
    path.contains(';').then(|| {
        each_segment(path, |segment| {
            segment.split_once(';').map_or(segment, |(name, _)| name)
        })
    })
}

/// Fastify 4 and its router take whatever follows a `;` for the query (`useSemicolonDelimiter`).
fn cut_at_semicolon(path: &str) -> Option<String> {
    path.split_once(';')
        .filter(|(read, _)| !read.is_empty())
        .map(|(read, _)| read.to_owned())
}

/// Some routers trim each segment.
fn cut_segment_heads(path: &str) -> Option<String> {
    if path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let read = each_segment(path, |segment| {
        let name = segment.trim_start();
        if name.is_empty() || is_dots(segment) {
            segment
        } else {
            name
        }
    });
    (read != path).then_some(read)
}

/// Windows drops dots and blanks at the end of a name, and reads `name::$DATA` as `name`.
fn cut_segment_tails(path: &str) -> Option<String> {
    // Blanks and dots count only where a segment ends; most names have their dots elsewhere.
    let may_end_in = |segment: &str| segment.ends_with(|c: char| c == '.' || c.is_whitespace());
    if !path.contains('$') && !path.split('/').any(may_end_in) {
        return None;
    }
    let read = each_segment(path, |segment| {
        let stream = segment.find("::$").or_else(|| segment.find(":$"));
        let name = stream.and_then(|at| segment.get(..at)).unwrap_or(segment);
        let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
        if name.is_empty() { segment } else { name }
    });
    (read != path).then_some(read)
}

/// Full-width letters are letters to an application that folds its input (Unicode UAX #15, NFKC), and
/// marks that nobody sees are not there. What would become a dot segment, a backslash or an escape by it
/// is left alone: `/wiki/…` is an honest path.
fn fold_compatible(path: &str) -> Option<String> {
    if path.is_ascii() {
        return None;
    }
    let read: String = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(path)
        .chars()
        .filter(|c| !is_ignorable(*c))
        .collect();
    let adds = |mark: char| read.matches(mark).count() > path.matches(mark).count();
    let is_odd = adds('\\') || adds('%') || read.split('/').any(is_dots);
    (read != path && !is_odd).then_some(read)
}

/// Soft hyphens, joiners, zero-width blanks, marks of direction, variation selectors (Unicode, `Default_Ignorable_Code_Point`).
pub(crate) fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// `\d` of Python's and Java's expressions and `int` take the digits of every script (Unicode, `Nd`), so
/// `/posts/٥` is `/posts/5` to Django and Flask.
fn fold_digits(path: &str) -> Option<String> {
    if path.is_ascii() {
        return None;
    }
    let read: String = path
        .chars()
        .map(|c| match digit_of(c) {
            Some(digit) => char::from(b'0' + digit),
            None => c,
        })
        .collect();
    (read != path).then_some(read)
}

/// ASP.NET takes a session out of the path, wherever it stands, also where none is looked for there:
/// `/(S(x))/users` is `/users`, and so is `/us/(S(x))ers`.
fn cut_cookieless(path: &str) -> Option<String> {
    let mut marks = path.match_indices("/(");
    marks.find_map(|(at, _)| {
        let (before, mark) = path.split_at(at);
        let after_name = mark
            .get(2..)?
            .trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let (_, after) = after_name.strip_prefix('(')?.split_once("))")?;
        let is_bare = before.is_empty() && !after.starts_with('/');
        let slash = if is_bare { "/" } else { "" };
        Some(format!("{before}{slash}{after}"))
    })
}

/// What frameworks ask for to fill a page that is there already, which runs the same code: `SvelteKit`'s
/// `/users/__data.json`, Nuxt's `/users/_payload.json`, and Next's `/_next/data/BUILD/users.json`.
fn cut_data_request(path: &str) -> Option<String> {
    const PAYLOADS: &[&str] = &["/__data.json", "/_payload.json", "/_payload.js"];
    if !path.contains("/_") {
        return None;
    }
    let payload = PAYLOADS.iter().find_map(|name| path.strip_suffix(name));
    let read = payload.or_else(|| {
        let (_, page) = path.split_once("/_next/data/")?;
        let page = page.strip_suffix(".json")?;
        page.get(page.find('/')?..)
    })?;
    Some(if read.is_empty() { "/" } else { read }.to_owned())
}

fn cut_trailing_slashes(path: &str) -> Option<String> {
    let read = path.trim_end_matches('/');
    (read.len() < path.len() && path.len() > 1)
        .then(|| if read.is_empty() { "/" } else { read }.to_owned())
}

fn cut_suffix(path: &str) -> Option<String> {
    let (stem, suffix) = suffix_of(path)?;
    (!suffix.is_empty()).then(|| stem.to_owned())
}

/// As `cut_suffix`, for the suffixes we know by name.
fn cut_known_suffix(path: &str) -> Option<String> {
    let (stem, suffix) = suffix_of(path)?;
    is_one_of(suffix, SUFFIXES).then(|| stem.to_owned())
}

fn cut_index_file(path: &str) -> Option<String> {
    let (directory, name) = path.rsplit_once('/')?;
    let (stem, suffix) = name.split_once('.')?;
    (is_one_of(stem, INDEX_FILES) && is_one_of(suffix, SUFFIXES)).then(|| format!("{directory}/"))
}

fn cut_path_info(path: &str) -> Option<String> {
    let (script, _) = path_info(path)?;
    path.get(..script.end).map(str::to_owned)
}

/// An application behind one script takes `/index.php/users` for its own `/users`.
fn drop_front_controller(path: &str) -> Option<String> {
    let (script, info) = path_info(path)?;
    let directory = path.get(..script.start)?.trim_end_matches('/');
    (info.len() > 1).then(|| format!("{directory}{info}"))
}

/// Where the first script stands that more segments follow, and those.
fn path_info(path: &str) -> Option<(Range<usize>, &str)> {
    let mut start = 0;
    for segment in path.split('/') {
        let end = start + segment.len();
        let is_script = segment
            .rsplit_once('.')
            .is_some_and(|(_, suffix)| is_one_of(suffix, SCRIPTS));
        if is_script && end < path.len() {
            return Some((start..end, path.get(end..)?));
        }
        start = end + 1;
    }
    None
}

/// A `?` or `#` that was escaped, after decoding: some applications split the query off again.
fn cut_query(path: &str) -> Option<String> {
    let at = path.find(['?', '#'])?;
    path.get(..at)
        .filter(|read| !read.is_empty())
        .map(str::to_owned)
}

/// For `accept.backslashes`.
pub(super) fn backslash_as_slash(path: &str) -> Option<String> {
    path.contains('\\').then(|| path.replace('\\', "/"))
}

/// For `accept.controls`.
pub(super) fn drop_controls(path: &str) -> Option<String> {
    path.contains(char::is_control)
        .then(|| path.replace(char::is_control, ""))
}

/// For `accept.controls`: C reads a text up to its NUL.
pub(super) fn cut_at_nul(path: &str) -> Option<String> {
    path.split_once('\0').map(|(before, _)| before.to_owned())
}

/// For `accept.unicode_escapes`.
pub(super) fn decode_unicode_escapes(path: &str) -> Option<String> {
    replace(path, |piece| match piece {
        PercentPiece::Unicode(meant, _) => Some(meant),
        PercentPiece::Byte(_) | PercentPiece::Escape(..) | PercentPiece::Stray => None,
    })
}

/// For `accept.dot_segments` (RFC 3986 §5.2.4).
pub(super) fn resolve_dots(path: &str) -> Option<String> {
    path.split('/').any(is_dots).then(|| {
        let mut kept: Vec<&str> = Vec::new();
        for segment in path.split('/').skip(1) {
            if !is_dots(segment) {
                kept.push(segment);
            } else if segment.trim() != "." {
                kept.pop();
            }
        }
        format!("/{}", kept.join("/"))
    })
}

/// Whether a segment is nothing but dots, blanks around them aside.
pub(super) fn is_dots(segment: &str) -> bool {
    segment.contains('.') && segment.chars().all(|c| c == '.' || c.is_whitespace())
}

/// The last segment's name and suffix, if it has both.
fn suffix_of(path: &str) -> Option<(&str, &str)> {
    let (stem, suffix) = path.rsplit_once('.')?;
    let name = stem.rsplit_once('/').map_or(stem, |(_, name)| name);
    // `/.env` has no suffix, and `/...json` must not become a dot segment by our own cut.
    (!suffix.contains('/') && !name.chars().all(|c| c == '.' || c.is_whitespace()))
        .then_some((stem, suffix))
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn each_segment<'p>(path: &'p str, step: impl Fn(&'p str) -> &'p str) -> String {
    let mut read = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            read.push('/');
        }
        read.push_str(step(segment));
    }
    read
}

#[cfg(test)]
mod tests;
