//! Which names the settings may let pass, or have removed.

use super::names::{Class, classify, folded, is_plain};
use super::request::is_ordinary;

/// Why a header cannot be named in `upstream.headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum NotPassed {
    #[error("is passed on anyway")]
    Anyway,
    #[error("ends at this hop")]
    Ends,
    #[error("says from where or by which scheme a client came, which only a trusted proxy may")]
    Forwarding,
    #[error("says who somebody is, which only a trusted proxy may")]
    Identity,
    #[error("is needed by every request, or by us")]
    Needed,
    #[error("has marks besides letters, digits and `-`, and is read as another name")]
    Odd,
    #[error("is ours")]
    Ours,
    #[error("is removed anyway")]
    Removed,
    #[error("is read as a name that asks for another path, host or method")]
    Rewrites,
}

/// Whether a name may stand in `upstream.headers.pass`: one that is not plain, unless gateways
/// read it as a name that a client must not send, or one that asks for another path.
pub fn may_pass(name: &str) -> Result<(), NotPassed> {
    let plain = is_plain(name);
    let name = folded(name);
    match classify(&name) {
        Class::EndToEnd if plain => Err(NotPassed::Anyway),
        Class::EndToEnd if is_needed(&name) => Err(NotPassed::Needed),
        Class::Rewrite if plain => Ok(()),
        Class::Rewrite => Err(NotPassed::Rewrites),
        Class::EndToEnd => Ok(()),
        Class::Forwarding => Err(NotPassed::Forwarding),
        Class::Hop => Err(NotPassed::Ends),
        Class::Identity => Err(NotPassed::Identity),
        Class::Own => Err(NotPassed::Ours),
    }
}

/// Whether a name may stand in `upstream.headers.remove`: one that no request needs.
pub fn may_remove(name: &str) -> Result<(), NotPassed> {
    let name = folded(name);
    match classify(&name) {
        Class::EndToEnd if is_needed(&name) => Err(NotPassed::Needed),
        Class::EndToEnd => Ok(()),
        Class::Forwarding | Class::Hop | Class::Identity | Class::Own | Class::Rewrite => {
            Err(NotPassed::Removed)
        }
    }
}

/// Whether a name may stand in `upstream.identity`: one by which nobody but us speaks to the application.
pub fn may_tell(name: &str) -> Result<(), NotPassed> {
    let class = classify(name);
    match class {
        _ if !is_plain(name) => Err(NotPassed::Odd),
        _ if is_ordinary(name) || is_needed(name) => Err(NotPassed::Needed),
        Class::EndToEnd | Class::Identity | Class::Own => Ok(()),
        Class::Forwarding => Err(NotPassed::Forwarding),
        Class::Hop => Err(NotPassed::Ends),
        Class::Rewrite => Err(NotPassed::Rewrites),
    }
}

/// What frames a message, names its target or its sender, or is read by us.
fn is_needed(name: &str) -> bool {
    matches!(
        name,
        "accept" | "authorization" | "cookie" | "host" | "origin" | "referer" | "step-up-key"
    ) || name.starts_with("content-")
        || name.starts_with("sec-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_for_no_other_may_pass() {
        for name in [
            "api_key",
            "x.client.version",
            "access_token",
            "x-script-name",
        ] {
            assert_eq!(may_pass(name), Ok(()), "{name}");
        }
        for (name, why) in [
            ("x-api-version", NotPassed::Anyway),
            ("script_name", NotPassed::Rewrites),
            ("path.info", NotPassed::Rewrites),
            ("transfer_encoding", NotPassed::Ends),
            ("x_forwarded_for", NotPassed::Forwarding),
            ("x-real-ip", NotPassed::Forwarding),
            ("remote_user", NotPassed::Identity),
            ("x.ssl.client.s.dn", NotPassed::Identity),
            ("content_length", NotPassed::Needed),
            ("sec_fetch_site", NotPassed::Needed),
            ("step_up_key", NotPassed::Needed),
            ("step_up", NotPassed::Ours),
            ("x-stepgate-level", NotPassed::Ours),
        ] {
            assert_eq!(may_pass(name), Err(why), "{name}");
        }
    }

    #[test]
    fn the_application_is_told_under_names_of_no_other_use() {
        for name in ["step-up-assertion", "remote-user", "x-account-proof"] {
            assert_eq!(may_tell(name), Ok(()), "{name}");
        }
        for (name, why) in [
            ("remote_user", NotPassed::Odd),
            ("step-up-key", NotPassed::Needed),
            ("authorization", NotPassed::Needed),
            ("user-agent", NotPassed::Needed),
            ("connection", NotPassed::Ends),
            ("x-forwarded-for", NotPassed::Forwarding),
            ("x-original-url", NotPassed::Rewrites),
        ] {
            assert_eq!(may_tell(name), Err(why), "{name}");
        }
    }

    #[test]
    fn what_requests_need_is_not_removed() {
        assert_eq!(may_remove("x-tenant-path"), Ok(()));
        for name in ["cookie", "content-type", "host", "step-up-key"] {
            assert_eq!(may_remove(name), Err(NotPassed::Needed), "{name}");
        }
        assert_eq!(may_remove("x-script-name"), Err(NotPassed::Removed));
    }
}
