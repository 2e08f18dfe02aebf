//! Connection-based authentication: NTLM and Negotiate authenticate the connection, not the request.
//!
//! The application then attributes every request on that connection to that user. RFC 4559 §6: a proxy must not
//! share such a connection between clients.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// What a response says of the authentication of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AuthProgress {
    /// Nothing.
    Nothing,
    /// It is offered or asked for; nothing is authenticated by that.
    Offered,
    /// It is under way, or done.
    Begun,
}

/// Whether a request authenticates the connection that it is sent on.
pub(crate) fn is_begun_by(request: &HeaderMap) -> bool {
    // Every line: which of several the application reads is not known.
    let mut lines = request.get_all(AUTHORIZATION).iter();
    lines.any(is_begun_in)
}

/// The same of one `Authorization` line.
pub(crate) fn is_begun_in(line: &HeaderValue) -> bool {
    schemes(line).any(|(scheme, _)| is_of_connections(scheme))
}

/// What one header line of a response says of it.
pub(super) fn auth_progress(
    name: &HeaderName,
    value: &HeaderValue,
    succeeded: bool,
) -> AuthProgress {
    let mut schemes = schemes(value).filter(|(scheme, _)| is_of_connections(scheme));
    match name.as_str() {
        // A success that still names it, or a token for the client, is part of a handshake.
        "www-authenticate" | "proxy-authenticate" => {
            let progress = schemes.map(|(_, has_more)| {
                if has_more || succeeded {
                    AuthProgress::Begun
                } else {
                    AuthProgress::Offered
                }
            });
            progress.max().unwrap_or(AuthProgress::Nothing)
        }
        // RFC 7615. Digest and SCRAM use it as well, and those log in one request.
        "authentication-info" | "proxy-authentication-info" if schemes.next().is_some() => {
            AuthProgress::Begun
        }
        // IIS says it of every Negotiate, be it kept or not.
        "persistent-auth" => AuthProgress::Begun,
        _ => AuthProgress::Nothing,
    }
}

/// The schemes that a field may name, each with whether anything follows it.
///
/// A challenge may be a list, and a comma also stands between the parameters of one (RFC 9110 §11.6.1);
/// so whatever begins an element is looked at.
fn schemes(line: &HeaderValue) -> impl Iterator<Item = (&[u8], bool)> {
    let elements = line.as_bytes().split(|byte| *byte == b',');
    elements.map(|element| {
        let element = element.trim_ascii();
        let end = element.iter().position(u8::is_ascii_whitespace);
        let (scheme, rest) = element.split_at(end.unwrap_or(element.len()));
        (scheme, !rest.trim_ascii().is_empty())
    })
}

/// NTLM (MS-NTHT), Negotiate (RFC 4559), and the names that Microsoft has used beside them.
fn is_of_connections(scheme: &[u8]) -> bool {
    const SCHEMES: [&[u8]; 4] = [b"negotiate", b"ntlm", b"kerberos", b"nego2"];
    SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_static(line));
        }
        is_begun_by(&headers)
    }

    #[test]
    fn a_request_begins_it_in_every_spelling() {
        for lines in [
            &["NTLM TlRMTVNTUAAB"][..],
            &["Negotiate YIIB"],
            &["negotiate YIIB"],
            &["nTlM\tTlRM"],
            &["  Kerberos YIIB"],
            &["Negotiate"],
            &["Basic eDp5, Negotiate YIIB"],
            &["Bearer x", "NTLM TlRM"],
        ] {
            assert!(request(lines), "{lines:?}");
        }
    }

    #[test]
    fn what_logs_in_one_request_does_not() {
        for lines in [
            &[][..],
            &["Basic bnRsbTpudGxt"],
            &["Bearer ntlm"],
            &["Digest username=\"negotiate\", realm=\"ntlm\""],
            &["NTLMv3 x"],
            &["SCRAM-SHA-256 data=x"],
        ] {
            assert!(!request(lines), "{lines:?}");
        }
    }

    #[test]
    fn an_answer_tells_how_far_it_is() {
        let progress_of = |name: &'static str, value, succeeded| {
            let name = HeaderName::from_static(name);
            auth_progress(&name, &HeaderValue::from_static(value), succeeded)
        };
        for (value, succeeded, progress) in [
            ("NTLM", false, AuthProgress::Offered),
            ("Negotiate, NTLM", false, AuthProgress::Offered),
            ("Basic realm=\"a, b\", ntlm", false, AuthProgress::Offered),
            ("NTLM TlRMTVNTUAAC", false, AuthProgress::Begun),
            ("Basic realm=x, Negotiate oYG2", false, AuthProgress::Begun),
            ("Negotiate oYG2", true, AuthProgress::Begun),
            ("Negotiate", true, AuthProgress::Begun),
            ("Basic realm=\"Negotiate\"", false, AuthProgress::Nothing),
            ("Digest realm=x, qop=auth", false, AuthProgress::Nothing),
        ] {
            assert_eq!(
                progress_of("www-authenticate", value, succeeded),
                progress,
                "{value}"
            );
            assert_eq!(
                progress_of("proxy-authenticate", value, succeeded),
                progress
            );
        }
        assert_eq!(
            progress_of("persistent-auth", "false", true),
            AuthProgress::Begun
        );
        assert_eq!(
            progress_of("authentication-info", "Negotiate oY", true),
            AuthProgress::Begun
        );
        assert_eq!(
            progress_of("authentication-info", "nextnonce=\"n\"", true),
            AuthProgress::Nothing
        );
        assert_eq!(
            progress_of("content-type", "NTLM x", true),
            AuthProgress::Nothing
        );
    }
}
