//! Client metadata: RFC 7591 §2, from what was asked to what is registered.
//!
//! [`RequestedMetadata`] is the JSON object that came in; [`ClientMetadata::verify`] makes of it the
//! [`ClientMetadata`] that a client has registered. Every member and its bounds stand in
//! [`members::MEMBERS`].

mod authentication;
mod keys;
pub mod members;
mod relations;
mod requested;
mod uri;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::certificate_name::CertificateName;
use crate::error::{ErrorCode, OAuthError};
use crate::grant_type::GrantType;
use crate::jose::KeysError;
use crate::method::{Method, MethodChoice};
use crate::scope::Scope;
pub use requested::RequestedMetadata;

/// The metadata of a registered client; serialises as the members of RFC 7591 §2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// The registered method of client authentication.
    pub token_endpoint_auth_method: Method,
    /// Whether it named that method; no member of its own, so it is neither sent nor answered.
    #[serde(skip)]
    pub method_choice: MethodChoice,
    /// The grant types it asked for, also ones that this server does not run (§2).
    pub grant_types: Vec<String>,
    /// The response types it asked for (§2).
    pub response_types: Vec<String>,
    /// The scope it may ask for; left out when empty.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// The other members, checked and kept as sent; of `jwks` what is known.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What the server's operator decided about registrations.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The scope this server offers.
    pub offered: Scope,
    /// The scope of a client that does not ask for one.
    pub default: Scope,
    /// Whether plain http on loopback will do where https is asked for.
    pub local: bool,
    /// The methods of authentication that clients may register. One with certificates is among them where
    /// clients can show certificates (RFC 8705).
    pub methods: Vec<Method>,
}

impl Policy {
    /// The policy for a client that may register these scopes at most.
    #[must_use]
    pub fn within(&self, ceiling: &Scope) -> Self {
        Self { offered: ceiling.clone(), default: self.default.reduced_to(ceiling), ..self.clone() }
    }
}

/// Why metadata cannot be registered. Each variant names the member it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The body is not one JSON object.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(&'static str),
    /// A member stands twice.
    #[error("{0} appears more than once")]
    Repeated(String),
    /// A member has the wrong JSON type.
    #[error("{member} must be {expected}")]
    Type {
        /// The member.
        member: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A member is longer than its bound.
    #[error("{member} is longer than {bound}")]
    TooLong {
        /// The member.
        member: String,
        /// The bound: bytes of a string, or entries of an array.
        bound: String,
    },
    /// A member has a value that cannot be registered.
    #[error("{member} {reason}")]
    Value {
        /// The member.
        member: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client's keys are not acceptable.
    #[error("{member} {error}")]
    Keys {
        /// The member.
        member: String,
        /// What is wrong with them.
        error: KeysError,
    },
    /// A redirect URI is not acceptable (RFC 7591 §3.2.2).
    #[error("redirect_uris: {0}")]
    RedirectUri(&'static str),
}

impl From<MetadataError> for OAuthError {
    fn from(error: MetadataError) -> Self {
        let code = match error {
            MetadataError::RedirectUri(_) => ErrorCode::InvalidRedirectUri,
            _ => ErrorCode::InvalidClientMetadata,
        };
        Self::new(code, error.to_string())
    }
}

impl ClientMetadata {
    /// Decides what is registered: every member checked against its rule, defaults filled in (§2),
    /// the scope reduced to what is offered (§3.2.1), and what is not understood left out.
    ///
    /// # Errors
    /// [`MetadataError`] for the first member that cannot be registered.
    pub fn verify(requested: &RequestedMetadata, policy: &Policy) -> Result<Self, MetadataError> {
        let others = members::check(requested, policy)?;
        let (token_endpoint_auth_method, method_choice) = authentication::method(requested, policy)?;
        authentication::check(token_endpoint_auth_method, &others, policy)?;
        let (grant_types, response_types) = relations::grants_and_responses(requested)?;
        let scope = scope(requested, policy)?;
        Ok(Self { token_endpoint_auth_method, method_choice, grant_types, response_types, scope, others })
    }

    /// Whether a [flag](members::Kind::Flag) is set.
    pub fn flag(&self, member: &str) -> bool {
        self.others.get(member) == Some(&Value::Bool(true))
    }

    /// Whether the client's tokens are bound to its certificate (J6, RFC 8705 §3.4).
    pub fn certificate_bound(&self) -> bool {
        self.flag(authentication::BOUND)
    }

    /// The name of the client's certificates (RFC 8705 §2.1.2), if exactly one is registered.
    pub(crate) fn certificate_name(&self) -> Option<CertificateName> {
        let registered = members::certificate_names().filter_map(|(member, form)| Some((form, self.text(member)?)));
        match registered.collect::<Vec<_>>()[..] {
            [(form, text)] => form.parse(text).ok(),
            _ => None,
        }
    }

    /// A member of the table that is a text, if it is registered.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.others.get(member).and_then(Value::as_str)
    }

    /// Whether the client registered the grant.
    pub fn registered(&self, grant: GrantType) -> bool {
        self.grant_types.iter().any(|own| own == grant.as_str())
    }
}

/// The scope asked for, reduced to what is offered, in the order asked (§2, §3.2.1).
fn scope(requested: &RequestedMetadata, policy: &Policy) -> Result<Scope, MetadataError> {
    const MEMBER: &str = "scope";
    let Some(text) = members::text(requested, MEMBER)? else {
        return Ok(policy.default.clone());
    };
    let wrong = |reason| MetadataError::Value { member: MEMBER.to_owned(), reason };
    let asked = Scope::parse(text).map_err(|_| wrong("does not follow the grammar of RFC 6749 section 3.3"))?;
    let reduced = asked.reduced_to(&policy.offered);
    if reduced.is_empty() {
        return Err(wrong("contains no scope that this client may register"));
    }
    Ok(reduced)
}

#[cfg(test)]
mod tests;
