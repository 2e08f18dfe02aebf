//! Headers on their way through this hop: the first line is the peer's address, the others are
//! `name: value`. What an application would take for ours, or for the word of a proxy, is ours.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use stepgate::proxy::fuzzing::pass_on;
use stepgate::request::{ForwardedStyle, HeaderRules, RewriteUrls, TrustedProxies};
use stepgate::session::{BrowserKeyCookie, CarriedLines, CredentialNames};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let peer = std::str::from_utf8(lines.next().unwrap_or_default()).ok();
    let peer = peer.and_then(|peer| peer.parse().ok());
    let peer: IpAddr = peer.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let mut headers = HeaderMap::new();
    for line in lines.take(50) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let cookie = BrowserKeyCookie::new(false, Duration::from_secs(60));
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
});
