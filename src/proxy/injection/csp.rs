//! Whether the Content-Security-Policies of a page let our script run, and by which nonce. They are never changed.
//!
//! CSP Level 3, of the directives about scripts that stand in the markup. `require-trusted-types-for` says nothing of them.

/// Our script, as the policies of a page see it.
#[derive(Debug)]
pub(super) struct Script {
    /// Where the page and the script come from: `https`, `app.example.com` and a port, if one is written.
    scheme: String,
    host: String,
    port: Option<String>,
    /// The path of the script.
    path: String,
}

/// What the policies of a page say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission<'p> {
    /// One of those in force does not let the script run.
    Barred,
    /// It runs if its tag bears this nonce.
    ByNonce(&'p str),
    /// It runs.
    Given,
}

/// What one policy asks of the script.
enum NonceNeed<'p> {
    /// Nothing.
    Nothing,
    /// One of these nonces; none of any use if there are none.
    Nonce(Vec<&'p str>),
}

impl Script {
    /// The script at `path` of an origin such as `https://app.example.com`.
    pub(super) fn new(origin: &str, path: &str) -> Self {
        let (scheme, authority) = origin.split_once("://").unwrap_or(("http", origin));
        let (host, port) = split_port(authority);
        Self {
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_ascii_lowercase(),
            port: port.map(str::to_owned),
            path: path.to_owned(),
        }
    }

    /// Whether the script may run. A policy that only reports decides nothing, but its nonce is taken where no other is needed:
    /// nothing is reported then.
    pub(super) fn permission<'p>(
        &self,
        in_force: impl Iterator<Item = &'p str>,
        reporting: impl Iterator<Item = &'p str>,
    ) -> Permission<'p> {
        let mut wanted: Option<Vec<&str>> = None;
        for policy in in_force.flat_map(|line| line.split(',')) {
            if let NonceNeed::Nonce(mut nonces) = self.asked_by(policy) {
                // One attribute has to do for all of them.
                nonces.retain(|nonce| wanted.as_ref().is_none_or(|all| all.contains(nonce)));
                wanted = Some(nonces);
            }
        }
        let mut reporting = reporting.flat_map(|line| line.split(','));
        let nonce = match wanted {
            Some(nonces) => match nonces.first() {
                Some(nonce) => Some(*nonce),
                None => return Permission::Barred,
            },
            None => reporting.find_map(|policy| match self.asked_by(policy) {
                NonceNeed::Nonce(nonces) => nonces.first().copied(),
                NonceNeed::Nothing => None,
            }),
        };
        nonce.map_or(Permission::Given, Permission::ByNonce)
    }

    fn asked_by<'p>(&self, policy: &'p str) -> NonceNeed<'p> {
        let directives = || policy.split(';').map(str::trim_ascii);
        // Of two directives with the same name the first counts (CSP3 §2.2.1).
        let of = |wanted: &str| {
            directives().find_map(|directive| {
                let mut words = directive.split_ascii_whitespace();
                let name = words.next()?;
                name.eq_ignore_ascii_case(wanted).then_some(words)
            })
        };
        if let Some(mut flags) = of("sandbox")
            && !flags.any(|flag| flag.eq_ignore_ascii_case("allow-scripts"))
        {
            return NonceNeed::Nonce(Vec::new());
        }
        let sources = of("script-src-elem").or_else(|| of("script-src"));
        let Some(sources) = sources.or_else(|| of("default-src")) else {
            return NonceNeed::Nothing;
        };
        let is = |source: &str, word: &str| source.eq_ignore_ascii_case(word);
        // Then sources that name places count for nothing (CSP3 §6.7.1.1).
        let is_strict = sources.clone().any(|source| is(source, "'strict-dynamic'"));
        if !is_strict && sources.clone().any(|source| self.is_from(source)) {
            return NonceNeed::Nothing;
        }
        NonceNeed::Nonce(sources.filter_map(nonce).collect())
    }

    /// CSP3 §6.7.2.8: whether a source names the place of the script.
    fn is_from(&self, source: &str) -> bool {
        if source.starts_with('\'') {
            return source.eq_ignore_ascii_case("'self'");
        }
        if source == "*" {
            return true;
        }
        if let Some(scheme) = source.strip_suffix(':') {
            return self.is_of_scheme(scheme);
        }
        let (scheme, rest) = match source.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, source),
        };
        let path_at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        let (host, port) = split_port(authority);
        scheme.is_none_or(|scheme| self.is_of_scheme(scheme))
            && self.is_of_host(&host.to_ascii_lowercase())
            && self.is_of_port(port)
            && self.is_at(path)
    }

    fn is_of_scheme(&self, scheme: &str) -> bool {
        // `http:` names https as well.
        scheme.eq_ignore_ascii_case(&self.scheme) || scheme.eq_ignore_ascii_case("http")
    }

    fn is_of_host(&self, host: &str) -> bool {
        match host.strip_prefix('*') {
            // `*` alone, or `*.example.com`, which does not name `example.com` itself.
            Some(rest) => self.host.len() > rest.len() && self.host.ends_with(rest),
            None => self.host == host,
        }
    }

    fn is_of_port(&self, port: Option<&str>) -> bool {
        let default = if self.scheme == "https" { "443" } else { "80" };
        let own = self.port.as_deref().unwrap_or(default);
        match port {
            None => own == default,
            Some("*") => true,
            Some(port) => port == own || (port == "80" && own == "443"),
        }
    }

    fn is_at(&self, path: &str) -> bool {
        path.is_empty() || path == self.path || (path.ends_with('/') && self.path.starts_with(path))
    }
}

/// The nonce that a source names, if it is one that can stand in an attribute as it is.
fn nonce(source: &str) -> Option<&str> {
    let head = source.get(..NONCE.len())?;
    let nonce = source.get(NONCE.len()..)?.strip_suffix('\'')?;
    // RFC 4648 §4 and §5: what CSP allows.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    let is_nonce = head.eq_ignore_ascii_case(NONCE) && !nonce.is_empty();
    (is_nonce && nonce.bytes().all(is_plain)).then_some(nonce)
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    }
}

const NONCE: &str = "'nonce-";

#[cfg(test)]
mod tests {
    use super::Permission::{Barred, ByNonce, Given};
    use super::*;

    fn asked<'p>(in_force: &[&'p str], reporting: &[&'p str]) -> Permission<'p> {
        let script = Script::new("https://app.example.com", "/.stepup/client.js");
        script.permission(in_force.iter().copied(), reporting.iter().copied())
    }

    #[test]
    fn a_policy_that_names_our_place_asks_for_nothing() {
        for policy in [
            "",
            "img-src 'none'; frame-ancestors 'self'",
            "script-src 'self'",
            "default-src 'none'; SCRIPT-SRC 'Self'",
            "script-src 'none'; script-src-elem 'self'",
            "script-src 'self' 'nonce-abc'",
            "script-src *",
            "script-src https:",
            "script-src http:",
            "script-src app.example.com",
            "script-src APP.example.com:443",
            "script-src app.example.com:*",
            "script-src *.example.com",
            "script-src https://app.example.com/.stepup/",
            "script-src http://app.example.com:80/.stepup/client.js",
            "script-src https://*:*",
            "sandbox allow-scripts allow-forms",
            "require-trusted-types-for 'script'; trusted-types 'none'",
            "script-src 'self'; script-src 'none'",
        ] {
            assert_eq!(asked(&[policy], &[]), Given, "{policy}");
        }
    }

    #[test]
    fn a_policy_that_does_not_name_our_place_wants_its_nonce_or_bars_us() {
        for (policy, nonce) in [
            ("script-src 'nonce-r4nd0m+/='", Some("r4nd0m+/=")),
            ("script-src 'nonce-a-b_c' 'nonce-d'", Some("a-b_c")),
            (
                "default-src 'strict-dynamic' 'self' 'nonce-abc'",
                Some("abc"),
            ),
            ("script-src 'strict-dynamic' https: 'sha256-AAAA'", None),
            ("script-src 'none'", None),
            ("script-src", None),
            ("default-src 'none'", None),
            (
                "script-src 'self'; script-src-elem https://cdn.example.net",
                None,
            ),
            ("script-src 'unsafe-inline' 'unsafe-eval' data: blob:", None),
            ("script-src example.com", None),
            ("script-src *.app.example.com", None),
            ("script-src app.example.com:8443", None),
            ("script-src https://app.example.com/static/", None),
            ("script-src https://app.example.com/.stepup", None),
            ("sandbox allow-forms", None),
            ("script-src 'nonce-\"><x'", None),
            ("script-src 'nonce-'", None),
        ] {
            let expected = nonce.map_or(Barred, ByNonce);
            assert_eq!(asked(&[policy], &[]), expected, "{policy}");
        }
    }

    #[test]
    fn all_policies_in_force_must_be_met_by_one_nonce() {
        let one = "script-src 'nonce-a' 'nonce-b'";
        assert_eq!(asked(&[one, "script-src 'self'"], &[]), ByNonce("a"));
        assert_eq!(asked(&[one, "script-src 'nonce-b'"], &[]), ByNonce("b"));
        assert_eq!(asked(&[one, "script-src 'nonce-c'"], &[]), Barred);
        assert_eq!(
            asked(&["script-src 'self', script-src 'none'"], &[]),
            Barred
        );
    }

    #[test]
    fn a_policy_that_reports_decides_nothing() {
        assert_eq!(asked(&[], &["script-src 'none'"]), Given);
        assert_eq!(asked(&[], &["script-src 'nonce-a'"]), ByNonce("a"));
        let in_force = "script-src 'nonce-b'";
        assert_eq!(asked(&[in_force], &["script-src 'nonce-a'"]), ByNonce("b"));
    }
}
