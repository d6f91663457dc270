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

/// A value where there is one region, and where there are several; `None` if that makes no difference.
pub(crate) fn by_regions(value: &Value) -> (&Value, Option<&Value>) {
    match value {
        Value::Tagged(condition)
            if condition.tag == "If"
                && (condition.value[0] == "TablesAreShared" || condition.value[0] == "IsReplica") =>
        {
            (&condition.value[2], Some(&condition.value[1]))
        }
        _ => (value, None),
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
    assert_eq!(of(&["SealedKeysPolicy"]), ["dynamodb:Query", "kms:Decrypt"]);
    // G2: only where keys are made.
    assert_eq!(of(&["KeyRotationPolicy"]), ["dynamodb:PutItem", "kms:GenerateDataKeyPairWithoutPlaintext"]);
    assert_eq!(template["Resources"]["KeyRotationPolicy"]["Condition"], "RotatesKeys");
    // K2: sealed keys are bound to the issuer.
    for policy in ["SealedKeysPolicy", "KeyRotationPolicy"] {
        let use_of_kms = &template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"][0];
        assert!(use_of_kms["Condition"]["StringEquals"].get("kms:EncryptionContext:tokenmint:issuer").is_some());
    }
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

/// G1, R20: the tables of several regions are those of one region: the same keys, TTL, billing, encryption, backups and
/// protection, in every region. Their streams have what replication needs.
#[test]
fn g1_r20_global_tables() {
    let template = template();
    for table in ["Clients", "Registrations", "Tokens", "Keys"] {
        let [one, several] = ["Table", "GlobalTable"].map(|kind| &template["Resources"][format!("{table}{kind}")]);
        assert_eq!(several["Type"], "AWS::DynamoDB::GlobalTable");
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!((&one[policy], &several[policy]), (&"Retain".into(), &"Retain".into()), "{table}");
        }
        let (one, several) = (&one["Properties"], &several["Properties"]);
        let (mut whole, mut replicas) = (several.as_mapping().expect("properties").clone(), Vec::new());
        for replica in whole.remove("Replicas").expect("replicas").as_sequence().expect("a list") {
            let mut replica = match replica {
                Value::Tagged(optional) => optional.value[1].as_mapping().expect("a replica").clone(),
                replica => replica.as_mapping().expect("a replica").clone(),
            };
            replicas.push(tagged(&replica.remove("Region").expect("a region"), "Ref").expect("a name").to_owned());
            let mut together = whole.clone();
            together.extend(replica);
            let name = together.remove("TableName").expect("a name");
            assert_eq!(tagged(&name, "Sub"), Some(&*format!("${{TablePrefix}}-{}", table.to_lowercase())));
            assert_eq!(
                together.remove("StreamSpecification").expect("a stream")["StreamViewType"],
                "NEW_AND_OLD_IMAGES"
            );
            let mut expected = one.as_mapping().expect("properties").clone();
            expected.remove("StreamSpecification");
            assert_eq!(together, expected, "{table}");
        }
        assert_eq!(replicas, ["AWS::Region", "ReplicaRegion", "SecondReplicaRegion"]);
    }
}

/// G1, K2: a replica of a key has the policy of its primary, and both are multi-Region keys. One region has neither.
#[test]
fn g1_k2_replica_keys() {
    let template = template();
    for (primary, replica, id) in [
        ("SigningKey", "ReplicaSigningKey", "PrimaryKeyId"),
        ("SecondSigningKey", "SecondReplicaSigningKey", "SecondPrimaryKeyId"),
        ("SealingKey", "ReplicaSealingKey", "PrimaryKeyId"),
    ] {
        let [primary, replica] = [primary, replica].map(|name| &template["Resources"][name]);
        assert_eq!(replica["Type"], "AWS::KMS::ReplicaKey");
        for attribute in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(primary[attribute], replica[attribute]);
        }
        for property in ["Description", "KeyPolicy", "PendingWindowInDays"] {
            assert_eq!(primary["Properties"][property], replica["Properties"][property], "{property}");
        }
        let made_from = tagged(&replica["Properties"]["PrimaryKeyArn"], "Sub").expect("an ARN");
        let arn = format!("arn:${{AWS::Partition}}:kms:${{PrimaryRegion}}:${{AWS::AccountId}}:key/${{{id}}}");
        assert_eq!(made_from, arn);
        let (one, several) = by_regions(&primary["Properties"]["MultiRegion"]);
        assert_eq!((tagged(one, "Ref"), several), (Some("AWS::NoValue"), Some(&true.into())));
    }
}

/// G1, O1: wherever the template names a table or a key, the other regions' stacks name the same one of their own region.
#[test]
fn g1_o1_tables_and_keys_of_the_own_region() {
    fn collect<'a>(value: &'a Value, found: &mut Vec<(&'a Value, &'a Value)>) {
        if let (one, Some(several)) = by_regions(value) {
            found.push((one, several));
        }
        match value {
            Value::Mapping(mapping) => mapping.values().for_each(|value| collect(value, found)),
            Value::Sequence(list) => list.iter().for_each(|value| collect(value, found)),
            Value::Tagged(tagged) => collect(&tagged.value, found),
            _ => {}
        }
    }
    let template = template();
    let mut found = Vec::new();
    collect(&template["Resources"], &mut found);
    collect(&template["Outputs"], &mut found);
    let mut named = BTreeSet::new();
    for (one, several) in found {
        if let Some(table) = tagged(one, "Ref").and_then(|name| name.strip_suffix("Table")) {
            assert_eq!(tagged(several, "Sub"), Some(&*format!("${{TablePrefix}}-{}", table.to_lowercase())));
            named.insert(table);
        } else if let Some(table) = tagged(one, "GetAtt").and_then(|name| name.strip_suffix("Table.Arn")) {
            let own = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TablePrefix}";
            assert_eq!(tagged(several, "Sub"), Some(&*format!("{own}-{}", table.to_lowercase())));
        } else if let Some(table) = tagged(one, "GetAtt").and_then(|name| name.strip_suffix("Table.StreamArn")) {
            assert_eq!(tagged(several, "GetAtt"), Some(&*format!("{table}GlobalTable.StreamArn")));
        } else if let Some(key) =
            tagged(one, "GetAtt").or_else(|| tagged(one, "Ref")).filter(|name| name.contains("Key"))
        {
            let replica = tagged(several, "GetAtt").or_else(|| tagged(several, "Ref")).expect("a key");
            assert_eq!(replica.replace("Replica", ""), key);
            named.insert(key);
        } else {
            assert_eq!(tagged(one, "Ref"), Some("AWS::NoValue"));
        }
    }
    assert_eq!(named.len(), 4 + 6, "{named:?}");
    // No other reference to what exists in one region only.
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).expect("template.yaml");
    for line in text.lines() {
        for table in ["Clients", "Registrations", "Tokens", "Keys"] {
            if line.contains(&format!("!Ref {table}Table")) || line.contains(&format!("!GetAtt {table}Table.StreamArn"))
            {
                assert!(line.contains("!If [TablesAreShared, "), "{line}");
            }
        }
    }
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
