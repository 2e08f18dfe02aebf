//! Headers on their way through this hop: the first line is the peer's address, the others are
//! `name: value`. What an application would take for ours, or for the word of a proxy, is ours.

use super::header_lines;
use crate::request::client_address::TrustedProxies;
use crate::request::headers::{HeaderRules, Hop, Peer, cleanse, cleanse_response, remove_cookie};
use crate::request::{ForwardedStyle, RewriteUrls};
use crate::session::{BrowserKeyCookie, CarriedLines, CredentialNames};
use http::{HeaderMap, Version};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub(super) fn edge(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let peer = std::str::from_utf8(lines.next().unwrap_or_default()).ok();
    let peer = peer.and_then(|peer| peer.parse().ok());
    let peer: IpAddr = peer.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let headers = header_lines(lines);
    let cookie = BrowserKeyCookie::new(false, Duration::from_mins(1));
    let carried = |headers: &HeaderMap| CarriedLines::of(headers, "/", &CredentialNames::default());
    let _ = cookie.read(&carried(&headers), &headers);
    let rules = HeaderRules {
        identity: vec!["x-single-sign-on".to_owned()],
        rewrite_urls: RewriteUrls::Remove,
        pass: vec!["x_odd_name".to_owned()],
        remove: vec!["x-tenant-path".to_owned()],
        told: vec!["x-account-proof".to_owned()],
        forwarded: ForwardedStyle::Both,
        browser_cookie: cookie.name().to_owned(),
    };
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
    let trusted = proxies.contains(peer);
    let Some(told) = pass_on(headers, &rules, peer, &proxies) else {
        return;
    };
    for name in told.keys() {
        let folded = name
            .as_str()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        assert!(name.as_str() == folded || name == "x_odd_name", "{name}");
        assert!(!folded.starts_with("step-up"), "{name} came from outside");
        let moving = [
            "path-info",
            "script-name",
            "x-forwarded-prefix",
            "x-original-url",
            "x-script-name",
        ];
        assert!(!moving.contains(&folded.as_str()), "{name}");
        assert!(
            folded != "transfer-encoding" && folded != "x-tenant-path",
            "{name}"
        );
        assert!(trusted || folded != "x-single-sign-on", "{name}");
        let told = ["forwarded", "x-forwarded-for", "x-forwarded-proto"].contains(&folded.as_str());
        assert!(!told || name.as_str() == folded, "{name}");
    }
    assert_eq!(told.get_all("x-forwarded-for").iter().count(), 1);
    // After this hop the application's own cookies are all that is left of the line.
    assert!(cookie.read(&carried(&told), &told).is_none());
}

/// Takes headers through this hop, in and out; tells what the application would get of them.
fn pass_on(
    mut headers: HeaderMap,
    rules: &HeaderRules,
    peer: IpAddr,
    proxies: &TrustedProxies,
) -> Option<HeaderMap> {
    let _address = proxies.client(peer, proxies.judge(peer), &headers);
    let peer_kind = proxies.judge(peer);
    cleanse(&mut headers, rules, peer_kind).ok()?;
    let once = headers.clone();
    assert!(cleanse(&mut headers, rules, Peer::Anyone).is_ok());
    if peer_kind == Peer::Anyone {
        assert_eq!(headers, once, "a second look finds more");
    }
    // As `forward` does, once the key was read.
    headers.remove(BrowserKeyCookie::HEADER);
    remove_cookie(&mut headers, &rules.browser_cookie);
    let hop = Hop::new(peer, "http", peer_kind);
    hop.announce(&mut headers, Version::HTTP_11, rules.forwarded);
    cleanse_response(&mut headers.clone());
    Some(headers)
}
