//! Resource indicators: RFC 8707 §2.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::ACCESS_TOKEN_LIFETIMES as LIFETIMES;
use crate::scope::Scope;

/// The resources that tokens may be for, and the scopes that are allowed at each.
///
/// A bare origin is the same resource with and without its final slash (RFC 3986 §6.2.3): clients that take a URL apart
/// and put it together again add the slash. In all else resources are compared byte by byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources(BTreeMap<String, Entry>);

/// What is configured of a resource, by the resource as [`without_root`] compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// The resource as configured, for `aud`.
    resource: String,
    /// The scopes that it has; `None`: any.
    scope: Option<Scope>,
    /// Whether a scope that it does not have is refused if it is asked for. Otherwise it is left out.
    is_exact: bool,
    /// The longest lifetime of a token for it, in seconds.
    ttl: Option<u32>,
}

/// Whom a token is for, and what it allows there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The resources.
    pub audience: Audience,
    /// What is allowed at every one of them.
    pub scope: Scope,
    /// The shortest of their lifetimes, in seconds, if any has one.
    pub ttl: Option<u32>,
}

/// The scope of which a token gets a part.
#[derive(Clone, Copy, Debug)]
pub enum ScopeOf<'s> {
    /// What the request asks for.
    Request(&'s Scope),
    /// All that the client registered: the request asks for none.
    Client(&'s Scope),
}

impl<'s> ScopeOf<'s> {
    const fn scope(self) -> &'s Scope {
        match self {
            Self::Request(scope) | Self::Client(scope) => scope,
        }
    }
}

/// Whom a token is for: one resource as a text, several as an array (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Audience {
    /// One resource.
    One(String),
    /// Two or more.
    Many(Vec<String>),
}

/// Why no token can be issued for the resources that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// A resource that this server does not know.
    #[error("the resource is unknown")]
    Unknown,
    /// None of the scope is allowed at all of the resources.
    #[error("the resources allow nothing of the scope")]
    Scope,
}

impl Resources {
    /// Reads a JSON object: by resource, its scopes, separated by spaces, or an object of `scope` and `ttl` (P4).
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|_| "must be a JSON object of resource and scopes".to_owned())?;
        let mut parsed = BTreeMap::new();
        for (resource, value) in entries {
            if !is_resource(&resource) {
                return Err(format!("{resource:?} is not an absolute URI without fragment"));
            }
            let entry = Entry::parse(&resource, &value).map_err(|error| format!("{resource:?} {error}"))?;
            if let Some(Entry { resource: same, .. }) = parsed.insert(without_root(&resource).to_owned(), entry) {
                return Err(format!("{same:?} and {resource:?} are the same resource"));
            }
        }
        Ok(Self(parsed))
    }

    /// The configured spelling of a resource, if it has an entry.
    pub fn spelling(&self, resource: &str) -> Option<&str> {
        self.entry(resource).map(|entry| entry.resource.as_str())
    }

    fn entry(&self, resource: &str) -> Option<&Entry> {
        self.0.get(without_root(resource))
    }

    /// Decides whom a token is for and what it allows there (J3, P4). It is for the resources asked for, or for
    /// `default` where none is; of the scope only what is allowed at every one of them is left, since the token
    /// is valid at each (RFC 8707 §2). `aud` has the configured spelling. The default audience may be asked for by name.
    /// Its entry counts however it was chosen; without an entry it limits nothing.
    ///
    /// # Errors
    /// [`ResourceError::Unknown`] for an unknown resource, [`ResourceError::Scope`] if nothing is left of a scope
    /// that was not empty, or if the request asks for one that an exact entry does not have.
    pub fn choose(&self, asked: &[&str], default: &str, of: ScopeOf<'_>) -> Result<Chosen, ResourceError> {
        let mut resources: Vec<&str> = Vec::with_capacity(asked.len().max(1));
        for asked in asked {
            let resource =
                if is_same(asked, default) { default } else { self.spelling(asked).ok_or(ResourceError::Unknown)? };
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        if resources.is_empty() {
            resources.push(default);
        }
        let scope = of.scope();
        let (mut left, mut ttl) = (scope.clone(), None);
        for entry in resources.iter().filter_map(|resource| self.entry(resource)) {
            ttl = shorter(ttl, entry.ttl);
            let Some(own) = &entry.scope else { continue };
            if entry.is_exact && matches!(of, ScopeOf::Request(asked) if !asked.is_subset_of(own)) {
                return Err(ResourceError::Scope);
            }
            left = left.reduced_to(own);
        }
        if left.is_empty() && !scope.is_empty() {
            return Err(ResourceError::Scope);
        }
        let audience = match resources[..] {
            [one] => Audience::One(one.to_owned()),
            _ => Audience::Many(resources.into_iter().map(str::to_owned).collect()),
        };
        Ok(Chosen { audience, scope: left, ttl })
    }
}

impl Entry {
    fn parse(resource: &str, value: &Value) -> Result<Self, String> {
        let scope = |text: &str| Scope::parse(text).map_err(|error| format!("has a scope that is malformed: {error}"));
        let resource = resource.to_owned();
        match value {
            Value::String(text) => Ok(Self { resource, scope: Some(scope(text)?), is_exact: false, ttl: None }),
            Value::Object(members) => {
                if members.is_empty() || members.keys().any(|name| name != "scope" && name != "ttl") {
                    return Err("must have `scope`, `ttl` or both, and nothing else".to_owned());
                }
                let ttl = members.get("ttl").map(|ttl| {
                    let seconds = ttl.as_u64().and_then(|ttl| u32::try_from(ttl).ok());
                    seconds.filter(|seconds| LIFETIMES.contains(seconds)).ok_or_else(|| {
                        let (least, most) = (*LIFETIMES.start(), *LIFETIMES.end());
                        format!("has a `ttl` that is not a whole number of seconds from {least} to {most}")
                    })
                });
                let own = members.get("scope").map(|text| {
                    text.as_str().ok_or_else(|| "has a `scope` that is not a string".to_owned()).and_then(scope)
                });
                Ok(Self { resource, scope: own.transpose()?, is_exact: true, ttl: ttl.transpose()? })
            }
            _ => Err("needs its scopes as a string, or an object of `scope` and `ttl`".to_owned()),
        }
    }
}

/// The shorter of two lifetimes; an absent one limits nothing.
pub(crate) const fn shorter(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one < other { one } else { other }),
        (Some(ttl), None) | (None, Some(ttl)) => Some(ttl),
        (None, None) => None,
    }
}

/// Whether two texts name the same resource.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    without_root(one) == without_root(other)
}

/// An absolute URI without fragment, of visible characters (RFC 8707 §2).
pub fn is_resource(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic()) && Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

/// The resource, without its final slash if it is a bare origin of http or https.
fn without_root(resource: &str) -> &str {
    let is_origin = |text: &str| {
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        authority.is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#']))
    };
    resource.strip_suffix('/').filter(|origin| is_origin(origin)).unwrap_or(resource)
}

#[cfg(test)]
mod tests;
