//! Which headers end at this hop, which must not come from a client, and which we add.

mod cookies;
mod hop;
mod names;
mod pass;
mod request;
mod response;

pub(crate) use cookies::{GUEST_SUFFIX, LANGUAGE_SUFFIX, WAY_SUFFIX, join_cookies, remove_cookie};
pub(crate) use hop::Hop;
pub(crate) use names::{folded, is_plain};
pub use pass::{NotPassed, may_pass, may_remove, may_tell};
pub(crate) use request::{ProtectedHeader, cleanse, unremovable};
pub(crate) use response::{cleanse_interim, cleanse_response, cleanse_trailers};

/// Which identity headers only a trusted proxy may send, and what else is removed or passed.
#[derive(Clone, Debug)]
pub struct HeaderRules {
    /// Names, beyond the well-known ones, that assert an identity; lower case, with dashes.
    pub identity: Vec<String>,
    /// Whether `X-Original-URL`, `X-Script-Name` and their kind are passed on.
    pub rewrite_urls: RewriteUrls,
    /// Names that are passed on although they are not plain, or ask for another path; lower case.
    pub pass: Vec<String>,
    /// Names, beyond the well-known ones, that are removed from every request; lower case, with dashes.
    pub remove: Vec<String>,
    /// Names under which we tell the application who somebody is, and nobody else does; lower case, with dashes.
    pub told: Vec<String>,
    /// Which forwarding headers are sent to the application.
    pub forwarded: ForwardedStyle,
    /// The name of our browser-key cookie, which is removed before the application.
    pub browser_cookie: String,
}

impl HeaderRules {
    /// Whether a header that would be removed is passed on by name.
    fn passes(&self, name: &str) -> bool {
        self.pass.iter().any(|passed| passed == name)
    }
}

/// Whether headers that ask for another path, prefix, host or method are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteUrls {
    /// They are passed on: some application needs them, and no route is guarded against them.
    Pass,
    /// They are passed on from a trusted proxy, which must remove those of its clients.
    Proxies,
    /// They are removed.
    Remove,
}

/// How the application learns the client's address and scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedStyle {
    /// Both.
    Both,
    /// `Forwarded` (RFC 7239).
    Rfc7239,
    /// `X-Forwarded-For`, `-Proto` and `-Host`.
    XForwarded,
}

/// Whether the peer of a connection is a proxy that the operator trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Anybody.
    Anyone,
    /// One of `trusted_proxies`.
    Trusted,
}

fn hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

#[cfg(test)]
mod tests;
