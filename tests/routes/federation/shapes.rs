//! The tokens of GitHub, Kubernetes, AWS and SPIFFE.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{
    GITHUB, REPO, SERVER, StandIn, ask, ask_spiffe, client, expect_token_of, github_claims, refusal, with, world,
};
use crate::client_key::ClientKey;
use crate::site::{Site, ok};

/// F1: GitHub Actions, with both forms of subjects: by name, and by name and number.
#[tokio::test]
async fn f1_github() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({"max_lifetime": 600}))]).await;
    let by_number = "repo:octo-org@65/octo-repo@74:ref:refs/heads/main";
    let first = client(&world, &json!([{"issuer": GITHUB, "sub": REPO, "claims": {"repository_id": "74"}}])).await.0;
    let second = client(&world, &json!([{"issuer": GITHUB, "sub": by_number}])).await.0;
    for (client, sub) in [(&first, REPO), (&second, by_number)] {
        let token = |jti: &str| github.key.sign(&with(github_claims(&world, jti), &json!({"sub": sub})));
        expect_token_of(client, &ask(&world, &token(&format!("{client}1")), "").await);
        expect_token_of(client, &ask(&world, &token(&format!("{client}2")), &format!("&client_id={client}")).await);
    }
    assert_eq!(github.site.asked(), 1, "the keys are kept");
}

/// F1, F2: Kubernetes and EKS: a projected token is read from a file again and again; its claims are nested below names
/// with dots.
#[tokio::test]
async fn f1_f2_kubernetes() {
    const EKS: &str = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";
    let eks = StandIn::start(EKS, Algorithm::RS256).await;
    let world = world(&[eks.entry(&json!({"reuse": "until-exp", "max_lifetime": 86400}))]).await;
    let sub = "system:serviceaccount:prod:billing";
    let own = json!([{"issuer": EKS, "sub": sub, "claims": {
        "kubernetes.io.namespace": "prod", "kubernetes.io.serviceaccount.uid": "0f5a2f7f",
    }}]);
    let client = client(&world, &own).await.0;
    let claims = json!({
        "aud": [SERVER], "exp": world.now() + 86400, "iat": world.now(), "nbf": world.now(), "iss": EKS, "sub": sub,
        "jti": "ea2b1c63-1c1f-4a1b-a0de-5c1d55a1f9a7",
        "kubernetes.io": {
            "namespace": "prod", "node": {"name": "n-1", "uid": "1"}, "pod": {"name": "p-1", "uid": "2"},
            "serviceaccount": {"name": "billing", "uid": "0f5a2f7f"}, "warnafter": world.now() + 3600,
        },
    });
    let token = eks.key.sign(&claims);
    for _ in 0..3 {
        expect_token_of(&client, &ask(&world, &token, "").await);
        world.pass(20_000);
    }
    assert_eq!(world.stored_tokens().await, 0, "no use is recorded");
    let other =
        json!({"kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "billing", "uid": "another"}}});
    assert_eq!(ask(&world, &eks.key.sign(&with(claims, &other)), "").await.body, refusal(&world).await);
}

/// F1, F3: AWS `GetWebIdentityToken`, which `AgentCore` Identity sends without `client_id`.
#[tokio::test]
async fn f1_f3_aws() {
    const AWS: &str = "https://a1b2c3d4-5678-90ab-cdef-000000000000.tokens.sts.global.api.aws";
    for algorithm in [Algorithm::RS256, Algorithm::ES384] {
        let aws = StandIn::start(AWS, algorithm).await;
        let world = world(&[aws.entry(&json!({"algorithms": ["RS256", "ES384"]}))]).await;
        let sub = "arn:aws:iam::123456789012:role/agents/Billing";
        let own = json!([{"issuer": AWS, "sub": sub, "claims": {
            "https://sts.amazonaws.com/.aws_account": "123456789012",
            "https://sts.amazonaws.com/.principal_tags.environment": "production",
        }}]);
        let client = client(&world, &own).await.0;
        let claims = |account: &str, jti: &str| {
            json!({
                "aud": SERVER, "sub": sub, "iss": AWS, "exp": world.now() + 3600, "iat": world.now(), "jti": jti,
                "https://sts.amazonaws.com/": {
                    "aws_account": account, "source_region": "eu-central-1", "org_id": "o-abc1234567",
                    "ou_path": ["o-abc1234567/r-ab12/ou-ab12-11111111/"], "principal_id": sub,
                    "principal_tags": {"environment": "production"}, "request_tags": {"job": "nightly"},
                },
            })
        };
        expect_token_of(&client, &ask(&world, &aws.key.sign(&claims("123456789012", "1")), "").await);
        assert_eq!(ask(&world, &aws.key.sign(&claims("210987654321", "2")), "").await.body, refusal(&world).await);
    }
}

/// F1: a JWT-SVID: neither `iss` nor `jti` is needed, its trust domain has the keys, and only those for JWT-SVIDs count.
#[tokio::test]
async fn f1_spiffe() {
    const DOMAIN: &str = "spiffe://prod.example.com";
    let (mut key, mut of_x509) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::ES256));
    key.jwk["use"] = "jwt-svid".into();
    of_x509.jwk["use"] = "x509-svid".into();
    of_x509.jwk["kid"] = "2".into();
    let bundle = json!({"spiffe_sequence": 1, "spiffe_refresh_hint": 300, "keys": [of_x509.jwk, key.jwk]});
    let site = Site::start(ok(&bundle)).await;
    let id = "spiffe://prod.example.com/ns/prod/sa/billing";
    for source in [json!(site.url), bundle] {
        let entry = json!({"issuer": DOMAIN, "spiffe_bundle": source, "reuse": "until-exp"});
        let world = world(&[entry]).await;
        let client = client(&world, &json!([{"issuer": DOMAIN, "sub": id}])).await.0;
        let claims = json!({"sub": id, "aud": [SERVER], "exp": world.now() + 300});
        let svid = key.sign(&claims);
        for more in ["", &format!("&client_id={client}"), ""] {
            expect_token_of(&client, &ask_spiffe(&world, &svid, more).await);
        }
        // `iss` says nothing.
        let named = key.sign(&with(claims.clone(), &json!({"iss": "https://spire.example.com"})));
        expect_token_of(&client, &ask_spiffe(&world, &named, "").await);
        let refusal = refusal(&world).await;
        let header = json!({"alg": "ES256", "kid": "1", "typ": "JOSE"});
        expect_token_of(&client, &ask_spiffe(&world, &key.sign_with(&header, &claims), "").await);
        for (bad, why) in [
            (of_x509.sign(&claims), "a key for certificates"),
            (
                key.sign(&with(claims.clone(), &json!({"aud": [SERVER, "https://other.example"]}))),
                "another audience too",
            ),
            (key.sign(&with(claims.clone(), &json!({"aud": format!("{SERVER}/token")}))), "the token endpoint"),
            (key.sign(&with(claims.clone(), &json!({"sub": "spiffe://prod.example.com/ns/prod/sa/Billing"}))), "case"),
            (key.sign(&with(claims.clone(), &json!({"sub": "spiffe://prod.example.com"}))), "the domain itself"),
            (key.sign(&with(claims.clone(), &json!({"sub": "spiffe://example.com/ns/prod/sa/billing"}))), "a domain"),
            (key.sign(&with(claims.clone(), &json!({"sub": null}))), "no subject"),
            (key.sign(&with(claims.clone(), &json!({"exp": null}))), "no end"),
            (key.sign(&with(claims.clone(), &json!({"exp": world.now() + 3661}))), "too long"),
        ] {
            for more in ["", &format!("&client_id={client}")] {
                let answer = ask_spiffe(&world, &bad, more).await;
                assert_eq!((answer.status.as_u16(), &answer.body), (401, &refusal), "{why}");
            }
        }
        // The other type of assertion needs an issuer, and a trust domain is none.
        for claims in [claims.clone(), with(claims, &json!({"iss": DOMAIN}))] {
            for more in ["", &format!("&client_id={client}")] {
                let answer = ask(&world, &key.sign(&claims), more).await;
                assert_eq!((answer.status.as_u16(), &answer.body), (401, &refusal), "{more}");
            }
        }
    }
}
