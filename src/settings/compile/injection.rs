//! Which pages of the application load our script.

use super::Draft;
use crate::domain::WatchedPath;
use crate::proxy::InjectionOptions;
use crate::settings::raw::RawSettings;
use crate::yaml::{OneOrMore, Path};

/// The pages; `None` if none do.
pub(super) fn compile(settings: &RawSettings, draft: &mut Draft<'_>) -> Option<InjectionOptions> {
    let raw = settings.client.as_ref()?;
    let at = Path::root().key("client");
    let pages = match &raw.pages {
        Some(written) => paths(Some(written), &at.key("pages"), draft),
        None => WatchedPath::parse("/{rest...}").into_iter().collect(),
    };
    let except = paths(raw.except.as_ref(), &at.key("except"), draft);
    if raw.inject != Some(true) {
        if raw.inject.is_none() && (raw.pages.is_some() || raw.except.is_some()) {
            let message = "`pages` and `except` have no effect without `inject`";
            let hint = "write `inject: true`";
            draft.file.warn_with_hint(&at, message, hint);
        }
        return None;
    }
    let covering = |page: &&WatchedPath| except.iter().any(|other| other.covers_all_of(page));
    if let Some(page) = pages.iter().find(covering) {
        let message = format!("no page of `{}` is left by `except`", page.as_str());
        draft.file.report(at.key("pages"), message);
    }
    if settings.forward_auth.is_some() {
        let message = "`inject` has no effect: with `forward_auth` no page comes by here";
        let hint =
            "put `<script src=\"/.stepup/client.js\" defer></script>` into the pages themselves";
        draft.file.warn_with_hint(at.key("inject"), message, hint);
        return None;
    }
    Some(InjectionOptions { pages, except })
}

fn paths(
    written: Option<&OneOrMore<String>>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Vec<WatchedPath> {
    let mut paths = Vec::new();
    for (at, text) in written.iter().flat_map(|list| list.with_paths(at)) {
        match WatchedPath::parse(text) {
            Ok(path) => paths.push(path),
            Err(error) => draft.file.report(&at, error.to_string()),
        }
    }
    paths
}
