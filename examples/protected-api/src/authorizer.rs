//! The Lambda authorizer. It takes the events of HTTP APIs (payload format 2.0, simple responses) and of REST APIs
//! (`REQUEST`, IAM policies); payload format 1.0 of HTTP APIs is like the latter.
//!
//! What API Gateway makes of the answer is API Gateway's: see the README for what a client sees.

use serde_json::{Map, Value, json};
use tokenmint_verify::{AccessToken, Refusal};

use crate::gate::{Caller, Denied, Gate};

/// Why there is no answer. API Gateway reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The request has no valid token: 401. The text is the one that API Gateway knows.
    #[error("Unauthorized")]
    Unauthorized,
    /// The token cannot be verified at the moment: 500.
    #[error("the access token cannot be verified at the moment")]
    Unavailable,
    /// Not an event of an authorizer: 500.
    #[error("not an event of an HTTP API or a REST API")]
    Event,
}

/// Answers an event.
///
/// # Errors
/// [`NoAnswer`].
pub async fn answer(gate: &Gate, event: &Value, now: u64) -> Result<Value, NoAnswer> {
    let event = Event::read(event).ok_or(NoAnswer::Event)?;
    match gate.decide(&event.caller, now).await {
        Ok(token) => Ok(event.allow(&token)),
        Err(Denied::Refused(Refusal::Unavailable(_))) => Err(NoAnswer::Unavailable),
        Err(Denied::Refused(ref refusal @ Refusal::Scope(_, ref scope))) => {
            let reason = json!({
                "error": refusal.code(), "error_description": refusal.to_string(), "scope": scope.as_str(),
                "challenge": gate.challenges(refusal).join(", "),
            });
            Ok(event.deny(&reason))
        }
        Err(Denied::Refused(_)) => Err(NoAnswer::Unauthorized),
        Err(denied @ Denied::Route) => {
            Ok(event.deny(&json!({"error": "access_denied", "error_description": denied.to_string()})))
        }
    }
}

/// An event of API Gateway.
struct Event<'a> {
    caller: Caller<'a>,
    /// The method that a policy is for; `None` for simple responses.
    method_arn: Option<&'a str>,
}

impl<'a> Event<'a> {
    fn read(event: &'a Value) -> Option<Self> {
        let context = &event["requestContext"];
        let (caller, method_arn) = if event["version"] == "2.0" {
            let caller = Caller {
                route: event["routeKey"].as_str()?.to_owned(),
                method: context["http"]["method"].as_str()?,
                origin: origin(context),
                path: encoded(context["http"]["path"].as_str()?).into(),
                authorization: headers(event, "authorization"),
                dpop: headers(event, "dpop"),
                certificate: context["authentication"]["clientCert"]["clientCertPem"].as_str(),
            };
            (caller, None)
        } else {
            let path = context["path"].as_str()?;
            let caller = Caller {
                route: format!("{} {}", event["httpMethod"].as_str()?, event["resource"].as_str()?),
                method: event["httpMethod"].as_str()?,
                origin: origin(context),
                path: if event["version"] == "1.0" { encoded(path).into() } else { path.into() },
                authorization: headers(event, "authorization"),
                dpop: headers(event, "dpop"),
                certificate: context["identity"]["clientCert"]["clientCertPem"].as_str(),
            };
            (caller, Some(event["methodArn"].as_str()?))
        };
        Some(Self { caller, method_arn })
    }

    /// The answer for a request that is allowed; the API behind sees who it is.
    fn allow(&self, token: &AccessToken) -> Value {
        let context = json!({
            "client_id": token.client_id, "sub": token.subject, "scope": token.scope.as_str(), "jti": token.jti,
        });
        self.answer(true, &token.client_id, &context)
    }

    /// The answer for a request that is denied, with the reason.
    fn deny(&self, context: &Value) -> Value {
        self.answer(false, "nobody", context)
    }

    fn answer(&self, allowed: bool, principal: &str, context: &Value) -> Value {
        let Some(arn) = self.method_arn else { return json!({"isAuthorized": allowed, "context": context}) };
        let effect = if allowed { "Allow" } else { "Deny" };
        json!({
            "principalId": principal,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": literal(arn)}],
            },
            "context": context,
        })
    }
}

/// An ARN as a resource of a policy that is for nothing else. It has the path of the client, so wildcards and variables in it
/// are escaped, by the variables that IAM policies of version 2012-10-17 have for that.
fn literal(arn: &str) -> String {
    arn.replace("${", "${$}{").replace('*', "${*}").replace('?', "${?}")
}

/// The path of an HTTP API, which delivers it decoded. What a URL would not keep as it is becomes encoded again: what
/// begins a query or a fragment, separates segments, or would be removed. Whether the client encoded other characters is
/// lost.
fn encoded(path: &str) -> String {
    let encoded = path.chars().map(|character| match character {
        '%' | '?' | '#' | '\\' | '\0'..=' ' | '\x7F' => format!("%{:02X}", u32::from(character)),
        _ => character.to_string(),
    });
    encoded.collect()
}

/// The origin by the domain of this API that the request was sent to. API Gateway refuses others, except below a wildcard
/// domain: set `ORIGINS` there.
fn origin(context: &Value) -> Option<String> {
    context["domainName"].as_str().map(|domain| format!("https://{domain}"))
}

/// The values of a header. REST APIs keep the case of names, and list the values of a name that is sent twice; HTTP APIs
/// join them with commas.
fn headers<'a>(event: &'a Value, name: &str) -> Vec<&'a [u8]> {
    let of = |member: &str| event[member].as_object().map(Map::iter).into_iter().flatten();
    let lists = of("multiValueHeaders").filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let listed: Vec<_> = lists.flat_map(|(_, values)| values.as_array().into_iter().flatten()).collect();
    let single = of("headers").filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let values = if listed.is_empty() { single.collect() } else { listed };
    // A value that is no text is not left out: then there would be fewer headers than were sent.
    values.into_iter().map(|value| value.as_str().unwrap_or_default().as_bytes()).collect()
}
