use proptest::prelude::*;

use super::*;

/// A subjectAltName with one name of this number.
fn one(number: u8, value: &[u8]) -> Vec<u8> {
    let length = |length: usize| u8::try_from(length).expect("a short name");
    [&[0x30, length(value.len() + 2), 0x80 | number, length(value.len())], value].concat()
}

fn names(number: u8, value: &[u8]) -> Vec<CertificateName> {
    alternative_names(&one(number, value)).expect("names")
}

/// A7: what is registered, against what stands in a certificate (RFC 5280 §7, RFC 5952 §8).
#[test]
fn a7_alternative_names() {
    use NameForm::{Dns, Email, Ip, Uri};
    let v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    for (form, registered, number, value, same) in [
        (Dns, "client.example", 2, &b"client.example"[..], true),
        (Dns, "Client.EXAMPLE", 2, b"cLIENT.example", true),
        (Dns, "client.example", 2, b"client.example.", false),
        (Dns, "client.example", 2, b"*.example", false),
        (Dns, "client.example", 2, b"client.example\0.evil.example", false),
        (Dns, "client.example", 1, b"client.example", false),
        (Dns, "client.example", 6, b"client.example", false),
        (Uri, "https://client.example/x", 6, b"https://client.example/x", true),
        (Uri, "https://client.example/x", 6, b"https://CLIENT.example/x", false),
        (Uri, "https://client.example/x", 6, b"https://client.example/X", false),
        (Uri, "https://client.example/", 6, b"https://client.example", false),
        (Uri, "spiffe://trust.example/client", 6, b"spiffe://trust.example/client", true),
        (
            Uri,
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            2,
            b"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            false,
        ),
        (Ip, "192.0.2.1", 7, &[192, 0, 2, 1], true),
        (Ip, "192.0.2.1", 7, &[192, 0, 2, 2], false),
        (Ip, "192.0.2.1", 7, &[192, 0, 2, 1, 255, 255, 255, 255], false),
        (Ip, "192.0.2.1", 2, b"192.0.2.1", false),
        (Ip, "2001:db8::1", 7, &v6, true),
        (Ip, "2001:0DB8:0:0:0:0:0:1", 7, &v6, true),
        (Ip, "2001:db8::0.0.0.1", 7, &v6, true),
        (Ip, "::ffff:192.0.2.1", 7, &[192, 0, 2, 1], false),
        (Email, "client@example.com", 1, b"client@EXAMPLE.com", true),
        (Email, "client@Example.com", 1, b"client@example.com", true),
        (Email, "client@example.com", 1, b"Client@example.com", false),
        (Email, "client@example.com", 1, b"\"a@b\"client@example.com", false),
        (Email, "client@example.com", 2, b"client@example.com", false),
    ] {
        let registered = form.parse(registered).expect(registered);
        assert_eq!(names(number, value).contains(&registered), same, "{registered:?} {value:?}");
    }
}

/// A7: what cannot be registered.
#[test]
fn a7_names_that_are_none() {
    let long = format!("{}.example", "a".repeat(64));
    let longest = vec!["a".repeat(49); 6].join(".");
    let crowded = format!("{}@example.com", "a".repeat(65));
    for (form, bad) in [
        (
            NameForm::Dns,
            &[
                "",
                ".",
                "a..b",
                ".a",
                "a.",
                "-a.b",
                "a-.b",
                "*.a.b",
                "a_b",
                "a b",
                "ä.b",
                "192.0.2.1",
                "a.1",
                "a:1",
                &long,
                &longest,
            ][..],
        ),
        (
            NameForm::Uri,
            &[
                "",
                "a",
                "/a",
                "a:",
                "//a.example",
                "https://",
                "https://a b",
                "https://a/%",
                "https://a/%4",
                "https://a/%zz",
                "https://ä",
                "1a:b",
                "https://a\\b",
                "a\0:b",
                "https://a/|",
            ],
        ),
        (
            NameForm::Ip,
            &[
                "",
                "1",
                "1.2.3",
                "192.0.2.01",
                "192.0.2.256",
                "0x7f.1",
                "192.0.2.1/32",
                "[::1]",
                "::1%eth0",
                ":::",
                "192.0.2.1:80",
            ],
        ),
        (
            NameForm::Email,
            &[
                "",
                "a",
                "@",
                "a@",
                "@a.b",
                "a@b@c.d",
                "a..b@c.d",
                ".a@c.d",
                "a b@c.d",
                "\"a\"@c.d",
                "a@[192.0.2.1]",
                "a@192.0.2.1",
                "ä@c.d",
                "<a@c.d>",
                "mailto:a@c.d",
                &crowded,
            ],
        ),
    ] {
        for bad in bad {
            form.parse(bad).expect_err(bad);
        }
    }
}

/// A7: other forms of names stand beside, and are no hindrance; what is no list of names is malformed.
#[test]
fn a7_names_of_other_forms() {
    let (other, directory, dns) = ([0xa0, 0x02, 0x05, 0x00], [0xa4, 0x02, 0x30, 0x00], [0x82, 0x01, b'a']);
    let address = [0xa3, 0x02, 0x30, 0x00];
    let content = [&other[..], &directory, &address, &dns].concat();
    let der = [&[0x30, u8::try_from(content.len()).expect("short")], &content[..]].concat();
    assert_eq!(alternative_names(&der), Some(vec![CertificateName::Dns("a".to_owned())]));
    assert_eq!(names(2, b"\xff"), []);
    assert_eq!(names(7, b"\x7f\x00\x01"), []);
    for bad in [&b""[..], &[0x30, 0x01], &[0x31, 0x00], &[0x30, 0x02, 0x82, 0x05], &[0x30, 0x00, 0x00]] {
        assert_eq!(alternative_names(bad), None, "{bad:?}");
    }
}

/// A7: a percent-escape has two hexadecimal digits (RFC 3986 §2.1).
#[test]
fn a7_escapes_of_a_uri() {
    for good in ["spiffe://a.example/%41z", "https://a.example/%c3%A4?q=%20"] {
        NameForm::Uri.parse(good).expect(good);
    }
    for bad in ["spiffe://a.example/%4", "spiffe://a.example/%", "spiffe://a.example/%4g", "https://a.example/%zz/a"] {
        NameForm::Uri.parse(bad).expect_err(bad);
    }
}

proptest! {
    /// Any text for any form: no panic, and what parses is found in a certificate that holds it as it is.
    #[test]
    fn any_text(text in "\\PC{0,60}|[a-zA-Z0-9.@:/%-]{0,60}") {
        for (form, number) in [(NameForm::Dns, 2), (NameForm::Uri, 6), (NameForm::Email, 1)] {
            if let Ok(name) = form.parse(&text) {
                prop_assert_eq!(names(number, text.as_bytes()), [name]);
            }
        }
        let _ = NameForm::DistinguishedName.parse(&text);
    }

    /// Any spelling of an address: its bytes are what counts.
    #[test]
    fn any_address(address: IpAddr, text: String) {
        let _ = NameForm::Ip.parse(&text);
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let name = NameForm::Ip.parse(&address.to_string()).expect("an address");
        prop_assert_eq!(names(7, &bytes), [name]);
    }

    /// Any bytes for the names of a certificate: no panic.
    #[test]
    fn any_bytes(bytes: Vec<u8>, number in 0_u8..32, value in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = alternative_names(&bytes);
        let _ = alternative_names(&one(number, &value));
    }
}
