//! The `except` of a route: what it leaves out.

use super::matching::{Common, pattern};
use super::pattern::methods;
use super::raw::RawExcept;
use crate::domain::{Exception, MethodSet, PathPattern};
use crate::yaml::{File, Path};

pub(super) fn exceptions(
    list: Option<&[RawExcept]>,
    methods: MethodSet,
    path: &PathPattern,
    file: &mut File,
    at: &Path,
) -> Option<Vec<Exception>> {
    let mut exceptions = Some(Vec::new());
    for (index, raw) in list.unwrap_or_default().iter().enumerate() {
        let at = at.item(index);
        let one = exception(raw, file, &at);
        if let Some(exception) = &one {
            check_exception(exception, methods, path, file, &at);
        }
        exceptions = exceptions.zip(one).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    exceptions
}

fn exception(raw: &RawExcept, file: &mut File, at: &Path) -> Option<Exception> {
    let methods = methods(raw.methods.as_deref(), file, &at.key("methods"));
    let path = pattern(raw.path.as_deref(), raw.path_regex.as_deref(), file, at);
    let common = Common::compile(
        (
            raw.host.as_deref(),
            raw.query.as_ref(),
            raw.headers.as_ref(),
        ),
        file,
        at,
    );
    let (methods, path, common) = (methods?, path?, common?);
    Some(Exception {
        methods,
        path: path.map(|(path, _)| path),
        host: common.host,
        query: common.query,
        headers: common.headers,
    })
}

/// An exception that leaves nothing, or takes nothing away, is not what was meant.
fn check_exception(
    exception: &Exception,
    methods: MethodSet,
    path: &PathPattern,
    file: &mut File,
    at: &Path,
) {
    if !exception.methods.intersects(methods) {
        let message = "this exception never applies: the route does not match these methods";
        file.report(at.key("methods"), message);
    }
    let is_everywhere = methods
        .iter()
        .all(|method| exception.methods.contains(method))
        && exception
            .path
            .as_ref()
            .is_none_or(|excepted| covers(excepted, path));
    let asks_for_values = !(exception.query.is_empty() && exception.headers.is_empty());
    if is_everywhere && !asks_for_values && exception.host.is_none() {
        file.report(at, "this exception excepts all that the route matches");
    } else if is_everywhere && asks_for_values {
        file.warn_with_hint(
            at,
            "a broad exception: on every path of the route, it rests on what the client sends",
            "name the `path` or `methods` that it is for, if the application does not judge the value \
             itself",
        );
    }
}

/// Whether a pattern plainly takes in another; no answer for patterns that differ in kind.
fn covers(wide: &PathPattern, narrow: &PathPattern) -> bool {
    match (wide, narrow) {
        (PathPattern::Template(wide), PathPattern::Template(narrow)) => {
            wide == narrow || is_rest_of_all(wide)
        }
        (PathPattern::Regex(wide), PathPattern::Regex(narrow)) => wide.as_str() == narrow.as_str(),
        (PathPattern::Template(wide), PathPattern::Regex(_)) => is_rest_of_all(wide),
        (PathPattern::Regex(_), PathPattern::Template(_)) => false,
    }
}

fn is_rest_of_all(template: &str) -> bool {
    template.starts_with("/{") && template.ends_with("...}") && template.matches('/').count() == 1
}
