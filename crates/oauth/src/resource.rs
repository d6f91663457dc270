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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).expect("a scope")
    }

    /// What is chosen for a request that asks for this scope.
    fn asking(
        resources: &Resources,
        asked: &[&str],
        default: &str,
        scope: &Scope,
    ) -> Result<(Audience, Scope), ResourceError> {
        let chosen = resources.choose(asked, default, ScopeOf::Request(scope));
        assert_eq!(chosen, resources.choose(asked, default, ScopeOf::Client(scope)), "the text form leaves out");
        chosen.map(|Chosen { audience, scope, ttl }| {
            assert_eq!(ttl, None);
            (audience, scope)
        })
    }

    /// J3: one resource is a text, several an array; scopes that are not allowed there are left out.
    #[test]
    fn j3_choose() {
        let resources =
            Resources::parse(r#"{"https://a.example/":"read write","https://b.example/":"read"}"#).expect("good");
        let choose = |asked: &[&str], text| asking(&resources, asked, "https://as.example", &scope(text));
        let one = |resource: &str| Audience::One(resource.to_owned());
        assert_eq!(choose(&[], "read admin"), Ok((one("https://as.example"), scope("read admin"))));
        assert_eq!(choose(&["https://b.example/"], "write read"), Ok((one("https://b.example/"), scope("read"))));
        assert_eq!(choose(&["https://b.example/"; 2], "read"), Ok((one("https://b.example/"), scope("read"))));
        let both = Audience::Many(vec!["https://b.example/".to_owned(), "https://a.example/".to_owned()]);
        assert_eq!(choose(&["https://b.example/", "https://a.example/"], "write read"), Ok((both, scope("read"))));
        assert_eq!(choose(&["https://b.example/"], "write"), Err(ResourceError::Scope));
        assert_eq!(choose(&["https://b.example/"], ""), Ok((one("https://b.example/"), scope(""))));
        assert_eq!(choose(&["https://as.example"], "x"), Ok((one("https://as.example"), scope("x"))));
        assert_eq!(choose(&["https://c.example/"], "read"), Err(ResourceError::Unknown));
    }

    /// J3: a bare origin is the same resource with and without its final slash, and `aud` has the configured spelling.
    /// Nothing else is the same.
    #[test]
    fn j3_the_slash_of_a_bare_origin() {
        let resources = Resources::parse(
            r#"{"https://a.example/":"read","https://b.example:8443":"write","https://c.example/x":"read write"}"#,
        );
        let resources = resources.expect("good");
        let choose = |asked: &[&str], default| asking(&resources, asked, default, &scope("read write"));
        let one = |resource: &str, scopes| Ok((Audience::One(resource.to_owned()), scope(scopes)));
        for asked in [&["https://a.example"][..], &["https://a.example/"], &["https://a.example", "https://a.example/"]]
        {
            assert_eq!(choose(asked, AS), one("https://a.example/", "read"), "{asked:?}");
        }
        for asked in ["https://b.example:8443", "https://b.example:8443/"] {
            assert_eq!(choose(&[asked], AS), one("https://b.example:8443", "write"));
        }
        for default in [AS, "https://as.example/"] {
            for asked in [AS, "https://as.example/"] {
                assert_eq!(choose(&[asked], default), one(default, "read write"));
            }
        }
        // The entry of the default audience counts, however the audience is spelled.
        for default in ["https://a.example", "https://a.example/"] {
            assert_eq!(choose(&[], default), one(default, "read"));
        }
        for other in [
            "https://a.example//",
            "https://a.example/?",
            "https://a.example?",
            "https://A.example/",
            "HTTPS://a.example/",
            "https://a.example:443/",
            "http://a.example/",
            "https://b.example/",
            "https://c.example/x/",
            "https://c.example/",
            "https:///",
            "https://",
            "",
            "/",
        ] {
            assert_eq!(choose(&[other], AS), Err(ResourceError::Unknown), "{other}");
        }
        for default in ["urn:a:b/", "api://as.example/"] {
            let bare = default.strip_suffix('/').expect("a slash");
            assert_eq!(choose(&[bare], default), Err(ResourceError::Unknown), "{default}");
        }
        let twice = Resources::parse(r#"{"https://a.example":"read","https://a.example/":"write"}"#);
        let text = r#""https://a.example" and "https://a.example/" are the same resource"#;
        assert_eq!(twice.expect_err("ambiguous"), text);
    }

    const A: &str = "https://a.example/";
    const B: &str = "https://b.example/";
    const AS: &str = "https://as.example";

    /// J3: a token is valid at each of its resources, so it holds only what is allowed at all of them. Asking for one
    /// more resource never adds a scope, in whatever order.
    #[test]
    fn j3_several_resources_share_their_scopes() {
        let resources =
            Resources::parse(r#"{"https://a.example/":"read write","https://b.example/":"read admin"}"#).expect("good");
        let scopes = |asked: &[&str], text| asking(&resources, asked, AS, &scope(text)).map(|(_, left)| left);
        for both in [[A, B], [B, A]] {
            assert_eq!(scopes(&both, "admin read write"), Ok(scope("read")));
            assert_eq!(scopes(&both, "write"), Err(ResourceError::Scope));
            assert_eq!(scopes(&both, "write admin"), Err(ResourceError::Scope));
            assert_eq!(scopes(&both, ""), Ok(scope("")));
        }
        // The default audience has no entry here, and so limits nothing: the entry of the other one still does.
        assert_eq!(scopes(&[AS, B], "write admin x"), Ok(scope("admin")));
        assert_eq!(scopes(&[AS, B], "write"), Err(ResourceError::Scope));
        assert_eq!(scopes(&[AS], "x"), Ok(scope("x")));
        // An entry without scopes allows none.
        let none = Resources::parse(r#"{"https://a.example/":"","https://b.example/":"read"}"#).expect("good");
        assert_eq!(asking(&none, &[A, B], AS, &scope("read")), Err(ResourceError::Scope));
        assert_eq!(asking(&none, &[A], AS, &scope("read")), Err(ResourceError::Scope));
    }

    /// J3: the entry of the default audience counts whether it is asked for by name or by asking for nothing.
    #[test]
    fn j3_the_entry_of_the_default_audience_counts() {
        let resources = Resources::parse(r#"{"https://a.example/":"read","https://b.example/":"read write"}"#);
        let resources = resources.expect("good");
        for asked in [&[][..], &[A], &[A, A], &[A, B], &[B, A]] {
            let choose = |text| asking(&resources, asked, A, &scope(text)).map(|(_, left)| left);
            assert_eq!(choose("write"), Err(ResourceError::Scope), "{asked:?}");
            assert_eq!(choose("write read"), Ok(scope("read")), "{asked:?}");
            assert_eq!(choose(""), Ok(scope("")), "{asked:?}");
        }
    }

    /// P4: an entry with `scope` has these scopes and no other: what is asked for beside them is refused, and what is not
    /// asked for by name is left out. Of several lifetimes the shortest counts.
    #[test]
    fn p4_scope_and_ttl_of_a_resource() {
        let resources = Resources::parse(
            r#"{"https://a.example/":{"scope":"read write","ttl":300},"https://b.example/":{"scope":"read"},
                "https://c.example/":{"ttl":60},"https://d.example/":"read"}"#,
        );
        let resources = resources.expect("good");
        let (c, d) = ("https://c.example", "https://d.example");
        let request = |asked: &[&str], text: &str| resources.choose(asked, AS, ScopeOf::Request(&scope(text)));
        let client = |asked: &[&str], text: &str| resources.choose(asked, AS, ScopeOf::Client(&scope(text)));
        let gets = |chosen: Result<Chosen, ResourceError>| chosen.map(|chosen| (chosen.scope, chosen.ttl));
        assert_eq!(gets(request(&[A], "write read")), Ok((scope("write read"), Some(300))));
        assert_eq!(gets(request(&[A], "read admin")), Err(ResourceError::Scope));
        assert_eq!(gets(client(&[A], "admin read")), Ok((scope("read"), Some(300))));
        assert_eq!(gets(client(&[A], "admin")), Err(ResourceError::Scope));
        assert_eq!(gets(client(&[A], "")), Ok((scope(""), Some(300))));
        // A token for several is valid at each.
        for both in [[A, B], [B, A]] {
            assert_eq!(gets(client(&both, "read write")), Ok((scope("read"), Some(300))));
            assert_eq!(gets(request(&both, "read")), Ok((scope("read"), Some(300))));
            assert_eq!(gets(request(&both, "read write")), Err(ResourceError::Scope));
        }
        assert_eq!(gets(request(&[A, c], "write")), Ok((scope("write"), Some(60))));
        assert_eq!(gets(request(&[c], "anything")), Ok((scope("anything"), Some(60))));
        // The text form leaves out what it does not have.
        assert_eq!(gets(request(&[d, c], "read admin")), Ok((scope("read"), Some(60))));
        assert_eq!(gets(request(&[d, A], "read admin")), Err(ResourceError::Scope));
        assert_eq!(gets(request(&[], "read admin")), Ok((scope("read admin"), None)));
    }

    /// P4, O5: every mistake is named with its resource.
    #[test]
    fn p4_o5_malformed_settings_are_named() {
        for bad in ["", "[]", r#"{"x":"read"}"#, r#"{"https://a.example#x":"read"}"#, r#"{"https://a.example":"a  b"}"#]
        {
            Resources::parse(bad).expect_err(bad);
        }
        let ttl = "\"https://a.example\" has a `ttl` that is not a whole number of seconds from 60 to 604800";
        for (entry, said) in [
            ("{}", "\"https://a.example\" must have `scope`, `ttl` or both, and nothing else"),
            (r#"{"scopes":"read"}"#, "\"https://a.example\" must have `scope`, `ttl` or both, and nothing else"),
            (r#"{"scope":["read"]}"#, "\"https://a.example\" has a `scope` that is not a string"),
            (r#"{"scope":"a","ttl":59}"#, ttl),
            (r#"{"ttl":604801}"#, ttl),
            (r#"{"ttl":0}"#, ttl),
            (r#"{"ttl":-60}"#, ttl),
            (r#"{"ttl":"60"}"#, ttl),
            (r#"{"ttl":60.5}"#, ttl),
            ("[]", "\"https://a.example\" needs its scopes as a string, or an object of `scope` and `ttl`"),
            ("null", "\"https://a.example\" needs its scopes as a string, or an object of `scope` and `ttl`"),
        ] {
            let text = format!(r#"{{"https://a.example":{entry}}}"#);
            assert_eq!(Resources::parse(&text).expect_err(&text), said, "{entry}");
        }
    }

    proptest! {
        /// P4: any text is a setting or an error.
        #[test]
        fn p4_any_setting(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}", n in any::<i64>()) {
            let _ = Resources::parse(&String::from_utf8_lossy(&bytes));
            for value in [json!(text), json!({"scope": text}), json!({"ttl": n}), json!({&text: n}), json!([text])] {
                let _ = Resources::parse(&json!({"https://a.example": value, &text: value}).to_string());
            }
        }
    }
}
