//! CloudFormation's intrinsic functions as Terraform's expressions.

use serde_yaml_ng::Value;

use super::hcl::{Hcl, raw, text};
use super::resources::address;

/// `RegistrationRateTotal` as `registration_rate_total`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// A value of the template.
pub(super) fn value(template: &Value, value: &Value) -> Hcl {
    let own = |inner: &Value| self::value(template, inner);
    match value {
        Value::String(string) => text(string.replace("${", "$${")),
        Value::Number(number) => raw(number.to_string()),
        Value::Bool(flag) => raw(flag.to_string()),
        Value::Sequence(entries) => Hcl::List(entries.iter().map(own).collect()),
        Value::Mapping(members) => {
            let members = members.iter().map(|(name, value)| (name.as_str().expect("a name").to_owned(), own(value)));
            Hcl::Object(members.collect())
        }
        Value::Tagged(tagged) => {
            let argument = &tagged.value;
            match tagged.tag.to_string().as_str() {
                "!Ref" => reference(template, argument.as_str().expect("a name"), None),
                "!GetAtt" => {
                    let (name, attribute) = argument.as_str().and_then(|path| path.split_once('.')).expect("a path");
                    reference(template, name, Some(attribute))
                }
                "!If" => {
                    let condition = argument[0].as_str().expect("a condition");
                    let (yes, no) = (own(&argument[1]), own(&argument[2]));
                    raw(format!("local.{} ? {} : {}", snake(condition), yes.write(0), no.write(0)))
                }
                "!Sub" => substituted(template, argument),
                "!FindInMap" => {
                    let algorithm = own(&argument[1]).write(0);
                    raw(format!("local.{}[{algorithm}]", snake(argument[0].as_str().expect("a map"))))
                }
                _ => raw(condition(template, value)),
            }
        }
        Value::Null => panic!("null"),
    }
}

/// A condition.
pub(super) fn condition(template: &Value, value: &Value) -> String {
    let all = |operator: &str, conditions: &Value| {
        let conditions = conditions.as_sequence().expect("conditions").iter();
        let parts: Vec<_> = conditions.map(|inner| condition(template, inner)).collect();
        format!("({})", parts.join(&format!(" {operator} ")))
    };
    if let Some(contains) = value.get("Fn::Contains") {
        let [list, one] = [0, 1].map(|at| self::value(template, &contains[at]).write(0));
        return format!("contains({list}, {one})");
    }
    let Value::Tagged(tagged) = value else { panic!("{value:?}") };
    match tagged.tag.to_string().as_str() {
        "!Equals" => {
            let [one, other] = [0, 1].map(|at| self::value(template, &tagged.value[at]).write(0));
            format!("{one} == {other}")
        }
        "!Not" => format!("!({})", condition(template, &tagged.value[0])),
        "!And" => all("&&", &tagged.value),
        "!Or" => all("||", &tagged.value),
        "!Condition" => format!("local.{}", snake(tagged.value.as_str().expect("a condition"))),
        other => panic!("{other}"),
    }
}

fn reference(template: &Value, name: &str, attribute: Option<&str>) -> Hcl {
    let pseudo = match name {
        "AWS::NoValue" => Some("null"),
        "AWS::StackName" => Some("var.name"),
        "AWS::Region" => Some("data.aws_region.current.name"),
        "AWS::AccountId" => Some("data.aws_caller_identity.current.account_id"),
        "AWS::Partition" => Some("data.aws_partition.current.partition"),
        "AWS::URLSuffix" => Some("data.aws_partition.current.dns_suffix"),
        _ => None,
    };
    if let Some(pseudo) = pseudo {
        return raw(pseudo);
    }
    if template["Parameters"].get(name).is_some() {
        return raw(format!("var.{}", snake(name)));
    }
    let address = address(template, name, attribute);
    // CloudFormation's ARN of a log group stands for its streams too, the provider's does not.
    if template["Resources"][name]["Type"] == "AWS::Logs::LogGroup" && attribute == Some("Arn") {
        return text(format!("${{{address}}}{STREAMS}"));
    }
    raw(address)
}

/// What makes the ARN of a log group that of its streams.
const STREAMS: &str = ":*";

/// The ARN of a log group alone, where a policy is not concerned.
pub(super) fn without_streams(arn: &Hcl) -> Hcl {
    let Hcl::Text(arn) = arn else { panic!("{arn:?}") };
    let reference = arn.strip_prefix("${").and_then(|arn| arn.strip_suffix(STREAMS)?.strip_suffix('}'));
    raw(reference.expect("the ARN of a log group"))
}

/// `!Sub`, of a text, or of a text and its own variables.
fn substituted(template: &Value, argument: &Value) -> Hcl {
    let (pattern, own) = match argument {
        Value::String(pattern) => (pattern.as_str(), None),
        list => (list[0].as_str().expect("a text"), Some(&list[1])),
    };
    let mut written = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').expect("a closed variable");
        written += before;
        rest = after;
        if let Some(literal) = name.strip_prefix('!') {
            written.extend(["$${", literal, "}"]);
            continue;
        }
        let given = own.and_then(|own| own.get(name));
        written += &match (given, name.split_once('.')) {
            (Some(given), _) => value(template, given),
            (None, Some((name, attribute))) => reference(template, name, Some(attribute)),
            (None, None) => reference(template, name, None),
        }
        .interpolated();
    }
    text(written + rest)
}
