//! Parsers of option values. Each returns the value, or describes the error and gives an example.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::federation::trust_domain;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::method::Method;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::token_policy::TOKENS_PER_HOUR;

/// Ten years, as in the settings of the functions.
const LONGEST: u32 = 315_360_000;

/// The listen address of `serve`.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| match text.rsplit_once(':') {
        _ if text.parse::<u16>().is_ok() => {
            format!("the address is missing, for example --listen 127.0.0.1:{text}")
        }
        Some(("localhost", port)) if port.parse::<u16>().is_ok() => {
            format!("it must be an IP address, for example --listen 127.0.0.1:{port}")
        }
        _ => "it must be an IP address and a port, for example --listen 127.0.0.1:9450".to_owned(),
    })
}

/// The listen address of the embedded services, without a port.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let wrong = |_| "it must be an IP address without a port, for example --listen 127.0.0.1".to_owned();
    text.parse().map_err(wrong)
}

/// The port of one of the embedded services.
pub(super) fn port(text: &str) -> Result<u16, String> {
    number(text, 0..=u16::MAX, "9101")
}

/// The page size of `client list`.
pub(super) fn limit(text: &str) -> Result<i32, String> {
    number(text, 1..=1000, "--limit 100")
}

/// The number of uses of an initial access token.
pub(super) fn uses(text: &str) -> Result<u32, String> {
    number(text, 1..=u32::MAX, "--uses 10")
}

/// How many tokens a client may get an hour.
pub(super) fn tokens_per_hour(text: &str) -> Result<u32, String> {
    number(text, TOKENS_PER_HOUR, "--tokens-per-hour 60")
}

fn number<N: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<N>, example: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    let (least, most) = range.into_inner();
    number.ok_or_else(|| format!("it must be a whole number from {least} to {most}, for example {example}"))
}

/// The host at which the services are reached: a name or an IP address.
pub(super) fn host(text: &str) -> Result<String, String> {
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if !text.is_empty() && (is_name(text) || text.parse::<IpAddr>().is_ok()) {
        Ok(text.to_owned())
    } else {
        Err("it must be a host name or an IP address, without scheme and port, for example --advertise 172.17.0.1"
            .to_owned())
    }
}

/// A duration in seconds, minutes, hours or days, such as `30m`, `12h`, `7d`.
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
    seconds.filter(|seconds| *seconds <= LONGEST).ok_or_else(|| {
        "it must be a number of seconds, or of minutes, hours or days, for example 30m, 12h or 7d; at most 3650d"
            .to_owned()
    })
}

/// The same, but at least one second.
pub(super) fn some_seconds(text: &str) -> Result<u32, String> {
    match seconds(text)? {
        0 => Err("it must be at least one second, for example 7d".to_owned()),
        seconds => Ok(seconds),
    }
}

/// A table's name or ARN. An empty value comes from a variable that was not set.
pub(super) fn table(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-:/".contains(c);
    if (3..=1024).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("it must be the name or the ARN of a DynamoDB table, for example tokenmint-clients".to_owned())
    }
}

/// A scope.
pub(super) fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text)
        .map_err(|error| format!("{error}; separate scopes by one space, for example --scope 'read write'"))
}

/// An issuer.
pub(super) fn issuer(text: &str) -> Result<Issuer, String> {
    Issuer::parse(text).map_err(|error| format!("it {error}, for example --issuer https://as.example.com"))
}

/// A client's identifier, or a prefix of it.
pub(super) fn client_id(text: &str) -> Result<ClientId, String> {
    ClientId::parse(text).map_err(|error| format!("{error}, for example 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55"))
}

/// The name of an initial access token.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.len() <= 256 { Ok(text.to_owned()) } else { Err("it must be at most 256 bytes long".to_owned()) }
}

/// A JSON object.
pub(super) fn json_object(text: &str) -> Result<serde_json::Value, String> {
    let object = serde_json::from_str(text).ok().filter(serde_json::Value::is_object);
    object.ok_or_else(|| {
        r#"it must be a JSON object, for example '{"issuer":"https://issuer.example.com","sub":"billing"}'"#.to_owned()
    })
}

/// A claim and its value. What is no JSON string, boolean or whole number is a string as it stands.
pub(super) fn claim(text: &str) -> Result<(String, serde_json::Value), String> {
    use serde_json::Value;
    let (path, value) = text
        .split_once('=')
        .filter(|(path, _)| !path.is_empty())
        .ok_or_else(|| "it must be a path and a value, for example --claim kubernetes.io.namespace=prod".to_owned())?;
    let typed = serde_json::from_str::<Value>(value).ok();
    let typed = typed.filter(|value| value.is_string() || value.is_boolean() || value.is_i64());
    Ok((path.to_owned(), typed.unwrap_or_else(|| value.into())))
}

/// A claim of a token, as text.
pub(super) fn text_claim(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = static_claim(text).ok_or("it must be a name and a text, for example --claim tenant=acme")?;
    Ok((name, value.into()))
}

/// A claim of a token, as JSON.
pub(super) fn json_claim(text: &str) -> Result<(String, serde_json::Value), String> {
    let json = static_claim(text).and_then(|(name, value)| Some((name, serde_json::from_str(value).ok()?)));
    json.ok_or_else(|| r#"it must be a name and JSON, for example --claim-json 'plan={"seats":5}'"#.to_owned())
}

/// The name ends at the first `=`.
fn static_claim(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty())?;
    Some((name.to_owned(), value))
}

/// A repository of GitHub.
pub(super) fn repository(text: &str) -> Result<String, String> {
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._@".contains(c));
    match text.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => Ok(text.to_owned()),
        _ => Err("it must be an owner and a name, without wildcards, for example octo-org/octo-repo".to_owned()),
    }
}

/// The name of a namespace or of a service account (RFC 1123, as Kubernetes has it).
pub(super) fn kubernetes_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if (1..=253).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("it must be lower-case letters, digits, '-' and '.', for example billing".to_owned())
    }
}

/// The ARN of a role.
pub(super) fn role_arn(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, role]
            if account.len() == 12 && role.starts_with("role/") && !role.contains('*') =>
        {
            Ok(text.to_owned())
        }
        _ => Err("it must be the ARN of a role, for example arn:aws:iam::123456789012:role/Billing".to_owned()),
    }
}

/// A SPIFFE ID.
pub(super) fn spiffe_id(text: &str) -> Result<String, String> {
    let example = "it must be the SPIFFE ID of a workload, for example spiffe://prod.example.com/billing";
    trust_domain(text).map(|_| text.to_owned()).ok_or_else(|| example.to_owned())
}

/// A client authentication method, by name.
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

    #[test]
    fn hosts() {
        for good in ["172.17.0.1", "host.docker.internal", "fd00::1", "my_host"] {
            assert_eq!(host(good).as_deref(), Ok(good));
        }
        for bad in ["", "http://172.17.0.1", "host:9101", "[fd00::1]", "a b", "host/"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    /// The example contains the port that was given.
    #[test]
    fn addresses_to_listen_on() {
        let said = |text| listen(text).expect_err(text);
        assert!(said("9450").ends_with("for example --listen 127.0.0.1:9450"));
        assert!(said("8080").ends_with("for example --listen 127.0.0.1:8080"));
        assert!(said("localhost:8080").ends_with("for example --listen 127.0.0.1:8080"));
        for wrong in ["", ":9450", "127.0.0.1", "127.0.0.1:70000", "::1:x", "http://127.0.0.1:9000", "99999"] {
            assert!(said(wrong).contains("for example --listen 127.0.0.1:9450"), "{wrong}");
        }
        assert!(listen("[::1]:0").is_ok());
    }
}
