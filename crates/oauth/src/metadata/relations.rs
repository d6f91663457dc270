//! Grant types and response types that belong together: RFC 7591 §2.1.

use super::error::{MetadataError, wrong};
use super::names::{GRANT_TYPES, RESPONSE_TYPES};
use super::requested::RequestedMetadata;
use crate::grant_type::GrantType;

/// Part of a response type → the grant type that goes with it (§2.1; `id_token`: OpenID Connect
/// Dynamic Client Registration 1.0 §2).
const RELATIONS: [(&str, &str); 3] = [("code", "authorization_code"), ("token", "implicit"), ("id_token", "implicit")];

/// Both lists as asked, or the default for the one that was not given: this server's own grant, and
/// whatever the other list makes necessary.
///
/// An empty list counts as not given (R2). Here that is a decision and no mere form: a client without any grant type
/// could do nothing, and a grant type of the other list may need a response type. What is registered, and so what the
/// client is told, are the lists in force (§3.2.1); an empty `response_types` is among them where no grant type needs
/// one.
pub(super) fn grants_and_responses(requested: &RequestedMetadata) -> Result<(Vec<String>, Vec<String>), MetadataError> {
    let grants = requested.decided_texts(GRANT_TYPES)?;
    let responses = requested.decided_texts(RESPONSE_TYPES)?;
    match (grants, responses) {
        (Some(grants), Some(responses)) => {
            check(&grants, &responses)?;
            Ok((grants, responses))
        }
        (Some(grants), None) => {
            let responses = RELATIONS.iter().filter(|(response, grant)| *response != "id_token" && has(&grants, grant));
            let responses = responses.map(|(response, _)| (*response).to_owned()).collect();
            Ok((grants, responses))
        }
        (None, responses) => {
            let responses = responses.unwrap_or_default();
            let mut grants = vec![GrantType::ClientCredentials.as_str().to_owned()];
            for grant in ["authorization_code", "implicit"] {
                if needs(&responses, grant) {
                    grants.push(grant.to_owned());
                }
            }
            Ok((grants, responses))
        }
    }
}

/// Refuses a response type without its grant type, and the other way round.
fn check(grants: &[String], responses: &[String]) -> Result<(), MetadataError> {
    for grant in ["authorization_code", "implicit"] {
        if needs(responses, grant) && !has(grants, grant) {
            let reason = "lacks the grant type that a response type needs (RFC 7591 section 2.1)";
            return Err(wrong(GRANT_TYPES, reason));
        }
        if has(grants, grant) && !needs(responses, grant) {
            let reason = "lacks the response type that a grant type needs (RFC 7591 section 2.1)";
            return Err(wrong(RESPONSE_TYPES, reason));
        }
    }
    Ok(())
}

fn has(grants: &[String], grant: &str) -> bool {
    grants.iter().any(|own| own == grant)
}

fn needs(responses: &[String], grant: &str) -> bool {
    let parts = responses.iter().flat_map(|response| response.split(' '));
    parts.into_iter().any(|part| RELATIONS.contains(&(part, grant)))
}
