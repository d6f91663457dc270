//! Determines which addresses are public, by IANA's registries of RFC 6890.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The IPv4 ranges that are not public.
const V4: &[Ipv4Net] = &[
    // "This network" (RFC 791).
    v4([0, 0, 0, 0], 8),
    // Private (RFC 1918).
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    // Shared by carriers (RFC 6598).
    v4([100, 64, 0, 0], 10),
    // Loopback (RFC 1122).
    v4([127, 0, 0, 0], 8),
    // Link-local (RFC 3927): the metadata of instances and containers.
    v4([169, 254, 0, 0], 16),
    // Protocol assignments (RFC 6890), documentation (RFC 5737), relays of 6to4 (RFC 7526).
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([192, 88, 99, 0], 24),
    // Benchmarks (RFC 2544).
    v4([198, 18, 0, 0], 15),
    // Multicast (RFC 5771), reserved and broadcast (RFC 1112, RFC 919).
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// The range of all public IPv6 addresses (RFC 4291 §2.5.4). Mapped, link-local, unique local, multicast and all
/// other special addresses are outside it.
const V6_GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The ranges within it that are not public.
const V6: &[Ipv6Net] = &[
    // Protocol assignments (RFC 2928), including Teredo (RFC 4380).
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation (RFC 3849, RFC 9637).
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    // 6to4 (RFC 3056), which can embed any IPv4 address.
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
];

/// The prefix of IPv4 addresses that a network translates (RFC 6052 §2.1).
const TRANSLATED: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(octets: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), length)
}

const fn v6(segments: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), length)
}

/// Whether an address is reachable from the public internet. No other address is ever opened.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            if TRANSLATED.contains(&address) {
                let [.., a, b, c, d] = address.octets();
                return is_public_v4(Ipv4Addr::new(a, b, c, d));
            }
            V6_GLOBAL.contains(&address) && !V6.iter().any(|network| network.contains(&address))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !V4.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().expect(text))
    }

    /// A6: the first and last address of each range that is not public, and their neighbours.
    #[test]
    fn a6_addresses() {
        for inside in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
        ] {
            assert!(!public(inside), "{inside}");
            let v4: Ipv4Addr = inside.parse().expect("an address");
            assert!(!is_public(v4.to_ipv6_mapped().into()), "mapped {inside}");
            assert!(!is_public(v4.to_ipv6_compatible().into()), "compatible {inside}");
            let [a, b, c, d] = v4.octets().map(u16::from);
            let low = [a << 8 | b, c << 8 | d];
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, low[0], low[1]);
            assert!(!is_public(translated.into()), "translated {inside}");
            assert!(!is_public(Ipv6Addr::new(0x2002, low[0], low[1], 0, 0, 0, 0, 1).into()), "6to4 {inside}");
        }
        for outside in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
        ] {
            assert!(public(outside), "{outside}");
        }
        for inside in [
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002::1",
            "3fff::1",
            "3fff:fff:ffff::1",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(!public(inside), "{inside}");
        }
        for outside in ["2000::1", "2001:200::1", "2001:4860:4860::8888", "2003::1", "2a00::1", "64:ff9b::8.8.8.8"] {
            assert!(public(outside), "{outside}");
        }
    }

    proptest! {
        /// Addresses that the standard library classifies as special are never public.
        #[test]
        fn any_v4(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_broadcast() || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!special || !is_public(address.into()));
            prop_assert!(!is_public(address.to_ipv6_mapped().into()));
        }

        #[test]
        fn any_v6(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let special = address.is_loopback() || address.is_unspecified() || address.is_multicast()
                || address.is_unique_local() || address.is_unicast_link_local();
            prop_assert!(!special || !is_public(address.into()));
        }
    }
}
