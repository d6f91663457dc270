//! The claims that an operator gives the tokens of a client (P1).

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::memory;

/// The largest claims of a policy, in bytes: as the JSON object that they are, without white space.
pub const MAX_BYTES: usize = 2048;

/// The longest name of a claim, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// How deep a claim can nest lists and objects.
pub const MAX_DEPTH: usize = 8;

/// The names that no policy can use: whoever verifies a token gives them a meaning, for which this server must vouch.
/// They are those of IANA's registry of JWT claims that RFC 7519, 7662, 7800, 8417, 8693, 9068, 9396 and 9449, OpenID
/// Connect (Core §5.1 and §5.6.2) and SCIM (RFC 9068 §2.2.3.1) define for an issuer, a subject, an authorization or the
/// token itself, and the members of an introspection response. They are refused in any case: some parsers of JSON ignore it.
pub const RESERVED: [&str; 68] = [
    "_claim_names",
    "_claim_sources",
    "acr",
    "act",
    "active",
    "address",
    "amr",
    "at_hash",
    "ath",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "birthdate",
    "c_hash",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "entitlements",
    "events",
    "exp",
    "expires_in",
    "family_name",
    "gender",
    "given_name",
    "groups",
    "htm",
    "htu",
    "iat",
    "iss",
    "jti",
    "jwk",
    "jwks",
    "locale",
    "may_act",
    "middle_name",
    "name",
    "nbf",
    "nickname",
    "nonce",
    "orig",
    "origid",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "roles",
    "s_hash",
    "scope",
    "scp",
    "sid",
    "sub",
    "sub_id",
    "sub_jwk",
    "toe",
    "token_introspection",
    "token_type",
    "txn",
    "updated_at",
    "username",
    "vc",
    "vot",
    "vp",
    "vtm",
    "website",
    "zoneinfo",
];

/// Claims that go into each token of a client, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticClaims {
    members: Map<String, Value>,
    /// The members as JSON, without the braces around them: written once, and copied into every token.
    json: String,
}

/// Why claims cannot be in a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// Not an object.
    #[error("that are not an object")]
    Form,
    /// The name of a claim, or of a member in one, is empty, too long, or has a character that is not visible ASCII.
    #[error("with a name that is not 1 to {MAX_NAME_BYTES} visible ASCII characters")]
    Name,
    /// One of [`RESERVED`].
    #[error("with the reserved name {0}")]
    Reserved(&'static str),
    /// A number that is not whole.
    #[error("with a number that is not whole, or too large")]
    Number,
    /// Deeper than [`MAX_DEPTH`].
    #[error("that nest more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// Larger than [`MAX_BYTES`].
    #[error("of more than {MAX_BYTES} bytes")]
    TooLarge,
}

impl StaticClaims {
    /// Reads an object.
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn parse(value: &Value) -> Result<Self, ClaimsError> {
        let members = value.as_object().ok_or(ClaimsError::Form)?;
        for (name, claim) in members {
            if let Some(reserved) = RESERVED.iter().find(|reserved| reserved.eq_ignore_ascii_case(name)) {
                return Err(ClaimsError::Reserved(reserved));
            }
            check_name(name)?;
            check(claim, 1)?;
        }
        let object = value.to_string();
        if object.len() > MAX_BYTES {
            return Err(ClaimsError::TooLarge);
        }
        let json = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().to_owned();
        Ok(Self { members: members.clone(), json })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.json.is_empty()
    }

    /// The claims.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The claims as JSON, without the braces around them.
    pub(crate) fn as_json_members(&self) -> &str {
        &self.json
    }

    pub(super) fn memory_bytes(&self) -> usize {
        memory::members(&self.members) + memory::text(&self.json)
    }
}

impl Serialize for StaticClaims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

fn check_name(name: &str) -> Result<(), ClaimsError> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(()).ok_or(ClaimsError::Name)
}

/// Checks what a value holds. DynamoDB stores whole numbers only without loss.
fn check(value: &Value, depth: usize) -> Result<(), ClaimsError> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => number.as_i64().map(drop).ok_or(ClaimsError::Number),
        Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => Err(ClaimsError::TooDeep),
        Value::Array(list) => list.iter().try_for_each(|element| check(element, depth + 1)),
        Value::Object(members) => {
            members.iter().try_for_each(|(name, member)| check_name(name).and_then(|()| check(member, depth + 1)))
        }
    }
}
