//! The Terraform module is generated from `template.yaml`: what is in one is in the other.

mod alarms;
mod expressions;
mod hcl;
mod one_region;
mod resources;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

use self::expressions::{condition, snake, value};
use self::hcl::{Block, Hcl, raw, text};
use crate::template::template;

const HEAD: &str = "# Generated from template.yaml. Change that, then run:\n\
                    # UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_\n\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../terraform")
}

/// The file of a resource.
fn file(name: &str, of: &str) -> &'static str {
    match of {
        _ if name.contains("Audit") || of == "AWS::Pipes::Pipe" => "audit.tf",
        "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::Dashboard" | "AWS::Logs::MetricFilter" => "metrics.tf",
        "AWS::DynamoDB::Table" => "tables.tf",
        "AWS::KMS::Key" | "AWS::KMS::Alias" => "keys.tf",
        "AWS::IAM::Role" | "AWS::IAM::Policy" => "roles.tf",
        "AWS::Serverless::Function" | "AWS::Logs::LogGroup" => "functions.tf",
        _ => "api.tf",
    }
}

/// The text of a description, in one line.
fn described(value: &Value) -> Hcl {
    let words = value["Description"].as_str().expect("a description").split_whitespace().collect::<Vec<_>>();
    text(words.join(" "))
}

/// A parameter as a variable, with its bounds.
fn variable(template: &Value, name: &str, parameter: &Value) -> Block {
    let own = format!("var.{}", snake(name));
    let kind = if parameter["Type"] == "Number" { "number" } else { "string" };
    let mut block =
        Block::new("variable", &[&snake(name)]).set("description", described(parameter)).set("type", raw(kind));
    block = block.set("nullable", raw("false"));
    let mut rules = Vec::new();
    for (property, bound) in parameter.as_mapping().expect("a parameter") {
        let bound_text = || bound.as_u64().expect("a whole number").to_string();
        match property.as_str().expect("a name") {
            "Default" => block = block.set("default", value(template, bound)),
            "MinValue" => {
                rules.push((format!("{own} >= {}", bound_text()), format!("must be at least {}", bound_text())));
            }
            "MaxValue" => {
                rules.push((format!("{own} <= {}", bound_text()), format!("must be at most {}", bound_text())));
            }
            "MaxLength" => {
                rules.push((
                    format!("length({own}) <= {}", bound_text()),
                    format!("must have at most {} characters", bound_text()),
                ));
            }
            "AllowedValues" => {
                let allowed = value(template, bound).write(2);
                rules.push((format!("contains({allowed}, {own})"), "must be one of the allowed values".to_owned()));
            }
            "AllowedPattern" => {
                let pattern = value(template, bound).write(0);
                let why = parameter["ConstraintDescription"].as_str().expect("a description");
                rules.push((format!("can(regex({pattern}, {own}))"), why.trim_end_matches('.').to_owned()));
            }
            "Type" | "Description" | "ConstraintDescription" => {}
            other => panic!("{other} of {name} has no translation"),
        }
    }
    for (condition, why) in rules {
        let rule = Block::new("validation", &[]).set("condition", raw(condition));
        block = block.with(rule.set("error_message", text(format!("{} {why}.", snake(name)))));
    }
    block
}

/// What the template takes from SAM and the account.
fn own_variables() -> Vec<Block> {
    let new = |name: &str, description: &str| {
        let block = Block::new("variable", &[name]).set("description", text(description));
        block.set("type", raw("string")).set("nullable", raw("false"))
    };
    vec![
        new("name", "The name of the deployment, with which the names of its resources begin.")
            .set("default", text("tokenmint")),
        new("register_zip", "The zip file of the register function, made by cargo lambda build --output-format zip."),
        new("token_zip", "The zip file of the token function."),
    ]
}

/// Combinations of variables that are refused.
fn rules(template: &Value) -> Block {
    let mut lifecycle = Block::new("lifecycle", &[]);
    for rule in template["Rules"].as_mapping().expect("rules").values() {
        let when = condition(template, &rule["RuleCondition"]);
        for assertion in rule["Assertions"].as_sequence().expect("assertions") {
            let assert = condition(template, &assertion["Assert"]);
            let mut words = assertion["AssertDescription"].as_str().expect("a description").to_owned();
            let names = template["Parameters"].as_mapping().expect("parameters").keys().filter_map(Value::as_str);
            let mut names: Vec<_> = names.filter(|name| name.contains(|c: char| c.is_ascii_lowercase())).collect();
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            words = words
                .split(' ')
                .map(|word| {
                    let plain = word.trim_end_matches(['.', ',']);
                    if names.contains(&plain) { word.replace(plain, &snake(plain)) } else { word.to_owned() }
                })
                .collect::<Vec<_>>()
                .join(" ");
            lifecycle = lifecycle.with(
                Block::new("precondition", &[])
                    .set("condition", raw(format!("!({when}) || {assert}")))
                    .set("error_message", text(words)),
            );
        }
    }
    Block::new("resource", &["terraform_data", "rules"]).with(lifecycle)
}

fn locals(template: &Value) -> Block {
    let mut block = Block::new("locals", &[]);
    for (name, own) in template["Conditions"].as_mapping().expect("conditions") {
        let condition = condition(template, own);
        block = block.set(&snake(name.as_str().expect("a name")), raw(condition));
    }
    for (name, map) in template["Mappings"].as_mapping().expect("mappings") {
        let entries = map.as_mapping().expect("a map").iter();
        let entries = entries.map(|(key, inner)| {
            assert_eq!(inner.as_mapping().map(serde_yaml_ng::Mapping::len), Some(1));
            (key.as_str().expect("a key").to_owned(), value(template, &inner["Name"]))
        });
        block = block.set(&snake(name.as_str().expect("a name")), Hcl::Object(entries.collect()));
    }
    block
}

fn versions() -> Vec<Block> {
    let aws = vec![("source".to_owned(), text("hashicorp/aws")), ("version".to_owned(), text(">= 5.70, < 7.0"))];
    let providers = Block::new("required_providers", &[]).set("aws", Hcl::Object(aws));
    let data = ["aws_caller_identity", "aws_partition", "aws_region"];
    let terraform = Block::new("terraform", &[]).set("required_version", text(">= 1.9")).with(providers);
    std::iter::once(terraform).chain(data.map(|kind| Block::new("data", &[kind, "current"]))).collect()
}

fn outputs(template: &Value) -> Vec<Block> {
    let outputs = template["Outputs"].as_mapping().expect("outputs").iter();
    let outputs = outputs.map(|(name, output)| {
        let mut own = value(template, &output["Value"]);
        if let Some(condition) = output.get("Condition") {
            own = raw(format!("local.{} ? {} : null", snake(condition.as_str().expect("a condition")), own.write(0)));
        }
        let block = Block::new("output", &[&snake(name.as_str().expect("a name"))]);
        block.set("description", described(output)).set("value", own)
    });
    outputs.collect()
}

/// The files of the module.
fn generated() -> BTreeMap<&'static str, String> {
    let template = one_region::reduced(&template());
    let mut files = BTreeMap::<_, Vec<Block>>::new();
    files.insert("versions.tf", versions());
    let parameters = template["Parameters"].as_mapping().expect("parameters").iter();
    let parameters = parameters.map(|(name, own)| variable(&template, name.as_str().expect("a name"), own));
    files.insert("variables.tf", own_variables().into_iter().chain(parameters).collect());
    files.insert("locals.tf", vec![locals(&template), rules(&template)]);
    files.insert("outputs.tf", outputs(&template));
    for (name, resource) in template["Resources"].as_mapping().expect("resources") {
        let name = name.as_str().expect("a name");
        let file = file(name, resource["Type"].as_str().expect("a type"));
        files.entry(file).or_default().extend(resources::blocks(&template, name));
    }
    let written = |blocks: Vec<Block>| blocks.iter().map(Block::write).collect::<Vec<_>>().join("\n");
    files.into_iter().map(|(name, blocks)| (name, HEAD.to_owned() + &written(blocks))).collect()
}

/// U9: the module has each parameter, resource, permission, route, variable and alarm that the template has in one region,
/// and nothing else.
#[test]
fn u9_the_module_is_the_template() {
    let generated = generated();
    if std::env::var_os("UPDATE_TERRAFORM").is_some() {
        for (name, text) in &generated {
            fs::write(folder().join(name), text).expect("written");
        }
    }
    for entry in fs::read_dir(folder()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let is_there = path.extension().is_none_or(|extension| extension != "tf") || generated.contains_key(name);
        assert!(is_there, "terraform/{name} is not generated");
    }
    for (name, text) in &generated {
        let own = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(own == *text, "terraform/{name} is stale: run UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_");
    }
}

/// U9: what the translation must keep, told apart from the translation itself.
#[test]
fn u9_what_the_module_says() {
    let generated = generated();
    let spaces = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |file: &str, text: &str| assert!(spaces(&generated[file]).contains(text), "{text} in terraform/{file}");
    assert_eq!(generated["api.tf"].matches("resource \"aws_apigatewayv2_route\"").count(), 20);
    assert_eq!(generated["api.tf"].matches("resource \"aws_lambda_permission\"").count(), 20);
    assert_eq!(generated["metrics.tf"].matches("resource \"aws_cloudwatch_metric_alarm\"").count(), 7);
    assert_eq!(generated["audit.tf"].matches("resource \"aws_pipes_pipe\"").count(), 3);
    assert_eq!(generated["tables.tf"].matches("prevent_destroy = true").count(), 4);
    has("api.tf", "route_key = \"POST /register\"");
    has("api.tf", "/*/POST/register\"");
    has("variables.tf", "condition = contains([\"open\", \"protected\", \"disabled\"], var.registration)");
    has("locals.tf", "metrics_are_on = var.metrics == \"on\"");
    has(
        "roles.tf",
        "Action = [\"dynamodb:PutItem\", \"dynamodb:GetItem\", \"dynamodb:UpdateItem\", \"dynamodb:DeleteItem\"]",
    );
    has("functions.tf", "CLIENTS_TABLE = aws_dynamodb_table.clients_table.name");
    has("roles.tf", "Resource = \"${aws_cloudwatch_log_group.register_log_group.arn}:*\"");
    has("audit.tf", "target = aws_cloudwatch_log_group.audit_log_group[0].arn ");
    has("tables.tf", "attribute_name = \"expires_at\"");
    has("metrics.tf", "threshold = 3000");
    // Whoever may register is the operator's decision here too (R15).
    let registration = generated["variables.tf"].split("variable \"").find(|text| text.starts_with("registration\""));
    assert!(registration.is_some_and(|text| !spaces(text).contains(" default = ")));
}
