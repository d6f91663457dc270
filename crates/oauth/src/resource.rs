//! Resource indicators: RFC 8707 §2.

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

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
    scope: Scope,
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
    /// Reads a JSON object of resource and scopes, separated by spaces.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries: BTreeMap<String, String> =
            serde_json::from_str(text).map_err(|_| "must be a JSON object of resource and scopes".to_owned())?;
        let mut parsed = BTreeMap::new();
        for (resource, scopes) in entries {
            if !is_resource(&resource) {
                return Err(format!("{resource:?} is not an absolute URI without fragment"));
            }
            let scope = Scope::parse(&scopes).map_err(|error| format!("{resource:?}: {error}"))?;
            let key = without_root(&resource).to_owned();
            if let Some(Entry { resource: same, .. }) = parsed.insert(key, Entry { resource: resource.clone(), scope })
            {
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

    /// Decides whom a token is for and what it allows there (J3). It is for the resources asked for, or for
    /// `default` where none is; of `scope` only what is allowed at every one of them is left, since the token
    /// is valid at each (RFC 8707 §2). `aud` has the configured spelling. The default audience may be asked for by name. Its entry counts however
    /// it was chosen; without an entry it limits nothing.
    ///
    /// # Errors
    /// [`ResourceError::Unknown`] for an unknown resource, [`ResourceError::Scope`] if nothing is left of a scope
    /// that was not empty.
    pub fn choose(&self, asked: &[&str], default: &str, scope: &Scope) -> Result<(Audience, Scope), ResourceError> {
        let mut resources: Vec<&str> = Vec::with_capacity(asked.len().max(1));
        for asked in asked {
            let resource = if without_root(asked) == without_root(default) {
                default
            } else {
                self.spelling(asked).ok_or(ResourceError::Unknown)?
            };
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        if resources.is_empty() {
            resources.push(default);
        }
        let mut left = scope.clone();
        for entry in resources.iter().filter_map(|resource| self.entry(resource)) {
            left = left.reduced_to(&entry.scope);
        }
        if left.is_empty() && !scope.is_empty() {
            return Err(ResourceError::Scope);
        }
        let audience = match resources[..] {
            [one] => Audience::One(one.to_owned()),
            _ => Audience::Many(resources.into_iter().map(str::to_owned).collect()),
        };
        Ok((audience, left))
    }
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
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).expect("a scope")
    }

    /// J3: one resource is a text, several an array; scopes that are not allowed there are left out.
    #[test]
    fn j3_choose() {
        let resources =
            Resources::parse(r#"{"https://a.example/":"read write","https://b.example/":"read"}"#).expect("good");
        let choose = |asked: &[&str], text| resources.choose(asked, "https://as.example", &scope(text));
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
        let choose = |asked: &[&str], default| resources.choose(asked, default, &scope("read write"));
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
        let scopes = |asked: &[&str], text| resources.choose(asked, AS, &scope(text)).map(|(_, left)| left);
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
        assert_eq!(none.choose(&[A, B], AS, &scope("read")), Err(ResourceError::Scope));
        assert_eq!(none.choose(&[A], AS, &scope("read")), Err(ResourceError::Scope));
    }

    /// J3: the entry of the default audience counts whether it is asked for by name or by asking for nothing.
    #[test]
    fn j3_the_entry_of_the_default_audience_counts() {
        let resources = Resources::parse(r#"{"https://a.example/":"read","https://b.example/":"read write"}"#);
        let resources = resources.expect("good");
        for asked in [&[][..], &[A], &[A, A], &[A, B], &[B, A]] {
            let choose = |text| resources.choose(asked, A, &scope(text)).map(|(_, left)| left);
            assert_eq!(choose("write"), Err(ResourceError::Scope), "{asked:?}");
            assert_eq!(choose("write read"), Ok(scope("read")), "{asked:?}");
            assert_eq!(choose(""), Ok(scope("")), "{asked:?}");
        }
    }

    #[test]
    fn malformed_settings_are_named() {
        for bad in ["", "[]", r#"{"x":"read"}"#, r#"{"https://a.example#x":"read"}"#, r#"{"https://a.example":"a  b"}"#]
        {
            Resources::parse(bad).expect_err(bad);
        }
    }
}
