//! `application/x-www-form-urlencoded` as RFC 6749 §3.2 and Appendix B use it.
//!
//! Stricter than a browser's parser: bytes that are not UTF-8, a broken `%` escape, and a parameter
//! sent twice are errors, never guesses.

use std::borrow::Cow;
use std::fmt;

use crate::error::{ErrorCode, OAuthError};

/// The most parameters a form may hold.
pub const MAX_PARAMETERS: usize = 64;

/// The one parameter that may repeat (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// The parameters of a request body or query, each name once (but `resource`).
///
/// Its `Debug` shows names only: values may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Why bytes are not a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The decoded bytes are not UTF-8 (RFC 6749 Appendix B).
    #[error("the parameters are not UTF-8")]
    NotUtf8,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("a percent-encoding is malformed")]
    PercentEncoding,
    /// A parameter appears more than once (RFC 6749 §3.2).
    #[error("a parameter appears more than once")]
    Repeated,
    /// More than [`MAX_PARAMETERS`] parameters.
    #[error("too many parameters")]
    TooMany,
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        Self::new(ErrorCode::InvalidRequest, error.to_string())
    }
}

impl<'a> Form<'a> {
    /// Parses a body or a query (without its `?`).
    ///
    /// # Errors
    /// [`FormError`] for anything that is not one well-formed set of parameters.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormError> {
        let mut parameters: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let (name, value) = (decode(name)?, decode(value)?);
            if name != REPEATABLE && parameters.iter().any(|(seen, _)| *seen == name) {
                return Err(FormError::Repeated);
            }
            if parameters.len() == MAX_PARAMETERS {
                return Err(FormError::TooMany);
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter; one sent without a value counts as not sent (RFC 6749 §3.2).
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_ref())
    }

    /// All values of a parameter that may repeat, empty ones left out.
    pub fn values<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_ref())
    }
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte, the whole UTF-8 (RFC 6749 Appendix B).
///
/// # Errors
/// [`FormError::PercentEncoding`] or [`FormError::NotUtf8`].
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, FormError> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| FormError::NotUtf8);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let [high, low, tail @ ..] = rest else { return Err(FormError::PercentEncoding) };
                rest = tail;
                hex(*high)? << 4 | hex(*low)?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| FormError::NotUtf8)
}

const fn hex(digit: u8) -> Result<u8, FormError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(FormError::PercentEncoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6749 Appendix B: the example string with its expected encoding.
    #[test]
    fn a1_appendix_b_example() {
        assert_eq!(decode(b"+%25%26%2B%C2%A3%E2%82%AC").expect("decodes"), " %&+£€");
    }

    /// A1: every byte in both cases of its digits, and what is no digit.
    #[test]
    fn a1_percent_encodings() {
        for byte in 0..=u8::MAX {
            for encoded in [format!("%{byte:02x}"), format!("%{byte:02X}")] {
                let expected = std::str::from_utf8(&[byte]).map(str::to_owned).map_err(|_| FormError::NotUtf8);
                assert_eq!(decode(encoded.as_bytes()).map(Cow::into_owned), expected, "{encoded}");
            }
        }
        for bad in ["%0/", "%0:", "%0@", "%0G", "%0`", "%0g", "%/0", "%g0", "%%41", "%+1", "%", "%4", "x%"] {
            assert_eq!(decode(bad.as_bytes()), Err(FormError::PercentEncoding), "{bad}");
        }
        assert_eq!(decode(b"a+b%2Bc").expect("decodes"), "a b+c");
    }

    /// T2: empty is absent, unknown is kept harmlessly, twice is refused, `resource` may repeat.
    #[test]
    fn t2_parameters() {
        let form = Form::parse(b"scope=&grant_type=client_credentials&&x").expect("parses");
        assert_eq!(form.value("scope"), None);
        assert_eq!(form.value("x"), None);
        assert_eq!(form.value("grant_type"), Some("client_credentials"));
        assert_eq!(Form::parse(b"scope=a&scope=a"), Err(FormError::Repeated));
        assert_eq!(Form::parse(b"scope=&sc%6Fpe=a"), Err(FormError::Repeated));
        let form = Form::parse(b"resource=a&resource=&x=c&resource=b").expect("parses");
        assert_eq!(form.values("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn broken_input_is_named() {
        assert_eq!(Form::parse(b"a=%"), Err(FormError::PercentEncoding));
        assert_eq!(Form::parse(b"a=%4"), Err(FormError::PercentEncoding));
        assert_eq!(Form::parse(b"a=%zz"), Err(FormError::PercentEncoding));
        assert_eq!(Form::parse(b"a=%ff"), Err(FormError::NotUtf8));
        assert_eq!(Form::parse(b"\xff=a"), Err(FormError::NotUtf8));
        let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Form::parse(many(64).as_bytes()).map(|form| form.0.len()), Ok(64));
        assert_eq!(Form::parse(many(65).as_bytes()), Err(FormError::TooMany));
    }

    #[test]
    fn debug_shows_no_value() {
        let form = Form::parse(b"client_secret=hush").expect("parses");
        assert_eq!(format!("{form:?}"), r#"["client_secret"]"#);
    }

    proptest! {
        /// Any bytes: no panic, and an error is the registered one.
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            if let Err(error) = Form::parse(&bytes) {
                prop_assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidRequest);
            }
        }

        /// What was encoded comes back.
        #[test]
        fn round_trip(value in "\\PC{1,40}") {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).append_pair("v", &value).finish();
            let form = Form::parse(encoded.as_bytes()).expect("well-formed");
            prop_assert_eq!(form.value("v"), Some(value.as_str()));
        }
    }
}
