//! The headers in which a trusted proxy names the subject of every request.

use crate::domain::Naming;
use crate::request::headers::is_plain;
use crate::session::AssertedHeaders;
use crate::settings::compile::Draft;
use crate::settings::raw_session::RawAsserted;
use crate::yaml::{Path, clip};
use ipnet::IpNet;

pub(in crate::settings::compile) fn compile(
    raw: &RawAsserted,
    naming: Naming,
    trusted_proxies: &[IpNet],
    draft: &mut Draft<'_>,
) -> Option<AssertedHeaders> {
    let at = Path::root().key("session").key("headers");
    if trusted_proxies.is_empty() && !draft.file.mentions("trusted_proxies") {
        let message = "headers say who somebody is only if a trusted proxy sends them";
        let hint = "name it, such as `trusted_proxies: [10.0.0.1]`";
        draft.file.report_with_hint(&at, message, hint);
    }
    let mut name = |text: &Option<String>, field: &str| {
        let (text, at) = (text.as_ref()?, at.key(field));
        let name = draft.header(text, &at)?;
        // Many servers hand `remote_user` and `remote-user` over as one name: a client could send the other.
        if !is_plain(name.as_str()) {
            let message = format!(
                "`{}` never arrives: such names are read as others, so nobody's are passed on",
                clip(text)
            );
            let hint =
                "have the proxy send a name of letters, digits and `-`, such as `remote-user`";
            draft.file.report_with_hint(&at, message, hint);
        }
        Some(name)
    };
    // All of them before `?`: each tells its own mistakes.
    let email = name(&raw.email, "email");
    let groups = name(&raw.groups, "groups");
    let display = name(&raw.display, "display");
    let authenticated_at = name(&raw.authenticated_at, "authenticated_at");
    let subject = name(&raw.subject, "subject");
    if raw.subject.is_none() {
        draft.missing(
            &at,
            "subject",
            "the header that names the user, such as `remote-user`",
        );
    }
    // So do nearly all proxies that tell them.
    let groups = draft.groups(groups, raw.groups_separator.as_deref(), ",", &at);
    Some(AssertedHeaders {
        subject: subject?,
        naming,
        email,
        groups,
        display,
        authenticated_at,
    })
}
