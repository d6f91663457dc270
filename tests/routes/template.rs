//! Compares `template.yaml` with the code.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_yaml_ng::Value;
use tokenmint_aws::clients;
use tokenmint_aws::config::{Default, Function, Kind, SETTINGS};
use tokenmint_aws::registrations;
use tokenmint_aws::signer::sealed;
use tokenmint_aws::tokens;
use tokenmint_function::REQUEST_BUDGET;
use tokenmint_tests::{World, events};

pub(crate) fn template() -> Value {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).expect("template.yaml");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

/// What follows a tag, such as the name after `!Ref`.
pub(crate) fn tagged<'a>(value: &'a Value, tag: &str) -> Option<&'a str> {
    match value {
        Value::Tagged(tagged) if tagged.tag == tag => tagged.value.as_str(),
        _ => None,
    }
}

/// O5: the functions' environment contains exactly the settings that the code reads.
#[test]
fn o5_environment_is_what_the_code_reads() {
    let template = template();
    for (resource, function) in [("RegisterFunction", Function::Register), ("TokenFunction", Function::Token)] {
        let variables = &template["Resources"][resource]["Properties"]["Environment"]["Variables"];
        let given: BTreeSet<_> = variables.as_mapping().expect("variables").keys().filter_map(Value::as_str).collect();
        let read = SETTINGS.iter().filter(|setting| setting.functions.contains(&function)).map(|setting| setting.name);
        assert_eq!(given, read.collect(), "{resource}");
    }
}

/// O5: if a parameter is passed to a setting unchanged, its default, bounds and values equal the setting's.
#[test]
fn o5_parameters_have_the_bounds_of_the_settings() {
    let template = template();
    let mut compared = BTreeSet::new();
    for (resource, function) in [("RegisterFunction", Function::Register), ("TokenFunction", Function::Token)] {
        let variables = &template["Resources"][resource]["Properties"]["Environment"]["Variables"];
        for setting in SETTINGS.iter().filter(|setting| setting.functions.contains(&function)) {
            let Some(name) = tagged(&variables[setting.name], "Ref") else { continue };
            let parameter = &template["Parameters"][name];
            if parameter.is_null() {
                continue;
            }
            let default = match setting.default {
                Default::Required => None,
                Default::Value(value) => Some(value.to_owned()),
                Default::Derived(_) => Some(String::new()),
            };
            let text = |value: &Value| {
                value.as_str().map_or_else(|| value.as_u64().map(|n| n.to_string()), |text| Some(text.to_owned()))
            };
            assert_eq!(parameter.get("Default").and_then(text), default, "the default of {name}");
            let bounds = [&parameter["MinValue"], &parameter["MaxValue"]].map(Value::as_u64);
            match &setting.kind {
                Kind::Seconds(range) | Kind::Number(range) => {
                    assert_eq!(bounds, [*range.start(), *range.end()].map(|bound| Some(u64::from(bound))), "{name}");
                }
                Kind::OneOf(names) => {
                    let mut allowed: Vec<_> =
                        parameter["AllowedValues"].as_sequence().expect(name).iter().filter_map(text).collect();
                    // Empty means absent.
                    allowed.retain(|value| !(value.is_empty() && matches!(setting.default, Default::Derived(_))));
                    assert_eq!(allowed, *names, "{name}");
                }
                Kind::Text(_) => assert_eq!(bounds, [None, None], "{name}"),
            }
            compared.insert(setting.name);
        }
    }
    let bounded = SETTINGS.iter().filter(|setting| !matches!(setting.kind, Kind::Text(_))).map(|setting| setting.name);
    let missing: Vec<_> = bounded.filter(|name| !compared.contains(name)).collect();
    assert!(missing.is_empty(), "no parameter for {missing:?}");
}

/// R15: the operator chooses at deployment who may register.
#[test]
fn r15_registration_has_no_default() {
    assert_eq!(template()["Parameters"]["Registration"].get("Default"), None);
}

/// O6: the request budget ends before the function's timeout.
#[test]
fn o6_timeout_lies_above_the_budget() {
    let template = template();
    let timeout = template["Globals"]["Function"]["Timeout"].as_u64().expect("a timeout in seconds");
    assert!(Duration::from_secs(timeout) > REQUEST_BUDGET + Duration::from_secs(1));
}

/// O6: an operator can limit the number of instances of both functions in a flood of requests; the limit is
/// optional.
#[test]
fn o6_reserved_concurrency() {
    let template = template();
    let parameter = &template["Parameters"]["ReservedConcurrency"];
    assert_eq!((parameter["Type"].as_str(), parameter["Default"].as_str()), (Some("String"), Some("")));
    for function in ["RegisterFunction", "TokenFunction"] {
        let reserved = &template["Resources"][function]["Properties"]["ReservedConcurrentExecutions"];
        let text = serde_yaml_ng::to_string(reserved).expect("YAML");
        assert_eq!(
            text, "!If\n- HasReservedConcurrency\n- !Ref ReservedConcurrency\n- !Ref AWS::NoValue\n",
            "{function}"
        );
    }
}

/// O1: each role allows exactly the calls that its function makes.
#[test]
fn o1_roles() {
    fn actions(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Mapping(mapping) => {
                for (key, value) in mapping {
                    match (key.as_str(), value) {
                        (Some("Action"), Value::String(action)) => drop(found.insert(action.clone())),
                        (Some("Action"), Value::Sequence(list)) => {
                            found.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => actions(value, found),
                    }
                }
            }
            Value::Sequence(list) => list.iter().for_each(|value| actions(value, found)),
            _ => {}
        }
    }
    let template = template();
    let of = |resources: &[&str]| {
        let mut found = BTreeSet::new();
        for resource in resources {
            actions(&template["Resources"][*resource]["Properties"]["Policies"], &mut found);
            actions(&template["Resources"][*resource]["Properties"]["PolicyDocument"], &mut found);
        }
        found.retain(|action| action.starts_with("dynamodb:") || action.starts_with("kms:"));
        found.into_iter().collect::<Vec<_>>()
    };
    let register = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];
    assert_eq!(of(&["RegisterRole"]), register);
    let token = of(&["TokenRole", "SigningKeyPolicy", "SecondSigningKeyPolicy"]);
    assert_eq!(token, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "kms:GetPublicKey", "kms:Sign"]);
    let sealed = ["dynamodb:PutItem", "dynamodb:Query", "kms:Decrypt", "kms:GenerateDataKeyPairWithoutPlaintext"];
    assert_eq!(of(&["SealedKeysPolicy"]), sealed);
    // K2: sealed keys are bound to the issuer.
    let use_of_kms = &template["Resources"]["SealedKeysPolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
    assert!(use_of_kms["Condition"]["StringEquals"].get("kms:EncryptionContext:tokenmint:issuer").is_some());
}

/// K2: the key policy lets no principal of the account open or seal a key, except the token function's role, which
/// may use neither `kms:Encrypt` nor `kms:ReEncrypt`.
#[test]
fn k2_key_policy_of_the_sealing_key() {
    let template = template();
    let policy = &template["Resources"]["SealingKey"]["Properties"]["KeyPolicy"]["Statement"];
    let list = |value: &Value| -> BTreeSet<String> {
        value.as_sequence().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let statements = policy.as_sequence().expect("statements");
    assert_eq!(statements.len(), 2);
    let not_for_administrators = list(&statements[0]["NotAction"]);
    for action in [
        "Encrypt",
        "Decrypt",
        "ReEncryptFrom",
        "ReEncryptTo",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "CreateGrant",
    ] {
        assert!(not_for_administrators.contains(&format!("kms:{action}")), "{action}");
    }
    assert!(statements[1]["Condition"]["ArnEquals"].get("aws:PrincipalArn").is_some());
    let for_the_role = list(&statements[1]["Action"]);
    assert_eq!(for_the_role, ["kms:Decrypt", "kms:GenerateDataKeyPairWithoutPlaintext"].map(str::to_owned).into());
}

/// The tables' keys and TTL attributes equal those in the code.
#[test]
fn r20_table() {
    let template = template();
    for (name, key) in [
        ("ClientsTable", clients::KEY),
        ("RegistrationsTable", registrations::KEY),
        ("TokensTable", tokens::KEY),
        ("KeysTable", sealed::KEY),
    ] {
        let table = &template["Resources"][name]["Properties"];
        assert_eq!(table["KeySchema"][0]["AttributeName"].as_str(), Some(key));
        assert_eq!(table["TimeToLiveSpecification"]["AttributeName"].as_str(), Some(clients::TTL));
    }
    let keys = &template["Resources"]["KeysTable"]["Properties"]["KeySchema"];
    assert_eq!(keys[1]["AttributeName"].as_str(), Some(sealed::SORT_KEY));
}

/// Every route of the API exists in its function, and every event uses such a route.
#[tokio::test]
async fn d1_routes() {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources");
    let routes = resources.values().filter(|resource| resource["Type"] == "AWS::ApiGatewayV2::Route");
    let keys: BTreeSet<_> = routes.filter_map(|route| route["Properties"]["RouteKey"].as_str()).collect();
    assert!(!keys.contains("$default"), "{keys:?}");
    let mut world = World::new().await;
    world.set("AUTHORIZATION_ENDPOINT", "compat").await;
    world.set("CORS_ORIGINS", "https://app.example").await;
    for key in &keys {
        let (method, path) = key.split_once(' ').expect("method and path");
        let event = events::with_method(events::get(&path.replace("{client_id}", "x")), method);
        // OPTIONS is a preflight, and no other request is.
        let event = events::with_header(event, "origin", "https://app.example");
        let event = events::with_header(event, "access-control-request-method", "POST");
        let (register, token) = (world.register(&event).await, world.token(&event).await);
        let statuses = [register.status.as_u16(), token.status.as_u16()];
        assert_eq!(statuses.iter().filter(|status| ![404, 405].contains(*status)).count(), 1, "{key}: {statuses:?}");
    }
    for name in events::names().iter().filter(|name| !name.ends_with("-get")) {
        let key = events::load(name)["routeKey"].as_str().expect("a route key").to_owned();
        assert!(keys.contains(key.as_str()), "{name}: {key}");
    }
}

/// D1, D2: browsers can ask for every path but that of the authorization endpoint (RFC 9700 §2.6), and the functions
/// answer: an API with a configuration of its own would answer itself, and drop the functions' headers.
#[test]
fn d1_d2_preflight_routes() {
    let template = template();
    assert_eq!(template["Resources"]["Api"]["Properties"].get("CorsConfiguration"), None);
    let resources = template["Resources"].as_mapping().expect("resources").values();
    let keys = resources.filter_map(|resource| resource["Properties"]["RouteKey"].as_str()?.split_once(' '));
    let (preflights, others): (Vec<_>, Vec<_>) = keys.partition(|(method, _)| *method == "OPTIONS");
    let paths = |keys: Vec<(&str, &str)>| keys.into_iter().map(|(_, path)| path.to_owned()).collect::<BTreeSet<_>>();
    let mut expected = paths(others);
    assert!(expected.remove("/authorize"));
    assert_eq!(paths(preflights), expected);
}

/// D1: API Gateway may call each function for its routes, and for nothing else.
#[test]
fn d1_permissions() {
    let template = template();
    let resources = &template["Resources"];
    let properties = |of: &str| {
        let resources = resources.as_mapping().expect("resources").values();
        resources.filter(|resource| resource["Type"] == of).map(|resource| &resource["Properties"]).collect::<Vec<_>>()
    };
    let routes = properties("AWS::ApiGatewayV2::Route").into_iter().map(|route| {
        let target = tagged(&route["Target"], "Sub").and_then(|target| target.strip_prefix("integrations/${"));
        let integration = &resources[target.expect("an integration").trim_end_matches('}')]["Properties"];
        let function = tagged(&integration["IntegrationUri"], "GetAtt").expect("a function").trim_end_matches(".Arn");
        let (method, path) = route["RouteKey"].as_str().and_then(|key| key.split_once(' ')).expect("method and path");
        (function, format!("/*/{method}{}", path.replace("{client_id}", "*")))
    });
    let permissions = properties("AWS::Lambda::Permission").into_iter().map(|permission| {
        assert_eq!(permission["Action"], "lambda:InvokeFunction");
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
        let source = tagged(&permission["SourceArn"], "Sub").and_then(|source| source.split_once("${Api}"));
        let (api, route) = source.expect("the ARN of a route");
        assert_eq!(api, "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:");
        (tagged(&permission["FunctionName"], "Ref").expect("a function"), route.to_owned())
    });
    assert_eq!(permissions.collect::<BTreeSet<_>>(), routes.collect());
    assert_eq!(properties("AWS::Lambda::Permission").len(), properties("AWS::ApiGatewayV2::Route").len());
}
