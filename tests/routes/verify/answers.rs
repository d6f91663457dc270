//! What the authorizer answers to API Gateway, and what the template says of it.

use protected_api::{authorizer, items};
use serde_json::{Value, json};

use super::api::{Api, Call, event};
use crate::dpop::ProofKey;

/// V8: the answers to both shapes of events, member by member.
#[tokio::test]
async fn v8_answers_of_the_authorizer() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let token = api.token(&client, "&scope=read").await;
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&token).expect("claims").claims;
    let jti = claims["jti"].clone();
    let call = Call::read(format!("Bearer {token}"));
    let context = json!({"client_id": client.id, "sub": client.id, "scope": "read", "jti": jti});
    let policy = |effect: &str, arn: &Value| {
        let statement = json!([{"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}]);
        json!({"Version": "2012-10-17", "Statement": statement})
    };
    let simple = json!({"isAuthorized": true, "context": context});
    assert_eq!(api.authorizer(&call.http_api()).await, Ok(simple));
    let event = call.rest_api();
    let allow = policy("Allow", &event["methodArn"]);
    let expected = json!({"principalId": client.id, "policyDocument": allow, "context": context});
    assert_eq!(api.authorizer(&event).await, Ok(expected));

    let call = Call::write(format!("Bearer {token}"));
    let answer = api.authorizer(&call.http_api()).await.expect("an answer");
    assert_eq!(answer["isAuthorized"], false);
    let context = answer["context"].clone();
    assert_eq!((&context["error"], &context["scope"]), (&json!("insufficient_scope"), &json!("write")));
    assert!(context["challenge"].as_str().is_some_and(|text| text.starts_with("Bearer error=\"insufficient_scope\"")));
    let event = call.rest_api();
    let deny = policy("Deny", &event["methodArn"]);
    let expected = json!({"principalId": "nobody", "policyDocument": deny, "context": context});
    assert_eq!(api.authorizer(&event).await, Ok(expected));

    // API Gateway answers 401 to this text only.
    let refused = api.authorizer(&Call::read("Bearer x".to_owned()).http_api()).await.expect_err("refused");
    assert_eq!(refused.to_string(), "Unauthorized");
    for unknown in [json!({}), json!([]), json!(null), json!({"version": "2.0"}), json!({"type": "TOKEN"})] {
        assert_eq!(api.authorizer(&unknown).await, Err(authorizer::NoAnswer::Event), "{unknown}");
    }
}

/// V8: a header that is no text counts as one that was sent, so it is neither no token nor hides a second one.
#[tokio::test]
async fn v8_headers_that_are_no_text() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let key = ProofKey::new();
    let bearer = format!("Bearer {}", api.token(&client, "").await);
    let bound = api.bound_token(&client, &key).await;
    let proof = || key.prove(&api.proof(&bound));
    let event = |authorization: Value, proofs: Value| {
        let mut event = Call::read(String::new()).rest_api();
        for (member, name, value) in
            [("multiValueHeaders", "Authorization", authorization), ("multiValueHeaders", "DPoP", proofs)]
        {
            event[member][name] = value;
        }
        event
    };
    let dpop = format!("DPoP {bound}");
    for good in [event(json!([bearer]), json!([])), event(json!([dpop]), json!([proof()]))] {
        assert!(api.authorizer(&good).await.is_ok());
    }
    for (authorization, proofs) in [
        (json!([1]), json!([])),
        (json!([null]), json!([])),
        (json!([bearer, 1]), json!([])),
        (json!([null, bearer]), json!([])),
        (json!([[bearer]]), json!([])),
        (json!([{"Authorization": bearer}]), json!([])),
        (json!([dpop]), json!([proof(), 1])),
        (json!([dpop]), json!([null, proof()])),
        (json!([dpop]), json!([[proof()]])),
    ] {
        let event = event(authorization, proofs);
        let refused = Err(authorizer::NoAnswer::Unauthorized);
        assert_eq!(api.authorizer(&event).await, refused, "{}", event["multiValueHeaders"]);
    }
    // Without the lists, the single values count.
    let mut single = event(json!([bearer]), json!([]));
    single.as_object_mut().expect("an object").remove("multiValueHeaders");
    for (value, is_good) in [(json!(bearer), true), (json!(1), false), (json!([bearer]), false), (json!(null), false)] {
        single["headers"]["Authorization"] = value.clone();
        assert_eq!(api.authorizer(&single).await.is_ok(), is_good, "{value}");
    }
}

/// V8: without `ORIGINS`, the URL of a proof is that of the domain in the request context, with the stage of a REST API; the
/// header `Host` is not read.
#[tokio::test]
async fn v8_the_url_of_a_request() {
    let api = Api::start(&[("ORIGINS", "")]).await;
    let client = api.client(json!({})).await;
    let key = ProofKey::new();
    let token = api.bound_token(&client, &key).await;
    let call = |url: &str| {
        let mut claims = api.proof(&token);
        claims["htu"] = url.into();
        Call::read(format!("DPoP {token}")).with_proof(key.prove(&claims))
    };
    let with_stage = |call: &Call| {
        let mut event = call.rest_api();
        event["requestContext"]["path"] = "/v1/items/1".into();
        event
    };
    let execute_api = "https://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/v1/items/1";
    assert!(api.authorizer(&call("https://api.example/items/1").http_api()).await.is_ok());
    assert!(api.authorizer(&with_stage(&call(execute_api))).await.is_ok());
    for wrong in ["https://evil.example/items/1", "https://api.example/v1/items/1", "http://api.example/items/1"] {
        let mut event = call(wrong).http_api();
        event["headers"]["host"] = "evil.example".into();
        assert_eq!(api.authorizer(&event).await, Err(authorizer::NoAnswer::Unauthorized), "{wrong}");
    }
    let without_stage = with_stage(&call(&execute_api.replace("/v1", "")));
    assert_eq!(api.authorizer(&without_stage).await, Err(authorizer::NoAnswer::Unauthorized));
    let mut nowhere = call("https://api.example/items/1").http_api();
    nowhere["requestContext"].as_object_mut().expect("a context").remove("domainName");
    assert_eq!(api.authorizer(&nowhere).await, Err(authorizer::NoAnswer::Unauthorized));
}

/// V8: HTTP APIs deliver the path decoded. It is encoded again for the URL of a proof, so that nothing of it becomes a query,
/// a fragment, another segment, or nothing at all. REST APIs deliver it as it was sent.
#[tokio::test]
async fn v8_paths_of_proofs() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let key = ProofKey::new();
    let token = api.bound_token(&client, &key).await;
    let call = |path: &str| {
        let mut claims = api.proof(&token);
        claims["htu"] = format!("https://api.example{path}").into();
        Call::read(format!("DPoP {token}")).with_proof(key.prove(&claims))
    };
    let http_api = |proven: &str, delivered: &str| {
        let mut event = call(proven).http_api();
        event["requestContext"]["http"]["path"] = delivered.into();
        event
    };
    // Payload format 1.0 of HTTP APIs, too.
    let format_1 = |proven: &str, delivered: &str| {
        let mut event = call(proven).rest_api();
        event["version"] = "1.0".into();
        event["requestContext"]["path"] = delivered.into();
        event
    };
    for (proven, delivered) in [
        ("/items/a%3Fb", "/items/a?b"),
        ("/items/a%23b", "/items/a#b"),
        ("/items/a%25b", "/items/a%b"),
        ("/items/a%253Fb", "/items/a%3Fb"),
        ("/items/a%20", "/items/a "),
        ("/items/a%09", "/items/a\t"),
        ("/items/a%5Cb", "/items/a\\b"),
        ("/items/%C3%A4", "/items/\u{e4}"),
        ("/items/A", "/items/A"),
        ("/items/1/", "/items/1/"),
    ] {
        for event in [http_api(proven, delivered), format_1(proven, delivered)] {
            assert!(api.authorizer(&event).await.is_ok(), "{proven} for {delivered}");
        }
    }
    for (proven, delivered) in [
        ("/items/a", "/items/a?b"),
        ("/items/a?b", "/items/a?b"),
        ("/items/a", "/items/a#b"),
        ("/items/a#b", "/items/a#b"),
        ("/items/a%3Fb", "/items/a%3Fb"),
        ("/items/a%", "/items/a%25"),
        ("/items/a", "/items/a "),
        ("/items/a", "/items/a\t"),
        ("/items/a/b", "/items/a\\b"),
        ("/items/a", "/items/A"),
        ("/items/1", "/items/1/"),
        ("/items/1/", "/items/1"),
        // Whether the client encoded the slash is lost.
        ("/items/a%2Fb", "/items/a/b"),
    ] {
        for event in [http_api(proven, delivered), format_1(proven, delivered)] {
            let refused = Err(authorizer::NoAnswer::Unauthorized);
            assert_eq!(api.authorizer(&event).await, refused, "{proven} for {delivered}");
        }
    }
    for path in ["/items/a%3Fb", "/items/a%23b", "/items/a%25b", "/items/a%2Fb", "/items/A", "/items/1/"] {
        let mut event = call(path).rest_api();
        event["requestContext"]["path"] = path.into();
        assert!(api.authorizer(&event).await.is_ok(), "{path}");
    }
}

/// V8: the files of events are what the functions take; the API behind an authorizer knows its caller, and without one it
/// serves nobody.
#[tokio::test]
async fn v8_event_files() {
    let api = Api::start(&[]).await;
    for name in ["authorizer-http-api", "authorizer-rest-api"] {
        assert_eq!(api.authorizer(&event(name)).await, Err(authorizer::NoAnswer::Unauthorized), "{name}");
    }
    for (name, authorizer) in
        [("items-http-api", "/requestContext/authorizer/lambda"), ("items-rest-api", "/requestContext/authorizer")]
    {
        let mut event = event(name);
        let answer = items::answer_event(&event);
        let body: Value = serde_json::from_str(answer["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(answer["statusCode"], 200, "{name}");
        assert_eq!(body, json!({"item": "1", "client_id": "0b7d2c5e-6f1a-4c3d-8e9f-a1b2c3d4e5f6"}));
        *event.pointer_mut(authorizer).expect("an authorizer") = json!({});
        assert_eq!(items::answer_event(&event)["statusCode"], 500, "{name}");
    }
}

/// V8: `methodArn` has the path of the client. What is a wildcard or a variable in a policy is a literal there, so the answer
/// is for this request only.
#[tokio::test]
async fn v8_a_policy_is_for_one_request() {
    let api = Api::start(&[]).await;
    let token = api.token(&api.client(json!({})).await, "").await;
    for call in [Call::read(format!("Bearer {token}")), Call::unlisted(format!("Bearer {token}"))] {
        for (path, literal) in [
            ("items/1", "items/1"),
            ("items/*", "items/${*}"),
            ("items/?", "items/${?}"),
            ("items/**", "items/${*}${*}"),
            ("items/${*}", "items/${$}{${*}}"),
            ("items/${aws:SourceIp}", "items/${$}{aws:SourceIp}"),
            ("items/$", "items/$"),
        ] {
            let mut event = call.rest_api();
            let api_arn = "arn:aws:execute-api:eu-central-1:123456789012:f6g7h8i9j0/v1/GET";
            event["methodArn"] = format!("{api_arn}/{path}").into();
            let answer = api.authorizer(&event).await.expect("an answer");
            let policy = &answer["policyDocument"];
            assert_eq!(policy["Version"], "2012-10-17", "the version with variables");
            assert_eq!(policy["Statement"][0]["Resource"], format!("{api_arn}/{literal}"));
        }
    }
}

/// V8: neither API caches the answer of the authorizer, and every route has it.
#[test]
fn v8_answers_are_not_cached() {
    let template = crate::docs::text("examples/protected-api/template.yaml");
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(&template).expect("YAML");
    let resources = &template["Resources"];
    for api in ["HttpApi", "RestApi"] {
        let auth = &resources[api]["Properties"]["Auth"];
        let default = auth["DefaultAuthorizer"].as_str().expect("a default");
        assert_eq!(auth["Authorizers"].as_mapping().map(serde_yaml_ng::Mapping::len), Some(1), "{api}");
        assert_eq!(auth["Authorizers"][default]["Identity"]["ReauthorizeEvery"].as_u64(), Some(0), "{api}");
    }
    let authorizer = &resources["HttpApi"]["Properties"]["Auth"]["Authorizers"]["AccessToken"];
    assert_eq!(authorizer["AuthorizerPayloadFormatVersion"].as_str(), Some("2.0"));
    assert_eq!(authorizer["EnableSimpleResponses"].as_bool(), Some(true));
    // The routes of the API are those that have a scope, in both APIs.
    let variables = &resources["AuthorizerFunction"]["Properties"]["Environment"]["Variables"];
    let routes = variables["ROUTES"].as_str().expect("ROUTES");
    let routes: std::collections::BTreeMap<String, String> = serde_json::from_str(routes).expect("JSON");
    let mut expected = items::ROUTES.to_vec();
    expected.sort_unstable();
    assert_eq!(routes.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    let events = resources["ItemsFunction"]["Properties"]["Events"].as_mapping().expect("events").values();
    let mut events: Vec<_> = events
        .map(|event| {
            let properties = &event["Properties"];
            assert!(properties["Auth"].is_null(), "no route is without the authorizer");
            let text = |name: &str| properties[name].as_str().expect("text").to_owned();
            (event["Type"].as_str().expect("a type").to_owned(), format!("{} {}", text("Method"), text("Path")))
        })
        .collect();
    events.sort_unstable();
    let of = |kind: &str| expected.iter().map(|route| (kind.to_owned(), (*route).to_owned())).collect::<Vec<_>>();
    assert_eq!(events, [of("Api"), of("HttpApi")].concat());
}
