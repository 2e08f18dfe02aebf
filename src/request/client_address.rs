//! Who the client is: the first address from the right that no trusted proxy added.

use crate::request::headers::Peer;
use http::header::{self, HeaderMap};
use ipnet::IpNet;
use std::net::IpAddr;

/// The proxies in front of us whose forwarding headers are believed; none by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Takes the networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub(crate) fn judge(&self, peer: IpAddr) -> Peer {
        if self.contains(peer) {
            Peer::Trusted
        } else {
            Peer::Anyone
        }
    }

    /// The client's address as given in `headers`, if the peer is trusted; else the peer's.
    ///
    /// Read from the right: each trusted hop has appended the address of the one before it. A hop that is
    /// not an address ends the walk: what is left of it is not from a trusted proxy.
    pub(crate) fn client(&self, peer: IpAddr, trust: Peer, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        // From anyone else the headers are what the client says of itself.
        if trust == Peer::Anyone {
            return client;
        }
        let forwarded = if headers.contains_key("x-forwarded-for") {
            hops(headers, "x-forwarded-for", |hop| hop.trim())
        } else {
            hops(headers, header::FORWARDED.as_str(), forwarded_for)
        };
        for hop in forwarded.iter().rev() {
            let Some(address) = address(hop) else { break };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

fn hops(headers: &HeaderMap, name: &str, read: fn(&str) -> &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines
        // A line that is no text becomes a hop that is no address, which ends the search.
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .map(|hop| read(hop).to_owned())
        .collect()
}

/// RFC 7239 §4: the `for` parameter of one element.
fn forwarded_for(element: &str) -> &str {
    element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map_or("?", |(_, value)| value.trim().trim_matches('"'))
}

/// An address, with or without port, IPv6 with or without brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if hop.matches(':').count() == 1 => hop.split_once(':')?.0,
        None => hop,
    };
    bare.parse()
        .ok()
        // `::ffff:192.0.2.1` is the IPv4 address that the settings name (RFC 4291 §2.5.5.2).
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, lines: &[(&'static str, &str)]) -> String {
        let proxies = TrustedProxies(trusted.iter().map(|net| net.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = peer.parse().unwrap();
        let trust = proxies.judge(peer);
        proxies.client(peer, trust, &headers).to_string()
    }

    #[test]
    fn no_proxy_is_trusted_by_default() {
        assert_eq!(
            client(&[], "10.0.0.1", &[("x-forwarded-for", "1.2.3.4")]),
            "10.0.0.1"
        );
    }

    #[test]
    fn the_first_untrusted_address_from_the_right_counts() {
        let trusted = ["10.0.0.0/8"];
        let line = [("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2")];
        assert_eq!(client(&trusted, "10.0.0.1", &line), "1.2.3.4");
        let lines = [
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-for", "10.0.0.2"),
        ];
        assert_eq!(client(&trusted, "10.0.0.1", &lines), "6.6.6.6");
        assert_eq!(client(&trusted, "::ffff:10.0.0.1", &line), "1.2.3.4");
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_walk() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(
            client(
                &trusted,
                "10.0.0.1",
                &[("x-forwarded-for", "1.2.3.4, unknown")]
            ),
            "10.0.0.1"
        );
    }

    #[test]
    fn forwarded_is_read_where_the_other_is_missing() {
        let trusted = ["10.0.0.0/8"];
        let line = [(
            "forwarded",
            "for=\"[2001:db8::1]:99\";proto=https, for=10.0.0.7:80",
        )];
        assert_eq!(client(&trusted, "10.0.0.1", &line), "2001:db8::1");
    }
}
