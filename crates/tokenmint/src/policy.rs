//! Token policies from the command line.

use serde_json::{Map, Value};
use tokenmint_oauth::token_policy::TokenPolicy;

use crate::Error;
use crate::cli::{Part, PolicyArguments};

/// The policy with what the options say instead. `None` if nothing is left of it.
///
/// # Errors
/// [`Error::Usage`] if an option is given twice for one claim, or the result is no policy.
pub(crate) fn apply(
    own: Option<&TokenPolicy>,
    clear: &[Part],
    remove_claim: &[String],
    options: &PolicyArguments,
) -> Result<Option<TokenPolicy>, Error> {
    let mut members = match own.map(TokenPolicy::to_json) {
        Some(Value::Object(members)) if !clear.contains(&Part::All) => members,
        _ => Map::new(),
    };
    for part in clear {
        if let Part::Member(name) = part {
            members.remove(*name);
        }
    }
    let mut claims = match members.remove("claims") {
        Some(Value::Object(claims)) => claims,
        _ => Map::new(),
    };
    for name in remove_claim {
        claims.remove(name).ok_or_else(|| Error::Usage(format!("there is no claim {name:?} to remove")))?;
    }
    let mut given = Map::new();
    for (name, value) in options.claim.iter().chain(&options.claim_json) {
        if given.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::Usage(format!("the claim {name:?} is given twice")));
        }
    }
    claims.extend(given);
    let mut set = |name: &str, value: Option<Value>| value.map(|value| members.insert(name.to_owned(), value));
    set("claims", (!claims.is_empty()).then(|| claims.into()));
    set("access_token_ttl", options.ttl.map(Value::from));
    set("resources", (!options.resource.is_empty()).then(|| options.resource.clone().into()));
    set("default_resource", options.default_resource.clone().map(Value::from));
    set("tokens_per_hour", options.tokens_per_hour.map(Value::from));
    let policy = TokenPolicy::parse(&members.into());
    let policy = policy.map_err(|error| Error::Usage(format!("the token policy {error}")))?;
    Ok(Some(policy).filter(|policy| !policy.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// P6: what is not named stays; what is cleared goes; nothing left is no policy.
    #[test]
    fn p6_options_change_a_policy() {
        let own = json!({"claims": {"a": "1", "b": "2"}, "access_token_ttl": 600, "tokens_per_hour": 5});
        let own = TokenPolicy::parse(&own).expect("a policy");
        let claim = |name: &str, value: Value| (name.to_owned(), value);
        let options = PolicyArguments { claim: vec![claim("b", "3".into())], ttl: Some(60), ..Default::default() };
        let changed = |clear: &[Part], remove: &[&str], options: &PolicyArguments| {
            let remove: Vec<_> = remove.iter().map(|name| (*name).to_owned()).collect();
            let policy = apply(Some(&own), clear, &remove, options).map_err(|error| error.to_string());
            policy.map(|policy| policy.map_or(json!(null), |policy| policy.to_json()))
        };
        assert_eq!(
            changed(&[], &["a"], &options),
            Ok(json!({"claims": {"b": "3"}, "access_token_ttl": 60, "tokens_per_hour": 5}))
        );
        let clear = [Part::Member("claims"), Part::Member("tokens_per_hour")];
        assert_eq!(changed(&clear, &[], &options), Ok(json!({"claims": {"b": "3"}, "access_token_ttl": 60})));
        assert_eq!(changed(&[Part::All], &[], &PolicyArguments::default()), Ok(json!(null)));
        assert_eq!(changed(&[], &[], &PolicyArguments::default()), Ok(own.to_json()));
        let twice = PolicyArguments {
            claim: vec![claim("c", "1".into())],
            claim_json: vec![claim("c", json!(2))],
            ..Default::default()
        };
        assert!(changed(&[], &[], &twice).is_err_and(|said| said.contains("\"c\" is given twice")));
        assert!(changed(&[], &["c"], &options).is_err_and(|said| said.contains("no claim \"c\"")));
        let reserved = PolicyArguments { claim: vec![claim("sub", "x".into())], ..Default::default() };
        assert!(changed(&[], &[], &reserved).is_err_and(|said| said.contains("reserved name sub")));
    }
}
