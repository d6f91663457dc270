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
    for asked in [&["https://a.example"][..], &["https://a.example/"], &["https://a.example", "https://a.example/"]] {
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
    for bad in ["", "[]", r#"{"x":"read"}"#, r#"{"https://a.example#x":"read"}"#, r#"{"https://a.example":"a  b"}"#] {
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
