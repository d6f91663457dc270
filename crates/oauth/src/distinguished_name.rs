//! Distinguished names: RFC 5280 §4.1.2.4, in the string form of RFC 4514.

use std::collections::BTreeSet;

use spki::ObjectIdentifier;
use spki::der::asn1::{Any, BmpString};
use spki::der::{Decode, Encode, Tag, Tagged};
use x509_cert::name::RdnSequence;

use crate::memory;

/// The names of attribute types that are understood beside dotted-decimal ones: those of RFC 4514 §3, and
/// those that OpenSSL prints for attributes of certificates.
const NAMES: &[(&str, ObjectIdentifier)] = &[
    ("CN", ObjectIdentifier::new_unwrap("2.5.4.3")),
    ("L", ObjectIdentifier::new_unwrap("2.5.4.7")),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8")),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10")),
    ("OU", ObjectIdentifier::new_unwrap("2.5.4.11")),
    ("C", ObjectIdentifier::new_unwrap("2.5.4.6")),
    ("STREET", ObjectIdentifier::new_unwrap("2.5.4.9")),
    ("DC", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25")),
    ("UID", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1")),
    ("SN", ObjectIdentifier::new_unwrap("2.5.4.4")),
    ("GN", ObjectIdentifier::new_unwrap("2.5.4.42")),
    ("serialNumber", ObjectIdentifier::new_unwrap("2.5.4.5")),
    ("businessCategory", ObjectIdentifier::new_unwrap("2.5.4.15")),
    ("postalCode", ObjectIdentifier::new_unwrap("2.5.4.17")),
    ("organizationIdentifier", ObjectIdentifier::new_unwrap("2.5.4.97")),
    ("jurisdictionC", ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.60.2.1.3")),
    ("jurisdictionST", ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.60.2.1.2")),
    ("jurisdictionL", ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.60.2.1.1")),
    ("emailAddress", ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1")),
];

/// The characters that must be escaped wherever they stand in a value, and those that may be (RFC 4514 §2.4, §3).
const SPECIAL: &[u8] = b"\"+,;<>";
const ESCAPABLE: &[u8] = b"\"+,;<>\\ #=";

/// A name, in the order of the certificate. The attributes of one level are a set. Values are compared
/// character by character, whatever string type the certificate has for them: two names that a lenient
/// comparison would take for one are two here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<BTreeSet<(ObjectIdentifier, Value)>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// DER of something that is no text.
    Other(Vec<u8>),
}

/// The text is not a distinguished name of RFC 4514.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a distinguished name of RFC 4514")]
pub struct DistinguishedNameError;

impl DistinguishedName {
    /// An upper estimate of the memory that it takes beside itself, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        // Each set has a node of its own, and its values are copies of the text.
        let bytes = |(_, value): &(ObjectIdentifier, Value)| match value {
            Value::Text(text) => memory::text(text),
            Value::Other(bytes) => memory::list(bytes),
        };
        let node = 12 * size_of::<(ObjectIdentifier, Value)>() + 128;
        let set = |set: &BTreeSet<_>| (set.len() / 5 + 1) * node + set.iter().map(bytes).sum::<usize>();
        memory::list(&self.0) + self.0.iter().map(set).sum::<usize>()
    }

    /// Reads the string form, in which the most specific part comes first. Spaces around separators are
    /// allowed, as many programs print them.
    ///
    /// # Errors
    /// [`DistinguishedNameError`]; also for the empty name, which is nobody's.
    pub fn parse(text: &str) -> Result<Self, DistinguishedNameError> {
        let mut rest = text.as_bytes();
        let (mut levels, mut level) = (Vec::new(), BTreeSet::new());
        loop {
            let (attribute, after) = attribute(rest)?;
            level.insert(attribute);
            match after.split_first() {
                Some((b'+', after)) => rest = after,
                Some((_, after)) => {
                    levels.push(std::mem::take(&mut level));
                    rest = after;
                }
                None => break,
            }
        }
        levels.push(level);
        levels.reverse();
        Ok(Self(levels))
    }

    /// The name in a certificate.
    pub(crate) fn of(name: &RdnSequence) -> Self {
        let level = |level: &x509_cert::name::RelativeDistinguishedName| {
            level.0.iter().map(|attribute| (attribute.oid, Value::of(&attribute.value))).collect()
        };
        Self(name.0.iter().map(level).collect())
    }
}

impl Value {
    fn of(any: &Any) -> Self {
        let text = match any.tag() {
            Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
                String::from_utf8(any.value().to_vec()).ok()
            }
            Tag::BmpString => any.decode_as::<BmpString>().ok().map(|text| text.chars().collect()),
            _ => None,
        };
        text.map_or_else(|| Self::Other(any.to_der().unwrap_or_default()), Self::Text)
    }
}

type Attribute = (ObjectIdentifier, Value);

/// One `type=value`; gives it and what follows: nothing, or a text that begins with `,` or `+`.
fn attribute(text: &[u8]) -> Result<(Attribute, &[u8]), DistinguishedNameError> {
    let equals = text.iter().position(|byte| *byte == b'=').ok_or(DistinguishedNameError)?;
    let name = str::from_utf8(text[..equals].trim_ascii()).map_err(|_| DistinguishedNameError)?;
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, oid)| *oid);
    let oid = known.map_or_else(|| identifier(name), Ok)?;
    let value = text[equals + 1..].trim_ascii_start();
    let (value, rest) = if value.first() == Some(&b'#') { encoded(&value[1..])? } else { plain(value)? };
    Ok(((oid, value), rest))
}

/// An identifier in dotted form (RFC 4512 §1.4). A number of more than 32 bits overflows in the library's parser, where it
/// would become another number.
fn identifier(name: &str) -> Result<ObjectIdentifier, DistinguishedNameError> {
    let fits = |number: &str| number.parse::<u32>().is_ok_and(|value| value.to_string() == number);
    let is_read_exactly = name.split('.').all(fits);
    is_read_exactly.then(|| ObjectIdentifier::new(name).ok()).flatten().ok_or(DistinguishedNameError)
}

/// A value as hexadecimal BER (RFC 4514 §2.4).
fn encoded(text: &[u8]) -> Result<(Value, &[u8]), DistinguishedNameError> {
    let end = text.iter().position(|byte| b",+".contains(byte)).unwrap_or(text.len());
    let digits = text[..end].trim_ascii_end();
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => byte(*high, *low).ok_or(DistinguishedNameError),
        _ => Err(DistinguishedNameError),
    });
    let bytes = bytes.collect::<Result<Vec<_>, _>>()?;
    let any = Any::from_der(&bytes).map_err(|_| DistinguishedNameError)?;
    Ok((Value::of(&any), &text[end..]))
}

/// A value as text with escapes (RFC 4514 §2.4); spaces at its end count only if they are escaped.
fn plain(text: &[u8]) -> Result<(Value, &[u8]), DistinguishedNameError> {
    let (mut value, mut kept, mut rest) = (Vec::new(), 0, text);
    while let Some((&next, after)) = rest.split_first() {
        match next {
            b',' | b'+' => break,
            b'\\' => {
                rest = match after {
                    [escaped, after @ ..] if ESCAPABLE.contains(escaped) => {
                        value.push(*escaped);
                        after
                    }
                    [high, low, after @ ..] => {
                        value.push(byte(*high, *low).ok_or(DistinguishedNameError)?);
                        after
                    }
                    _ => return Err(DistinguishedNameError),
                };
                kept = value.len();
                continue;
            }
            0 => return Err(DistinguishedNameError),
            special if SPECIAL.contains(&special) => return Err(DistinguishedNameError),
            b' ' => value.push(b' '),
            other => {
                value.push(other);
                kept = value.len();
            }
        }
        rest = after;
    }
    value.truncate(kept);
    let value = String::from_utf8(value).map_err(|_| DistinguishedNameError)?;
    Ok((Value::Text(value), rest))
}

/// A byte of two hexadecimal digits.
fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |digit| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap_or_else(|_| panic!("{text}"))
    }

    fn text(oid: &str, value: &str) -> Attribute {
        (ObjectIdentifier::new_unwrap(oid), Value::Text(value.to_owned()))
    }

    /// A7: a number that does not fit is refused, and does not become that of another attribute.
    #[test]
    fn a7_identifiers_that_overflow() {
        assert_eq!(name("2.5.4.3=a"), name("CN=a"));
        for bad in [
            "2.5.4.4294967299=a",
            "4294967298.5.4.3=a",
            "2.5.4.22222222222222222222=a",
            "22222222222222222222222222222222222222222O1=a",
            "2.5.4.03=a",
            "2.5.4.+3=a",
            "2.5.4.=a",
        ] {
            assert_eq!(DistinguishedName::parse(bad), Err(DistinguishedNameError), "{bad}");
        }
    }

    /// A7: the examples of RFC 4514 §4.
    #[test]
    fn a7_rfc4514_examples() {
        let levels = |text: &str| name(text).0.iter().map(BTreeSet::len).collect::<Vec<_>>();
        assert_eq!(levels("UID=jsmith,DC=example,DC=net"), [1, 1, 1]);
        assert_eq!(levels("OU=Sales+CN=J.  Smith,DC=example,DC=net"), [1, 1, 2]);
        let smith = name("CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net");
        assert!(smith.0[2].contains(&text("2.5.4.3", "James \"Jim\" Smith, III")));
        assert!(name("CN=Before\\0dAfter,DC=example,DC=net").0[2].contains(&text("2.5.4.3", "Before\rAfter")));
        assert!(name("CN=Lu\\C4\\8Di\\C4\\87").0[0].contains(&text("2.5.4.3", "Lučić")));
        assert_eq!(levels("1.3.6.1.4.1.1466.0=#04024869"), [1]);
    }

    /// A7: one name in different spellings, and different names.
    #[test]
    fn a7_comparison() {
        for (one, other) in [
            ("CN=a,O=b", "cn=a, o = b"),
            ("CN=a,O=b", "2.5.4.3=a,2.5.4.10=b"),
            ("CN=a+O=b", "O=b+CN=a"),
            ("CN=a", "CN=\\61"),
            ("CN=a", "CN=#0c0161"),
            ("CN=a", "CN=#130161"),
            ("CN=a", "CN=#1e020061"),
            ("CN=a ,O=b", "CN=a,O=b"),
        ] {
            assert_eq!(name(one), name(other), "{one} {other}");
        }
        for (one, other) in [
            ("CN=a,O=b", "O=b,CN=a"),
            ("CN=a,O=b", "CN=a+O=b"),
            ("CN=a,O=b", "CN=a\\,O\\=b"),
            ("CN=a", "CN=A"),
            ("CN=a", "CN=a\\20"),
            ("CN=a", "O=a"),
            ("CN=a", "CN=a,CN=a"),
        ] {
            assert_ne!(name(one), name(other), "{one} {other}");
        }
        for bad in [
            "",
            " ",
            "CN",
            "CN=a,",
            "CN=a,,O=b",
            "CN=a;O=b",
            "CN=\"a\"",
            "X=a",
            "CN=a\\",
            "CN=a\\4",
            "CN=#0",
            "CN=#zz",
            "=a",
            "CN=\\ff",
            "1.2.=a",
        ] {
            assert_eq!(DistinguishedName::parse(bad), Err(DistinguishedNameError), "{bad}");
        }
    }

    proptest! {
        /// Any text: no panic.
        #[test]
        fn any_text(text in "(CN|O|2\\.5\\.4\\.3)?=?[#\\\\]?\\PC{0,20}[,+]?\\PC{0,9}") {
            let _ = DistinguishedName::parse(&text);
        }

        /// What is escaped comes back.
        #[test]
        fn round_trip(value in "[^\0]{0,20}") {
            let mut escaped = String::new();
            for byte in value.bytes() {
                write!(escaped, "\\{byte:02x}").expect("a string takes everything");
            }
            let parsed = name(&format!("CN={escaped},O=x"));
            prop_assert!(parsed.0[1].contains(&text("2.5.4.3", &value)));
        }
    }
}
