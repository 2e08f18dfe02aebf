//! Whether our own endpoints are reached by the question who somebody is.

use crate::session::SessionOptions;
use crate::settings::compile::Draft;
use crate::settings::raw_session::RawSession;
use crate::yaml::Path;

/// Whoever proves who they are calls our own endpoints, and the application is asked there as well.
pub(in crate::settings::compile) fn check_endpoints(
    raw: Option<&RawSession>,
    sessions: &SessionOptions,
    prefix: &str,
    draft: &mut Draft<'_>,
) {
    let raw = raw.and_then(|raw| raw.whoami.as_ref());
    let (Some(raw), Some(whoami), false) = (raw, sessions.whoami(), draft.file.has_mistakes())
    else {
        return;
    };
    let at = Path::root().key("session").key("whoami");
    // Browsers of such sessions have our endpoints below these paths, too.
    let has_paths = sessions
        .credentials
        .cookies
        .iter()
        .any(|cookie| cookie.path.is_some());
    let hint = format!(
        "a question of its own before it: `{{ for: \"{prefix}{{rest...}}\", url: /me, … }}`, with a `url` that has no placeholder"
    );
    match whoami.question_below(prefix) {
        None if has_paths => {}
        None => {
            let message = format!(
                "no question is for Stepgate's own endpoints below `{prefix}`: who is known by `whoami` alone cannot verify"
            );
            draft.file.warn_with_hint(at, message, hint);
        }
        Some((place, false)) => {
            let at = raw.with_paths(&at).nth(place);
            let at = at.map_or_else(Path::root, |(at, _)| at);
            let message = format!(
                "covers Stepgate's own endpoints below `{prefix}` as well, where its `url` has no value: nobody could verify"
            );
            draft.file.report_with_hint(at.key("for"), message, hint);
        }
        Some((_, true)) => {}
    }
}
