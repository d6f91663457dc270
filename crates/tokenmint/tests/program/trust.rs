//! `tokenmint client trust`, `tokenmint client check-assertion`, and federated credentials of new clients.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::harness::{Data, Server, answer, curl, done, failed, json as object, program, run, text};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// A key on P-256, and its public half as a JWK Set.
fn key() -> (EcdsaKeyPair, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    // An uncompressed point.
    let point = pair.public_key().as_ref()[1..].to_owned();
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let jwks = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": part(&point[..32]), "y": part(&point[32..])}]});
    (pair, jwks)
}

fn sign(key: &EcdsaKeyPair, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "ES256"})), part(claims));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn trust<'d>(data: &'d Data, platform: &[&'d str], more: &[&'d str]) -> Vec<&'d str> {
    data.on(&[&["client", "trust"], platform, more].concat())
}

fn credentials(data: &Data, id: &str) -> Value {
    object(&data.on(&["client", "show", id])).get("federated_credentials").cloned().unwrap_or_default()
}

/// F2, F4: each platform's subject is put together as the platform does it, and can be removed.
#[test]
fn f2_f4_an_operator_says_whom_a_client_trusts() {
    let data = Data::store();
    let first = r#"{"issuer":"https://issuer.example","sub":"first"}"#;
    let made = object(&data.on(&["client", "create", "--scope", "read", "--federated-credential", first]));
    let id = text(&made, "client_id");
    assert_eq!((text(&made, "token_endpoint_auth_method"), made.get("client_secret")), ("private_key_jwt", None));
    let arn = "arn:aws:iam::123456789012:role/agents/Billing";
    let (eks, aws) = ("https://oidc.eks.eu-central-1.amazonaws.com/id/E", "https://a.tokens.sts.global.api.aws");
    for platform in [
        &["github", "--repo", "octo-org/octo-repo", "--ref", "refs/heads/main", "--claim", "repository_id=\"74\""][..],
        &["github", "--repo", "octo-org@65/octo-repo@74", "--environment", "a:b", "--claim", "n=1"],
        &["github", "--repo", "octo-org/octo-repo", "--pull-request", "--issuer", "https://github.example"],
        &["eks", "--namespace", "prod", "--service-account", "billing", "--issuer", eks],
        &["aws", "--role-arn", arn, "--issuer", aws],
        &["spiffe", "--id", "spiffe://prod.example.com/billing"],
        &[
            "subject",
            "--issuer",
            "https://issuer.example",
            "--sub",
            "second",
            "--claim",
            "a.b=x=y",
            "--claim",
            "c=true",
        ],
    ] {
        let said = done(&trust(&data, platform, &["--client", id]));
        assert!(said.starts_with(&format!("{id} trusts ")), "{said}");
        // The same again changes nothing.
        done(&trust(&data, platform, &["--client", &id[..8]]));
    }
    let repo = "repo:octo-org/octo-repo";
    let expected = json!([
        {"issuer": "https://issuer.example", "sub": "first"},
        {"issuer": GITHUB, "sub": format!("{repo}:ref:refs/heads/main"), "claims": {"repository_id": "74"}},
        {"issuer": GITHUB, "sub": "repo:octo-org@65/octo-repo@74:environment:a%3Ab", "claims": {"n": 1}},
        {"issuer": "https://github.example", "sub": format!("{repo}:pull_request")},
        {"issuer": eks, "sub": "system:serviceaccount:prod:billing"},
        {"issuer": aws, "sub": arn},
        {"issuer": "spiffe://prod.example.com", "sub": "spiffe://prod.example.com/billing"},
        {"issuer": "https://issuer.example", "sub": "second", "claims": {"a.b": "x=y", "c": true}},
    ]);
    assert_eq!(credentials(&data, id), expected);

    let remove = ["--client", id, "--remove"];
    let billing = ["spiffe", "--id", "spiffe://prod.example.com/billing"];
    let said = done(&trust(&data, &billing, &remove));
    assert!(said.starts_with(&format!("{id} no longer trusts ")), "{said}");
    assert_eq!(credentials(&data, id).as_array().unwrap().len(), 7);
    let said = failed(&trust(&data, &billing, &remove), 1);
    assert!(said.contains("it does not trust exactly this"), "{said}");
    // Nothing else of the client is changed, and a client without keys keeps one credential.
    assert_eq!(text(&object(&data.on(&["client", "show", id])), "scope"), "read");
    let bare = object(&data.on(&["client", "create", "--federated-credential", first]));
    let first = ["subject", "--issuer", "https://issuer.example", "--sub", "first"];
    let said = failed(&trust(&data, &first, &["--client", text(&bare, "client_id"), "--remove"]), 1);
    assert!(said.contains("needs the client's keys"), "{said}");
    let basic = object(&data.on(&["client", "create"]));
    let said = failed(&trust(&data, &billing, &["--client", text(&basic, "client_id")]), 1);
    assert!(said.contains("federated_credentials needs token_endpoint_auth_method private_key_jwt"), "{said}");
    for (platform, example) in [
        (&["github", "--repo", "octo-org/*", "--ref", "x"][..], "octo-org/octo-repo"),
        (&["github", "--repo", "octo-org/octo-repo"], "--ref"),
        (&["github", "--repo", "octo-org/octo-repo", "--ref", "a", "--environment", "b"], "--environment"),
        (&["aws", "--role-arn", "arn:aws:iam::123456789012:user/a", "--issuer", aws], "role/Billing"),
        (&["eks", "--namespace", "prod:x", "--service-account", "a", "--issuer", eks], "billing"),
        (&["spiffe", "--id", "spiffe://prod.example.com"], "spiffe://prod.example.com/billing"),
        (&["subject", "--issuer", "https://a.example", "--sub", "a", "--claim", "x"], "kubernetes.io.namespace=prod"),
        (&["subject", "--issuer", "https://a.example", "--sub", ""], "needs in each entry"),
    ] {
        let said = run(&trust(&data, platform, &["--client", id]));
        assert!(said.status == 2 && said.stderr.contains(example), "{platform:?}: {said:?}");
    }
    assert_eq!(credentials(&data, id).as_array().unwrap().len(), 7);
}

/// F1, F3: an assertion that the check accepts gets a token, and the check names each rule that another one violates.
#[test]
fn f1_f3_check_an_assertion() {
    let data = Data::store();
    let (key, jwks) = key();
    let issuers = json!([{"issuer": GITHUB, "jwks": jwks, "reuse": "until-exp"}]).to_string();
    let options = data.on(&["--listen", "127.0.0.1:0"]);
    let server = Server::start_with(program(&options).env("TRUSTED_ISSUERS", &issuers));

    let own = json!({"issuer": GITHUB, "sub": "repo:o/r:ref:refs/heads/main", "claims": {"repository_id": "74"}});
    let made = object(&data.on(&["client", "create", "--federated-credential", &own.to_string()]));
    let id = text(&made, "client_id");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": GITHUB, "sub": "repo:o/r:ref:refs/heads/main", "aud": server.url, "iat": now, "exp": now + 600,
        "repository_id": "74",
    });
    let assertion = sign(&key, &claims);
    let check = |assertion: &str, more: &[&str]| {
        let path = format!("{}/token.jwt", data.folder);
        fs::write(&path, format!("{assertion}\n")).unwrap();
        let options = data
            .on(&[&["client", "check-assertion", &path, "--json"], more].concat())
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let answer = answer(program(&options).env("TRUSTED_ISSUERS", &issuers), "");
        let lines: Vec<Value> = answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let failed =
            lines.iter().filter(|line| line["ok"] == false).map(|line| line["rule"].as_str().unwrap().to_owned());
        let failed: Vec<_> = failed.collect();
        assert_eq!(answer.status, i32::from(!failed.is_empty()), "{}", answer.stderr);
        assert!(!answer.stderr.contains(assertion) && !answer.stdout.contains(assertion));
        failed
    };
    let form = format!(
        "{}/token -d grant_type=client_credentials -d client_assertion={assertion} \
         -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        server.url
    );
    assert_eq!(curl(&form).0, 200);
    assert_eq!(check(&assertion, &[]), Vec::<String>::new());
    assert_eq!(check(&assertion, &["--client", &id[..8]]), Vec::<String>::new());
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        sign(&key, &changed)
    };
    for (assertion, rules) in [
        (with("iss", json!("https://other.example")), &["issuer"][..]),
        (with("sub", json!("repo:o/r:ref:refs/heads/other")), &["client", "credential"]),
        (with("repository_id", json!(74)), &["credential"]),
        (with("aud", json!("https://other.example")), &["audience"]),
        (with("exp", json!(now - 61)), &["time"]),
        (with("exp", json!(now + 3601)), &["lifetime"]),
        (format!("{assertion}A"), &["signature"]),
        ("x".to_owned(), &["form"]),
    ] {
        assert_eq!(check(&assertion, &[]), rules, "{rules:?}");
    }
    let second = object(&data.on(&["client", "create", "--federated-credential", &own.to_string()]));
    assert_eq!(check(&assertion, &[])[0], "client");
    assert_eq!(check(&assertion, &["--client", text(&second, "client_id")]), Vec::<String>::new());
    done(&data.on(&["client", "disable", id]));
    assert_eq!(check(&assertion, &["--client", id]), ["client"]);
    server.stop();
}

/// F4: an initial access token lets clients name federated credentials only if the operator says so.
#[test]
fn f4_a_registration_token_that_allows_it() {
    let data = Data::store();
    let create = ["registration-token", "create", "--uses", "1", "--expires-in", "1d"];
    let plain = object(&data.on(&create));
    let allowing = object(&data.on(&[&create[..], &["--allow-federation"]].concat()));
    assert_eq!((plain.get("allows_federation"), &allowing["allows_federation"]), (None, &json!(true)));
    let server = Server::start_with(program(&data.on(&["--listen", "127.0.0.1:0"])).env("REGISTRATION", "protected"));
    let body = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "federated_credentials": [{"issuer": GITHUB, "sub": "repo:o/r:ref:refs/heads/main"}],
    });
    for (token, status) in [(&plain, 400), (&allowing, 201)] {
        let header = format!("-H 'Authorization: Bearer {}'", text(token, "initial_access_token"));
        let request = format!("{header} -H 'Content-Type: application/json' -d '{body}' {}/register", server.url);
        assert_eq!(curl(&request).0, status);
    }
    server.stop();
}
