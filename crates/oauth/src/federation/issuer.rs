//! The issuers that the operator trusts: the setting `TRUSTED_ISSUERS`.

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::spiffe;
use crate::issuer::{Issuer, is_loopback};
use crate::jose::{self, ALGORITHMS, Algorithm, MAX_JWKS_BYTES, PublicKeys};

/// The most issuers.
pub const MAX_ISSUERS: usize = 32;

/// The longest lifetime that `max_lifetime` may allow, in seconds: that of Kubernetes' and EKS' longest tokens.
const LONGEST: u32 = 86_400;

/// The `max_lifetime` of an issuer that names none, in seconds.
const DEFAULT_LIFETIME: u32 = 3600;

/// The longest text, in bytes.
const MAX_TEXT_BYTES: usize = 512;

/// The members of an entry.
const MEMBERS: [&str; 9] =
    ["issuer", "jwks", "jwks_uri", "spiffe_bundle", "audience", "algorithms", "max_lifetime", "reuse", "disabled"];

/// An issuer whose assertions may authenticate clients.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedIssuer {
    /// Its `iss`, byte for byte, or a trust domain: `spiffe://` and a name.
    pub issuer: String,
    /// Its keys.
    pub keys: IssuerKeys,
    /// What `aud` of its assertions must be.
    pub audience: String,
    /// The algorithms that it may use.
    pub algorithms: Vec<Algorithm>,
    /// The longest time from `iat` to `exp` of an assertion, in seconds.
    pub max_lifetime: u32,
    /// How often an assertion may be used.
    pub reuse: Reuse,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq)]
pub enum IssuerKeys {
    /// In the setting: `jwks`, or `spiffe_bundle` with a bundle.
    Inline(PublicKeys),
    /// At this URL: `jwks_uri`.
    JwksUri(String),
    /// At this URL, as a SPIFFE bundle: `spiffe_bundle`.
    BundleUrl(String),
}

/// How often an assertion may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Once; it needs a `jti`.
    #[default]
    Once,
    /// Until it expires: what writes it to a file replaces it only then.
    UntilExp,
}

/// The issuers that are trusted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrustedIssuers(Vec<Arc<TrustedIssuer>>);

impl TrustedIssuers {
    /// Reads the setting: a JSON array of objects. `own` is the issuer of this server: the default audience, and never
    /// trusted itself. A disabled issuer is checked like the others, and is then left out.
    ///
    /// # Errors
    /// A text that names every mistake.
    pub fn parse(text: &str, own: &Issuer) -> Result<Self, String> {
        let entries: Vec<Map<String, Value>> =
            serde_json::from_str(text).map_err(|_| "must be a JSON array of objects".to_owned())?;
        if entries.len() > MAX_ISSUERS {
            return Err(format!("must have at most {MAX_ISSUERS} entries"));
        }
        let (mut issuers, mut mistakes, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (at, members) in entries.iter().enumerate() {
            let name = members.get("issuer").and_then(Value::as_str).unwrap_or_default().to_owned();
            let called = if name.is_empty() { format!("entry {}", at + 1) } else { format!("{name:?}") };
            let mut entry = Entry { members, own, mistakes: Vec::new() };
            let issuer = entry.issuer();
            if !name.is_empty() && names.contains(&name) {
                entry.wrong("appears more than once");
            }
            if let (Some(issuer), true, false) = (issuer, entry.mistakes.is_empty(), entry.flag("disabled")) {
                issuers.push(Arc::new(issuer));
            }
            mistakes.extend(entry.mistakes.iter().map(|mistake| format!("{called} {mistake}")));
            names.push(name);
        }
        if mistakes.is_empty() { Ok(Self(issuers)) } else { Err(mistakes.join("; ")) }
    }

    /// The issuer with exactly this `iss`, which is not a trust domain.
    pub fn by_iss(&self, iss: &str) -> Option<&Arc<TrustedIssuer>> {
        self.0.iter().find(|issuer| issuer.issuer == iss && !issuer.is_trust_domain())
    }

    /// The trust domain of this SPIFFE ID.
    pub fn by_spiffe_id(&self, id: &str) -> Option<&Arc<TrustedIssuer>> {
        let domain = spiffe::trust_domain(id)?;
        self.0.iter().find(|issuer| issuer.issuer == domain)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The issuers.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl TrustedIssuer {
    /// Whether it is a SPIFFE trust domain, whose assertions are JWT-SVIDs.
    pub fn is_trust_domain(&self) -> bool {
        spiffe::is_trust_domain(&self.issuer)
    }
}

/// An entry while it is read.
struct Entry<'e> {
    members: &'e Map<String, Value>,
    own: &'e Issuer,
    mistakes: Vec<String>,
}

impl<'e> Entry<'e> {
    fn wrong(&mut self, mistake: impl Into<String>) {
        self.mistakes.push(mistake.into());
    }

    /// The issuer; `None` if a part of it is missing. Every mistake is noted.
    fn issuer(&mut self) -> Option<TrustedIssuer> {
        let unknown = self.members.keys().filter(|name| !MEMBERS.contains(&name.as_str()));
        let unknown: Vec<_> = unknown.map(|name| format!("has an unknown member {name:?}")).collect();
        self.mistakes.extend(unknown);
        if self.members.get("disabled").is_some_and(|value| !value.is_boolean()) {
            self.wrong("has a `disabled` that is neither true nor false");
        }
        let issuer = self.name();
        let keys = self.keys(issuer.as_deref().is_some_and(spiffe::is_trust_domain));
        let (audience, algorithms) = (self.audience(issuer.as_deref()), self.algorithms());
        let (max_lifetime, reuse) = (self.max_lifetime(), self.reuse());
        Some(TrustedIssuer { issuer: issuer?, keys: keys?, audience, algorithms, max_lifetime, reuse })
    }

    fn flag(&self, name: &str) -> bool {
        self.members.get(name) == Some(&Value::Bool(true))
    }

    fn text(&self, name: &str) -> Option<&'e str> {
        let text = self.members.get(name).and_then(Value::as_str);
        text.filter(|text| (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()))
    }

    fn name(&mut self) -> Option<String> {
        let own = self.own.as_str();
        match self.text("issuer") {
            Some(name) if name == own => self.wrong("is this server's own issuer"),
            Some(name) if spiffe::is_trust_domain(name) || is_issuer(name) => return Some(name.to_owned()),
            _ => self.wrong(
                "needs an `issuer` that is an https URL without query and fragment, or spiffe:// and the name of a trust \
                 domain",
            ),
        }
        None
    }

    /// The keys, from exactly one source.
    fn keys(&mut self, is_trust_domain: bool) -> Option<IssuerKeys> {
        let given = |name: &&&str| self.members.contains_key(**name);
        let sources: Vec<_> = ["jwks", "jwks_uri", "spiffe_bundle"].iter().filter(given).copied().collect();
        let [source] = sources[..] else {
            self.wrong("needs exactly one of `jwks`, `jwks_uri` and `spiffe_bundle`");
            return None;
        };
        if (source == "spiffe_bundle") != is_trust_domain {
            self.wrong("needs a `spiffe_bundle` if it is a trust domain, and otherwise `jwks` or `jwks_uri`");
            return None;
        }
        let value = &self.members[source];
        let inline = |parsed: Result<PublicKeys, jose::KeysError>| {
            parsed.map(IssuerKeys::Inline).map_err(|error| format!("has a `{source}` that {error}"))
        };
        let keys = match source {
            "jwks" => inline(PublicKeys::parse(value)),
            "spiffe_bundle" if value.is_object() => inline(PublicKeys::parse_spiffe_bundle(value, MAX_JWKS_BYTES)),
            _ => match self.text(source).filter(|url| is_key_url(url, self.own.is_local())) {
                Some(url) if is_trust_domain => Ok(IssuerKeys::BundleUrl(url.to_owned())),
                Some(url) => Ok(IssuerKeys::JwksUri(url.to_owned())),
                None => Err(format!("has a `{source}` that is not an https URL")),
            },
        };
        keys.map_err(|mistake| self.wrong(mistake)).ok()
    }

    fn audience(&mut self, issuer: Option<&str>) -> String {
        if self.members.contains_key("audience") {
            match self.text("audience") {
                Some(_) if issuer.is_some_and(spiffe::is_trust_domain) => {
                    self.wrong("must not have an `audience`: that of a JWT-SVID is this server's issuer");
                }
                Some(audience) => return audience.to_owned(),
                None => self.wrong(format!("has an `audience` that is not 1 to {MAX_TEXT_BYTES} visible characters")),
            }
        }
        self.own.as_str().to_owned()
    }

    fn algorithms(&mut self) -> Vec<Algorithm> {
        let Some(value) = self.members.get("algorithms") else {
            return ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect();
        };
        let names = value
            .as_array()
            .filter(|names| !names.is_empty())
            .map(|names| names.iter().map(|name| name.as_str().and_then(jose::algorithm)).collect::<Option<Vec<_>>>());
        names.flatten().unwrap_or_else(|| {
            let known: Vec<_> = ALGORITHMS.iter().map(|(name, _)| *name).collect();
            self.wrong(format!("has `algorithms` that are not a list of some of {}", known.join(", ")));
            Vec::new()
        })
    }

    fn max_lifetime(&mut self) -> u32 {
        let Some(value) = self.members.get("max_lifetime") else { return DEFAULT_LIFETIME };
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).unwrap_or_else(|| {
            self.wrong(format!("has a `max_lifetime` that is not a whole number from 1 to {LONGEST}"));
            DEFAULT_LIFETIME
        })
    }

    fn reuse(&mut self) -> Reuse {
        match self.members.get("reuse").map(Value::as_str) {
            None | Some(Some("once")) => return Reuse::Once,
            Some(Some("until-exp")) => return Reuse::UntilExp,
            Some(_) => self.wrong("has a `reuse` that is neither `once` nor `until-exp`"),
        }
        Reuse::Once
    }
}

/// An issuer is compared as a text, and never opened.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.query().is_none() && url.fragment().is_none())
        && text.starts_with("https://")
        && !text.contains('\\')
}

fn is_key_url(text: &str, local: bool) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" || (local && url.scheme() == "http" && is_loopback(&url)))
}

#[cfg(test)]
mod tests;
