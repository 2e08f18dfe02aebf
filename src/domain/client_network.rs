//! What counts as one client where clients are counted by address.

use std::net::IpAddr;

/// The network that one client usually has to itself: an IPv4 address, or an IPv6 /64, in which it can
/// take any address (RFC 6177 §2).
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum ClientNetwork {
    /// An IPv4 address, also one that came mapped into IPv6.
    V4([u8; 4]),
    /// The first half of an IPv6 address.
    V6([u8; 8]),
}

impl ClientNetwork {
    /// The network that an address is in.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                Self::V6(address.octets().first_chunk().copied().unwrap_or_default())
            }
        }
    }

    /// The bytes that tell it from every other.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one_and_ipv4_is_ipv4_however_it_is_written() {
        let of = |address: &str| ClientNetwork::of(address.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(
            of("2001:db8::1").as_bytes(),
            [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0]
        );
    }
}
