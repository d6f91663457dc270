//! Whose URLs are identifiers of clients: draft-ietf-oauth-client-id-metadata-document-02 §3.

use std::collections::BTreeMap;

use url::Url;

use crate::client::ClientId;
use crate::issuer::is_loopback;
use crate::scope::Scope;

/// The most hosts.
const MAX_HOSTS: usize = 64;

/// The hosts that clients may have their documents on, each with the scopes of its clients. Hosts are compared byte by byte,
/// with the port if it is not the scheme's own: `example.com` is neither `www.example.com` nor `example.com:8443`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataHosts(BTreeMap<String, Scope>);

/// An identifier that is the URL of a document on one of these hosts.
#[derive(Clone, Copy, Debug)]
pub struct DocumentUrl<'a> {
    id: &'a ClientId,
    scope: &'a Scope,
}

impl MetadataHosts {
    /// Reads a JSON object: by host, the scopes that its clients may have, separated by spaces.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries: BTreeMap<String, String> =
            serde_json::from_str(text).map_err(|_| "must be a JSON object of host and scopes".to_owned())?;
        if entries.len() > MAX_HOSTS {
            return Err(format!("has more than {MAX_HOSTS} hosts"));
        }
        let parse = |(host, scope): (String, String)| {
            if !is_host(&host) {
                return Err(format!("{host:?} is not a host in lower case, with its port if that is not 443"));
            }
            match Scope::parse(&scope) {
                Ok(scope) => Ok((host, scope)),
                Err(error) => Err(format!("{host:?} has a scope that is malformed: {error}")),
            }
        };
        entries.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether no client has a document.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The identifier as a URL of a document, if it is one (§3): https, on one of these hosts, in its normal form, without
    /// user, query and fragment. The draft advises against a query; here it would be a way to have many identifiers for one
    /// document. A server on a developer's machine (`local`) also takes http on loopback.
    pub fn find<'a>(&'a self, id: &'a ClientId, local: bool) -> Option<DocumentUrl<'a>> {
        let text = id.as_str();
        let (scheme, rest) = text.split_once("://")?;
        let (host, _) = rest.split_once('/')?;
        let scope = self.0.get(host)?;
        let url = Url::parse(text).ok()?;
        let is_allowed = match scheme {
            "https" => true,
            "http" => local && is_loopback(&url),
            _ => false,
        };
        // The parser resolves dot segments, so what has any is not in its normal form.
        let is_identifier = url.as_str() == text && url.query().is_none() && url.fragment().is_none();
        (is_allowed && is_identifier).then_some(DocumentUrl { id, scope })
    }
}

impl DocumentUrl<'_> {
    /// The identifier.
    pub const fn id(&self) -> &ClientId {
        self.id
    }

    /// The URL, which is the identifier.
    pub fn as_str(&self) -> &str {
        self.id.as_str()
    }

    /// The scopes that clients of its host may have.
    pub const fn scope(&self) -> &Scope {
        self.scope
    }
}

/// A host and perhaps a port, in the form that they have in a URL in its normal form.
fn is_host(text: &str) -> bool {
    let url = format!("https://{text}/");
    Url::parse(&url).is_ok_and(|parsed| parsed.as_str() == url && parsed.path() == "/" && parsed.username().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hosts() -> MetadataHosts {
        MetadataHosts::parse(
            r#"{"agents.example": "read write", "agents.example:8443": "read", "127.0.0.1:9000": "", "[2001:db8::1]": "read"}"#,
        )
        .expect("hosts")
    }

    fn find(text: &str, local: bool) -> Option<String> {
        let (hosts, id) = (hosts(), ClientId::parse(text).ok()?);
        hosts.find(&id, local).map(|url| {
            assert_eq!((url.as_str(), url.id().as_str()), (text, text));
            url.scope().as_str().to_owned()
        })
    }

    /// C1: a JSON object of hosts in their normal form and scopes, and what is wrong with another.
    #[test]
    fn c1_hosts() {
        assert!(MetadataHosts::default().is_empty() && !hosts().is_empty());
        assert_eq!(MetadataHosts::parse("{}"), Ok(MetadataHosts::default()));
        for bad in ["", "[]", "{", r#"{"a.example": 1}"#, r#"{"a.example": {"scope": "read"}}"#, r#""a.example""#] {
            let error = MetadataHosts::parse(bad).expect_err(bad);
            assert_eq!(error, "must be a JSON object of host and scopes", "{bad}");
        }
        for bad in [
            "",
            "A.example",
            "a.example/",
            "a.example/path",
            "https://a.example",
            "user@a.example",
            "a.example:443",
            "a.example?x",
            "a.example#x",
            "*.example.com ",
            "bücher.example",
            "0x7f.1",
            "a b",
        ] {
            let text = serde_json::json!({bad: "read"}).to_string();
            let error = MetadataHosts::parse(&text).expect_err(bad);
            assert!(error.ends_with("is not a host in lower case, with its port if that is not 443"), "{error}");
        }
        let error = MetadataHosts::parse(r#"{"a.example": "a  b"}"#).expect_err("a malformed scope");
        assert!(error.starts_with(r#""a.example" has a scope that is malformed"#), "{error}");
        let many = |count| (0..count).map(|n| (format!("h{n}.example"), "read".into())).collect();
        let parse = |count| MetadataHosts::parse(&serde_json::Value::Object(many(count)).to_string());
        assert!(parse(MAX_HOSTS).is_ok());
        assert_eq!(parse(MAX_HOSTS + 1), Err("has more than 64 hosts".to_owned()));
    }

    /// C2: which identifiers are URLs of documents, and the scope of their host.
    #[test]
    fn c2_identifiers() {
        for (text, scope) in [
            ("https://agents.example/", "read write"),
            ("https://agents.example/a/b.json", "read write"),
            ("https://agents.example//", "read write"),
            ("https://agents.example:8443/a", "read"),
            ("https://[2001:db8::1]/a", "read"),
            ("https://127.0.0.1:9000/a", ""),
        ] {
            for local in [true, false] {
                assert_eq!(find(text, local).as_deref(), Some(scope), "{text}");
            }
        }
        assert_eq!(find("http://127.0.0.1:9000/a", true).as_deref(), Some(""), "http on loopback");
        assert_eq!(find("http://127.0.0.1:9000/a", false), None);
    }

    /// C2: what is nearly the URL of a document is none.
    #[test]
    fn c2_what_is_no_identifier() {
        for text in [
            "http://agents.example/a",
            "ftp://agents.example/a",
            "HTTPS://agents.example/a",
            "https:/agents.example/a",
            "https://agents.example",
            "https://Agents.example/a",
            "https://agents.example:443/a",
            "https://agents.example./a",
            "https://agents.example:08443/a",
            "https://agents.example:9/a",
            "https://www.agents.example/a",
            "https://agents.example.evil.example/a",
            "https://evil.example/agents.example/a",
            "https://evil.example/https://agents.example/a",
            "https://agents.example@evil.example/a",
            "https://user@agents.example/a",
            "https://user:secret@agents.example/a",
            "https://@agents.example/a",
            "https://agents.example\\@evil.example/a",
            "https://evil.example\\agents.example/a",
            "https://agents.example/a?b",
            "https://agents.example/a?",
            "https://agents.example/a#b",
            "https://agents.example/a#",
            "https://agents.example/./a",
            "https://agents.example/../a",
            "https://agents.example/a/..",
            "https://agents.example/%2e%2e/a",
            "https://agents.example/%2E/a",
            "https://agents.example/a b",
            "https://agents.example/\\a",
            " https://agents.example/a",
            "https://2130706433:9000/a",
        ] {
            for local in [true, false] {
                assert_eq!(find(text, local), None, "{text:?}");
            }
        }
    }

    proptest! {
        /// C2: whatever is found is in its normal form and on a host that is allowed.
        #[test]
        fn c2_any_text(path in "[!-~ ]{0,40}", prefix in prop::sample::select(vec![
            "", "https://", "https://agents.example", "https://agents.example/", "http://127.0.0.1:9000/", "https://agents.example:",
        ])) {
            let text = format!("{prefix}{path}");
            if find(&text, true).is_some() {
                let url = Url::parse(&text).expect("a URL");
                prop_assert_eq!(url.as_str(), &text);
                prop_assert!(["agents.example", "127.0.0.1", "[2001:db8::1]"].contains(&url.host_str().expect("a host")));
                prop_assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
            }
        }
    }
}
