//! Whose passkeys they are: the RP ID that authenticators bind them to, and the origin that may use them.

use crate::domain::Origin;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use webauthn_rs::prelude::{Url, WebauthnBuilder};
use webauthn_rs::{DEFAULT_AUTHENTICATOR_TIMEOUT, Webauthn};

/// How long a ceremony may take (WebAuthn Level 3, §15.1: the recommended default).
pub(super) const CEREMONY_LIFE: Duration = DEFAULT_AUTHENTICATOR_TIMEOUT;

/// The relying party of WebAuthn that this proxy is.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: String,
    pub(super) webauthn: Arc<Webauthn>,
}

/// Why browsers would offer no passkey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRelyingParty {
    /// The host is an IP address, which is no RP ID (WebAuthn Level 3, §5.1.2).
    #[error("`{0}` is an IP address, to which browsers bind no passkey: expected a name")]
    Address(String),
    /// Pages of the origin are no secure context (W3C Secure Contexts, §3.1).
    #[error("browsers offer passkeys at `https:` addresses and at `localhost`, and not at `{0}`")]
    Insecure(String),
    /// The address that people see is not known.
    #[error("there is no `public_url`, to which browsers would bind a passkey")]
    NoPublicUrl,
    /// The RP ID is of another site (WebAuthn Level 3, §5.1.3).
    #[error("`{id}` is not `{host}`, and no domain above it")]
    OtherSite {
        /// The RP ID.
        id: String,
        /// The host that people see.
        host: String,
    },
}

impl RelyingParty {
    /// The relying party `id` for pages of `origin`; without an `id`, its host. `name` is what
    /// authenticators call it.
    pub fn new(id: Option<&str>, origin: &Origin, name: &str) -> Result<Self, NoRelyingParty> {
        let host = origin.host();
        if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
            return Err(NoRelyingParty::Address(host.to_owned()));
        }
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if !origin.is_https() && !is_local {
            return Err(NoRelyingParty::Insecure(origin.to_string()));
        }
        let id = id.map_or_else(|| host.to_owned(), str::to_ascii_lowercase);
        let other_site = || NoRelyingParty::OtherSite {
            id: id.clone(),
            host: host.to_owned(),
        };
        // HTML "is a registrable domain suffix of": browsers know all public suffixes, we know those of one label.
        if id != host && !id.contains('.') {
            return Err(other_site());
        }
        let url = Url::parse(origin.as_str()).map_err(|_| other_site())?;
        let builder = WebauthnBuilder::new(&id, &url).map_err(|_| other_site())?;
        let builder = builder.rp_name(name).timeout(CEREMONY_LIFE);
        let webauthn = builder.build().map_err(|_| other_site())?;
        Ok(Self {
            webauthn: Arc::new(webauthn),
            id,
        })
    }

    /// The RP ID. A passkey is of no use under any other.
    pub fn id(&self) -> &str {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: Option<&str>, origin: &str) -> Result<String, NoRelyingParty> {
        let origin = Origin::parse(origin).unwrap();
        RelyingParty::new(id, &origin, "Example").map(|party| party.id)
    }

    #[test]
    fn an_rp_id_is_the_host_or_a_domain_above_it() {
        for (id, origin, expected) in [
            (None, "https://app.example.com", "app.example.com"),
            (None, "https://intranet", "intranet"),
            (None, "http://localhost:8080", "localhost"),
            (None, "http://app.localhost:8080", "app.localhost"),
            (
                Some("example.com"),
                "https://app.example.com",
                "example.com",
            ),
            (
                Some("Example.com"),
                "https://app.example.com",
                "example.com",
            ),
        ] {
            assert_eq!(of(id, origin).as_deref(), Ok(expected), "{id:?} {origin}");
        }
        for (id, origin) in [
            (Some("com"), "https://app.example.com"),
            (Some("ample.com"), "https://app.example.com"),
            (Some("www.app.example.com"), "https://app.example.com"),
            (Some("example.org"), "https://app.example.com"),
            (Some(""), "https://app.example.com"),
            (Some(".com"), "https://app.example.com"),
            (Some("localhost"), "http://app.localhost"),
        ] {
            let refused = of(id, origin);
            let is_other_site = matches!(refused, Err(NoRelyingParty::OtherSite { .. }));
            assert!(is_other_site, "{id:?} {origin}: {refused:?}");
        }
    }

    #[test]
    fn no_passkey_without_a_name_and_a_secure_context() {
        for origin in [
            "https://192.0.2.7",
            "http://127.0.0.1:8080",
            "https://[2001:db8::1]",
        ] {
            assert!(
                matches!(of(None, origin), Err(NoRelyingParty::Address(_))),
                "{origin}"
            );
        }
        for origin in ["http://app.example.com", "http://localhost.example.com"] {
            assert!(
                matches!(of(None, origin), Err(NoRelyingParty::Insecure(_))),
                "{origin}"
            );
        }
    }
}
