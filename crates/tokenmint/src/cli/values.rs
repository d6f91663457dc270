//! What the values of options may be. Each function gives the value or says what is wrong with it.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokenmint_oauth::client_auth::Method;

/// Ten years, as in the settings of the functions.
const LONGEST: u32 = 315_360_000;

/// A length of time in seconds, or in minutes, hours or days, as in `30m`, `12h`, `7d`.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = unit.filter(|_| is_number).and_then(|unit: u32| unit.checked_mul(digits.parse().ok()?));
    seconds
        .filter(|seconds| *seconds <= LONGEST)
        .ok_or_else(|| "give seconds, or minutes, hours or days as in 30m, 12h, 7d; at most 3650d".to_owned())
}

/// The same, of something that has to begin.
pub(super) fn some_seconds(text: &str) -> Result<u32, String> {
    match seconds(text)? {
        0 => Err("it would be over before it begins".to_owned()),
        seconds => Ok(seconds),
    }
}

/// A table's name or ARN. An empty one is a variable that somebody forgot to set.
pub(super) fn table(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-:/".contains(c);
    if (3..=1024).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("it is not the name of a DynamoDB table".to_owned())
    }
}

/// What an operator calls a token by.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.len() <= 256 { Ok(text.to_owned()) } else { Err("it is longer than 256 bytes".to_owned()) }
}

/// One of the methods of client authentication, by name.
pub(super) fn method() -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(Method::ALL.iter().map(|method| method.as_str()))
        .map(|name| Method::from_name(&name).expect("one of the names listed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, expected) in
            [("0", 0), ("90", 90), ("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("3650d", LONGEST)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "d", "-1", "+1", "1.5h", "7 d", "7w", "7D", "1h30m", "3651d", "99999999999", "49711d", "٣"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(some_seconds("1"), Ok(1));
        assert!(some_seconds("0h").is_err());
    }
}
