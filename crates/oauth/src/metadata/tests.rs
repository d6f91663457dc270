use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::error::{ErrorCode, OAuthError};
use crate::grant_type::GrantType;
use crate::method::{Method, MethodChoice};
use crate::scope::Scope;
use crate::security_profile::SecurityProfile;
use crate::token_policy::TokenPolicy;

pub(crate) fn policy() -> Policy {
    Policy {
        offered: Scope::parse("client-scope read write").expect("a scope"),
        default: Scope::parse("read").expect("a scope"),
        local: false,
        methods: Method::ALL.to_vec(),
        profile: SecurityProfile::None,
        federation: Federation::default(),
        token_policy: TokenPolicies::default(),
    }
}

fn verify(body: &Value) -> Result<Value, MetadataError> {
    let requested = RequestedMetadata::parse(body.to_string().as_bytes())?;
    let metadata = ClientMetadata::verify(&requested, &policy())?;
    Ok(serde_json::to_value(metadata).expect("serialises"))
}

fn refused(body: &Value) -> OAuthError {
    verify(body).expect_err("refused").into()
}

/// R3: the defaults, and what they look like in the response.
#[test]
fn r3_defaults() {
    let expected = json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": "read",
    });
    assert_eq!(verify(&json!({})).expect("registers"), expected);
}

/// A3, R2: whether the client named its method; an empty name is none.
#[test]
fn a3_r2_a_method_that_is_named() {
    for (body, choice) in [
        (json!({}), MethodChoice::Defaulted),
        (json!({"token_endpoint_auth_method": ""}), MethodChoice::Defaulted),
        (json!({"token_endpoint_auth_method": null}), MethodChoice::Defaulted),
        (json!({"token_endpoint_auth_method": "client_secret_basic"}), MethodChoice::Named),
        (json!({"token_endpoint_auth_method": "client_secret_post"}), MethodChoice::Named),
    ] {
        let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
        let metadata = ClientMetadata::verify(&requested, &policy()).expect("registers");
        assert_eq!(metadata.method_choice(), choice, "{body}");
    }
}

/// R2: empty, null and unknown members are as if not sent, but for arrays and the two that are echoed.
#[test]
fn r2_not_given() {
    let body = json!({
        "client_name": "", "logo_uri": null, "contacts": null, "grant_types": [], "response_types": null,
        "scope": "", "token_endpoint_auth_method": "", "redirect_uris": null, "unknown": {"deep": [1]},
        "client_name#not a tag": "x", "contacts#de": ["x"],
    });
    assert_eq!(verify(&body).expect("registers"), verify(&json!({})).expect("registers"));
    let echoed = verify(&json!({"client_uri": "", "redirect_uris": [""]})).expect("registers");
    assert_eq!((&echoed["client_uri"], &echoed["redirect_uris"]), (&json!(""), &json!([""])));
}

/// R2, R13: an array that was sent empty is registered empty, whatever else is.
#[test]
fn r2_r13_empty_arrays() {
    let is_array = |kind| matches!(kind, members::Kind::Texts(..) | members::Kind::RedirectUris(_));
    let arrays: Vec<_> = members::MEMBERS.iter().filter(|member| is_array(member.kind)).collect();
    assert_eq!(arrays.len(), 2, "{arrays:?}");
    for member in arrays {
        let registered = verify(&json!({member.name: []})).expect("registers");
        assert_eq!(registered.get(member.name), Some(&json!([])), "{}", member.name);
        assert_eq!(verify(&json!({member.name: null})).expect("registers").get(member.name), None, "{}", member.name);
    }
}

/// R2, R3, R4: of the arrays on which the server decides, an empty one counts as not given, beside any other list: what
/// is registered is what is in force.
#[test]
fn r2_r3_r4_empty_lists_of_grants_and_responses() {
    let code = "authorization_code";
    for (sent, grants, responses) in [
        (json!({"grant_types": [], "response_types": []}), json!(["client_credentials"]), json!([])),
        (json!({"grant_types": []}), json!(["client_credentials"]), json!([])),
        (json!({"response_types": []}), json!(["client_credentials"]), json!([])),
        (json!({"grant_types": ["refresh_token"], "response_types": []}), json!(["refresh_token"]), json!([])),
        (json!({"grant_types": [code], "response_types": []}), json!([code]), json!(["code"])),
        (json!({"grant_types": [], "response_types": ["code"]}), json!(["client_credentials", code]), json!(["code"])),
    ] {
        let registered = verify(&sent).expect("registers");
        assert_eq!((&registered["grant_types"], &registered["response_types"]), (&grants, &responses), "{sent}");
        let given = sent.as_object().expect("an object").iter().filter(|(_, list)| **list != json!([]));
        let given: Map<_, _> = given.map(|(name, list)| (name.clone(), list.clone())).collect();
        assert_eq!(verify(&given.into()).expect("registers"), registered, "{sent}");
    }
}

/// RFC 7591 §3.1, the example request.
#[test]
fn r13_rfc7591_example() {
    let body = json!({
        "redirect_uris": ["https://client.example.org/callback", "https://client.example.org/callback2"],
        "client_name": "My Example Client",
        "client_name#ja-Jpan-JP": "\u{30AF}\u{30E9}\u{30A4}\u{30A2}\u{30F3}\u{30C8}\u{540D}",
        "token_endpoint_auth_method": "client_secret_basic",
        "logo_uri": "https://client.example.org/logo.png",
        "jwks_uri": "https://client.example.org/my_public_keys.jwks",
        "example_extension_parameter": "example_value",
    });
    let registered = verify(&body).expect("registers");
    for member in ["redirect_uris", "client_name", "client_name#ja-Jpan-JP", "logo_uri", "jwks_uri"] {
        assert_eq!(registered[member], body[member], "{member}");
    }
    assert_eq!(registered.get("example_extension_parameter"), None);
}

/// R1: malformed JSON, wrong types and bounds are refused, and the member is named.
#[test]
fn r1_malformed() {
    for body in ["", "[]", "\"x\"", "{", "{} {}", "{\"a\":}", "nul", "\u{feff}{}"] {
        let error = RequestedMetadata::parse(body.as_bytes()).expect_err(body);
        assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata, "{body}");
    }
    let deep = "[".repeat(100_000);
    RequestedMetadata::parse(format!("{{\"a\":{deep}").as_bytes()).expect_err("too deep");
    RequestedMetadata::parse(b"{\"a\":\"\xff\"}").expect_err("not UTF-8");
    let error = RequestedMetadata::parse(br#"{"scope":"a","scope":"b"}"#).expect_err("twice");
    assert_eq!(error, MetadataError::Repeated("scope".to_owned()));
    let error = RequestedMetadata::parse(br#"{"hush":1,"hush":2}"#).expect_err("twice");
    assert_eq!(error, MetadataError::Repeated("a member".to_owned()));
    let many: Map<_, _> = (0..200).map(|n| (n.to_string(), json!(1))).collect();
    RequestedMetadata::parse(Value::from(many).to_string().as_bytes()).expect_err("too many");
    for (body, member) in [
        (json!({"scope": ["read"]}), "scope"),
        (json!({"client_name": 1}), "client_name"),
        (json!({"client_name#de": {}}), "client_name#de"),
        (json!({"contacts": "me"}), "contacts"),
        (json!({"contacts": ["me", 1]}), "contacts"),
        (json!({"grant_types": {}}), "grant_types"),
        (json!({"response_types": [null]}), "response_types"),
        (json!({"redirect_uris": "https://a.example"}), "redirect_uris"),
        (json!({"token_endpoint_auth_method": true}), "token_endpoint_auth_method"),
        (json!({"client_name": "x".repeat(257)}), "client_name"),
        (json!({"contacts": vec!["x"; 17]}), "contacts"),
        (json!({"grant_types": vec!["x"; 17]}), "grant_types"),
        (json!({"redirect_uris": vec!["https://a.example"; 33]}), "redirect_uris"),
        (json!({"scope": "a".repeat(5000)}), "scope"),
        (json!({"logo_uri": format!("https://a.example/{}", "x".repeat(2048))}), "logo_uri"),
    ] {
        let error = refused(&body);
        assert_eq!(error.code, ErrorCode::InvalidClientMetadata, "{body}");
        assert!(error.description.as_str().contains(&member.replace('"', "?")), "{error}");
    }
}

/// R4: as asked, and contradictions refused.
#[test]
fn r4_relations() {
    let same = json!({"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]});
    let registered = verify(&same).expect("registers");
    assert_eq!(registered["grant_types"], same["grant_types"]);
    assert_eq!(registered["response_types"], same["response_types"]);
    for bad in [
        json!({"grant_types": ["client_credentials"], "response_types": ["code"]}),
        json!({"grant_types": ["authorization_code"], "response_types": ["token"]}),
        json!({"grant_types": ["authorization_code", "implicit"], "response_types": ["code"]}),
        json!({"grant_types": ["authorization_code"], "response_types": ["code token"]}),
    ] {
        assert_eq!(refused(&bad).code, ErrorCode::InvalidClientMetadata, "{bad}");
    }
    let half = verify(&json!({"grant_types": ["implicit"]})).expect("registers");
    assert_eq!(half["response_types"], json!(["token"]));
    let half = verify(&json!({"response_types": ["code"]})).expect("registers");
    assert_eq!(half["grant_types"], json!(["client_credentials", "authorization_code"]));
}

/// R6: what a redirect URI may be.
#[test]
fn r6_redirect_uris() {
    for good in [
        "https://a.example/cb?x=1",
        "http://127.0.0.1:51004/cb",
        "http://[::1]/cb",
        "http://localhost/cb",
        "com.example.app:/oauth2redirect",
        "com.example.app://oauth2redirect",
        "cursor://anysphere.cursor-retrieval/oauth/user-x/callback",
        "CURSOR://anysphere.cursor-mcp/oauth/callback",
        "vscode:/callback",
    ] {
        verify(&json!({"redirect_uris": [good]})).expect(good);
    }
    for bad in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "http://a.example/cb",
        "https://a.example/cb#x",
        "https://a.example/cb#",
        "/relative",
        "a.example",
        "https://",
        " https://a.example",
        "https://a.example/\u{e9}",
        "file:///etc/passwd",
    ] {
        assert_eq!(refused(&json!({"redirect_uris": [bad]})).code, ErrorCode::InvalidRedirectUri, "{bad}");
    }
    assert_eq!(refused(&json!({"redirect_uris": ["https://a.example", ""]})).code, ErrorCode::InvalidRedirectUri);
}

/// R6: an application's own scheme needs no dot, because no grant of this server redirects. A grant that does must
/// bring the rule of RFC 8252 §7.1 back, which [`GrantType::redirects`] decides. Schemes that run or embed content, or
/// are another protocol's, are refused in whatever case.
#[test]
fn r6_private_use_schemes() {
    assert!(GrantType::ALL.iter().all(|grant| !grant.redirects()));
    for scheme in [
        "about",
        "blob",
        "chrome",
        "cid",
        "content",
        "data",
        "file",
        "filesystem",
        "ftp",
        "intent",
        "jar",
        "javascript",
        "localhost",
        "mailto",
        "mhtml",
        "resource",
        "tel",
        "urn",
        "vbscript",
        "view-source",
        "ws",
        "wss",
    ] {
        let mixed: String = scheme
            .chars()
            .enumerate()
            .map(|(at, letter)| if at % 2 == 0 { letter.to_ascii_uppercase() } else { letter })
            .collect();
        for scheme in [scheme.to_owned(), scheme.to_uppercase(), mixed] {
            for rest in [":x", "://a.example/cb", ":/cb", ":com.example.app:/cb", ":https://a.example/"] {
                let uri = format!("{scheme}{rest}");
                assert_eq!(refused(&json!({"redirect_uris": [uri]})).code, ErrorCode::InvalidRedirectUri, "{uri}");
            }
        }
    }
    for grants in [json!(["client_credentials"]), json!(["authorization_code", "refresh_token"])] {
        let metadata = json!({"redirect_uris": ["cursor://x/cb"], "grant_types": grants, "response_types": null});
        assert_eq!(verify(&metadata).expect("registers")["redirect_uris"], json!(["cursor://x/cb"]));
    }
    let text = refused(&json!({"redirect_uris": ["localhost:3000/cb"]})).description;
    assert_eq!(text.as_str(), "redirect_uris: must be https, http on a loopback address, or a private-use scheme");
}

/// R7: pages are https, or http on loopback where the server is local.
#[test]
fn r7_web_uris() {
    for member in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "tos_uri#fr"] {
        verify(&json!({member: "https://a.example/x#part"})).expect(member);
        for bad in ["http://a.example", "http://127.0.0.1/", "javascript:alert(1)", "x"] {
            assert_eq!(refused(&json!({member: bad})).code, ErrorCode::InvalidClientMetadata, "{member} {bad}");
        }
    }
    let requested = RequestedMetadata::parse(br#"{"client_uri":"http://localhost:3000/"}"#).expect("an object");
    ClientMetadata::verify(&requested, &Policy { local: true, ..policy() }).expect("local");
}

/// R10: the scope is reduced in the order asked; nothing left is an error.
#[test]
fn r10_scope() {
    let scope = |text: &str| verify(&json!({"scope": text})).map(|registered| registered["scope"].clone());
    assert_eq!(scope("strong client-scope").expect("registers"), "client-scope");
    assert_eq!(scope("write strong read").expect("registers"), "write read");
    assert_eq!(refused(&json!({"scope": "strong"})).code, ErrorCode::InvalidClientMetadata);
    assert_eq!(refused(&json!({"scope": "read  write"})).code, ErrorCode::InvalidClientMetadata);
}

/// R11: `none` and unknown methods are refused.
#[test]
fn r11_methods() {
    for method in ["none", "CLIENT_SECRET_BASIC", "magic"] {
        let error = refused(&json!({"token_endpoint_auth_method": method}));
        assert_eq!(error.code, ErrorCode::InvalidClientMetadata, "{method}");
    }
}

/// A key on P-256: the curve's generator.
pub(crate) fn jwks() -> Value {
    json!({"keys": [{
        "kty": "EC", "crv": "P-256",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    }]})
}

/// What is loaded is what was verified, and reads the same in a response, the decided members first.
#[test]
fn stored_metadata_loads_as_it_was_verified() {
    for (body, expected) in [
        (
            json!({}),
            r#"{"token_endpoint_auth_method":"client_secret_basic","grant_types":["client_credentials"],"response_types":[],"scope":"read"}"#,
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_post", "jwks_uri": "https://a.example", "client_name": "x"}),
            r#"{"token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"],"response_types":[],"scope":"read","client_name":"x","jwks_uri":"https://a.example"}"#,
        ),
        (
            json!({
                "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://A.example",
                "token_endpoint_auth_signing_alg": "ES256", "dpop_bound_access_tokens": true,
            }),
            r#"{"token_endpoint_auth_method":"private_key_jwt","grant_types":["client_credentials"],"response_types":[],"scope":"read","dpop_bound_access_tokens":true,"jwks_uri":"https://A.example","token_endpoint_auth_signing_alg":"ES256"}"#,
        ),
    ] {
        let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
        let metadata = ClientMetadata::verify(&requested, &policy()).expect("registers");
        assert_eq!(ClientMetadata::from_stored(metadata.to_stored()), Ok(metadata.clone()), "{body}");
        // The order of the other members depends on a feature of serde_json, which other crates may turn on.
        let text = serde_json::to_string(&metadata).expect("serialises");
        let decided = expected.find(r#","scope""#).expect("a scope");
        assert_eq!(text[..decided], expected[..decided]);
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(value(&text), value(expected));
    }
}

/// Metadata is parsed when it is loaded: what the method needs, and nothing else.
#[test]
fn stored_metadata_is_parsed_when_it_is_loaded() {
    let load = |method, others: &Value| {
        let others = others.as_object().expect("an object").clone();
        let stored = StoredMetadata { token_endpoint_auth_method: method, others, ..StoredMetadata::default() };
        ClientMetadata::from_stored(stored)
    };
    let bad_keys =
        json!({"jwks": 1, "jwks_uri": 1, "token_endpoint_auth_signing_alg": "none", "tls_client_auth_san_ip": "x"});
    for method in [Method::ClientSecretBasic, Method::ClientSecretPost] {
        assert_eq!(load(method, &bad_keys).expect("loads").others(), bad_keys.as_object().expect("an object"));
    }
    let by_key = [Method::PrivateKeyJwt, Method::SelfSignedTlsClientAuth];
    for method in by_key {
        load(method, &json!({"jwks": jwks()})).expect("loads");
        load(method, &json!({"jwks_uri": "https://a.example"})).expect("loads");
        for bad in [
            bad_keys.clone(),
            json!({}),
            json!({"jwks": {"keys": []}}),
            json!({"jwks": {"keys": [{"kty": "EC"}]}}),
            json!({"jwks_uri": "a.example"}),
            json!({"jwks_uri": null, "jwks": jwks()}),
        ] {
            load(method, &bad).expect_err(&bad.to_string());
        }
    }
    let algorithm = |name| json!({"jwks": jwks(), "token_endpoint_auth_signing_alg": name});
    load(Method::PrivateKeyJwt, &algorithm("ES256")).expect("loads");
    load(Method::PrivateKeyJwt, &algorithm("HS256")).expect_err("no algorithm of this server");
    load(Method::TlsClientAuth, &json!({"tls_client_auth_san_dns": "a.example"})).expect("loads");
    for bad in [
        json!({}),
        json!({"tls_client_auth_san_dns": "a b"}),
        json!({"tls_client_auth_san_dns": 1}),
        json!({"tls_client_auth_san_dns": "a.example", "tls_client_auth_san_ip": "10.0.0.1"}),
    ] {
        load(Method::TlsClientAuth, &bad).expect_err(&bad.to_string());
    }
}

proptest! {
    /// Any bytes: no panic, a registered error code.
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        if let Err(error) = RequestedMetadata::parse(&bytes) {
            prop_assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata);
        }
    }

    /// Any text in any member: no panic, a registered code, and what registers is never null.
    #[test]
    fn any_value(member in "client_name(#[a-z-]{0,9})?|(client|logo)_uri|scope|token_endpoint_auth_method", text: String) {
        match verify(&json!({member.as_str(): text})) {
            Ok(registered) => prop_assert!(registered.get(member.as_str()).is_none_or(|value| !value.is_null())),
            Err(error) => prop_assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata),
        }
    }

    /// Any name of a certificate, in any of its members: no panic, and what registers is registered as sent, alone.
    #[test]
    fn any_certificate_name(
        member in "tls_client_auth_(subject_dn|san_(dns|uri|ip|email))",
        other in "tls_client_auth_(subject_dn|san_(dns|uri|ip|email))",
        text in "\\PC{0,40}|(CN=)?[a-z0-9.:@/]{1,20}",
    ) {
        let mut body = json!({"token_endpoint_auth_method": "tls_client_auth", member.as_str(): text});
        let registered = verify(&body);
        match &registered {
            Ok(registered) => prop_assert_eq!(&registered[member.as_str()], &json!(text)),
            Err(error) => prop_assert_eq!(OAuthError::from(error.clone()).code, ErrorCode::InvalidClientMetadata),
        }
        body[other.as_str()] = text.clone().into();
        prop_assert_eq!(verify(&body).is_ok(), registered.is_ok() && other == member);
    }

    /// Any redirect URI: no panic, and what registers is never a script.
    #[test]
    fn any_redirect_uri(
        text in "(?i:javascript|data|file|blob|vbscript|about|https?|[a-z.]{1,9})[\\t ]?:?/{0,2}\\PC{0,30}",
    ) {
        if verify(&json!({"redirect_uris": [text]})).is_ok() {
            let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
            let dangerous = ["javascript", "data", "file", "blob", "vbscript", "about"];
            prop_assert!(!dangerous.contains(&scheme.as_str()), "{}", text);
        }
    }
}

/// P6: who may set the policy of a client, and what of it is registered.
#[test]
fn p6_whose_policy_a_client_gets() {
    let own = json!({"claims": {"tenant": "acme"}, "access_token_ttl": 60});
    let other = json!({"claims": {"tenant": "other"}, "access_token_ttl": 60});
    let fixed = |value: &Value| TokenPolicies::Fixed(Some(Box::new(TokenPolicy::parse(value).expect("a policy"))));
    let registered = |token_policy: TokenPolicies, sent: &Value| {
        let body = json!({"token_policy": sent}).to_string();
        let requested = RequestedMetadata::parse(body.as_bytes()).expect("an object");
        let policy = Policy { token_policy, ..policy() };
        let metadata = ClientMetadata::verify(&requested, &policy);
        metadata.map(|metadata| metadata.token_policy().map(TokenPolicy::to_json)).map_err(|error| error.to_string())
    };
    for nothing in [json!(null), json!({}), json!({"claims": {}})] {
        assert_eq!(registered(TokenPolicies::default(), &nothing), Ok(None));
        assert_eq!(registered(TokenPolicies::Allowed, &nothing), Ok(None));
        assert_eq!(registered(fixed(&own), &nothing), Ok(Some(own.clone())));
    }
    assert_eq!(registered(TokenPolicies::Allowed, &own), Ok(Some(own.clone())));
    assert_eq!(registered(fixed(&own), &own), Ok(Some(own.clone())));
    for (rule, said) in
        [(TokenPolicies::default(), "may be set only by"), (fixed(&own), "must be the registered value")]
    {
        let refused = registered(rule, &other).expect_err("refused");
        assert!(refused.starts_with("token_policy ") && refused.contains(said), "{refused}");
    }
    assert!(registered(TokenPolicies::Allowed, &json!({"claims": {"sub": "x"}})).is_err());
}
