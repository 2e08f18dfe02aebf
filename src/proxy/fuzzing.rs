//! What `fuzz/` reaches of the proxy's inside; built for that alone.

use crate::request::client_address::TrustedProxies;
use crate::request::headers::{HeaderRules, Hop, Peer, cleanse, cleanse_response, remove_cookie};
use crate::session::BrowserKeyCookie;
use http::{HeaderMap, Version};
use std::net::IpAddr;

/// Takes headers through this hop, in and out; tells what the application would get of them.
pub fn pass_on(
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
