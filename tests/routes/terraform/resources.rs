//! A resource of the template as resources of Terraform's AWS provider.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use super::expressions::{snake, value, without_streams};
use super::hcl::{Block, Hcl, raw, text};

/// The provider's type for a type of CloudFormation, and its attribute for `!Ref`.
const TYPES: [(&str, &str, &str); 17] = [
    ("AWS::ApiGatewayV2::Api", "aws_apigatewayv2_api", "id"),
    ("AWS::ApiGatewayV2::ApiMapping", "aws_apigatewayv2_api_mapping", "id"),
    ("AWS::ApiGatewayV2::DomainName", "aws_apigatewayv2_domain_name", "id"),
    ("AWS::ApiGatewayV2::Integration", "aws_apigatewayv2_integration", "id"),
    ("AWS::ApiGatewayV2::Route", "aws_apigatewayv2_route", "id"),
    ("AWS::ApiGatewayV2::Stage", "aws_apigatewayv2_stage", "id"),
    ("AWS::CloudWatch::Alarm", "aws_cloudwatch_metric_alarm", "id"),
    ("AWS::CloudWatch::Dashboard", "aws_cloudwatch_dashboard", "dashboard_name"),
    ("AWS::DynamoDB::Table", "aws_dynamodb_table", "name"),
    ("AWS::IAM::Policy", "aws_iam_role_policy", "id"),
    ("AWS::IAM::Role", "aws_iam_role", "name"),
    ("AWS::KMS::Alias", "aws_kms_alias", "name"),
    ("AWS::KMS::Key", "aws_kms_key", "key_id"),
    ("AWS::Lambda::Permission", "aws_lambda_permission", "id"),
    ("AWS::Logs::LogGroup", "aws_cloudwatch_log_group", "name"),
    ("AWS::Logs::LogStream", "aws_cloudwatch_log_stream", "name"),
    ("AWS::Serverless::Function", "aws_lambda_function", "function_name"),
];

/// The types that nothing refers to by `!Ref` but by their names.
const OTHERS: [(&str, &str, &str); 2] = [
    ("AWS::Logs::MetricFilter", "aws_cloudwatch_log_metric_filter", "id"),
    ("AWS::Pipes::Pipe", "aws_pipes_pipe", "name"),
];

fn kind(of: &str) -> (&'static str, &'static str) {
    let found = TYPES.iter().chain(&OTHERS).find(|(name, ..)| *name == of);
    found.map_or_else(|| panic!("{of} has no translation"), |(_, kind, reference)| (*kind, *reference))
}

/// The expression for a resource's attribute.
pub(super) fn address(template: &Value, name: &str, attribute: Option<&str>) -> String {
    let resource = &template["Resources"][name];
    let (kind, reference) = kind(resource["Type"].as_str().unwrap_or_else(|| panic!("{name} is no resource")));
    let attribute = match attribute {
        None => reference,
        Some("Arn") => "arn",
        Some("StreamArn") => "stream_arn",
        Some("RegionalDomainName") => "domain_name_configuration[0].target_domain_name",
        Some(other) => panic!("{name}.{other} has no translation"),
    };
    let index = if resource.get("Condition").is_some() { "[0]" } else { "" };
    format!("{kind}.{}{index}.{attribute}", snake(name))
}

/// The properties of a resource, each of which must be translated.
struct Properties<'t> {
    template: &'t Value,
    name: &'t str,
    own: &'t Value,
    read: RefCell<BTreeSet<&'static str>>,
}

impl Properties<'_> {
    fn at(&self, property: &'static str) -> &Value {
        self.read.borrow_mut().insert(property);
        &self.own[property]
    }

    fn get(&self, property: &'static str) -> Hcl {
        let found = self.at(property);
        assert!(!found.is_null(), "{} has no {property}", self.name);
        value(self.template, found)
    }

    fn has(&self, property: &str) -> bool {
        self.own.get(property).is_some()
    }

    fn of(&self, inner: &Value) -> Hcl {
        value(self.template, inner)
    }

    /// Asserts that a property has this value, which the translation has too.
    fn is(&self, property: &'static str, expected: &str) {
        let written = serde_yaml_ng::to_string(self.at(property)).expect("YAML");
        assert_eq!(written.trim(), expected, "{}.{property}", self.name);
    }

    fn finish(&self) {
        let names = self.own.as_mapping().expect("properties").keys().filter_map(Value::as_str);
        let left: Vec<_> = names.filter(|name| !self.read.borrow().contains(name)).collect();
        assert!(left.is_empty(), "terraform.rs does not translate {left:?} of {}", self.name);
    }
}

/// The blocks of a resource; none for what Terraform does otherwise.
pub(super) fn blocks(template: &Value, name: &str) -> Vec<Block> {
    let resource = &template["Resources"][name];
    let of = resource["Type"].as_str().expect("a type");
    if of == "AWS::CloudFormation::WaitConditionHandle" {
        // It makes the token function wait for its policies: `depends_on` below.
        return Vec::new();
    }
    let own = Properties { template, name, own: &resource["Properties"], read: RefCell::default() };
    let mut block = Block::new("resource", &[kind(of).0, &snake(name)]);
    if let Some(condition) = resource.get("Condition") {
        let condition = snake(condition.as_str().expect("a condition"));
        block = block.set("count", raw(format!("local.{condition} ? 1 : 0")));
    }
    let mut more = Vec::new();
    block = match of {
        "AWS::ApiGatewayV2::Api" => api(&own, block),
        "AWS::ApiGatewayV2::ApiMapping" => block
            .set("api_id", own.get("ApiId"))
            .set("domain_name", own.get("DomainName"))
            .set("stage", own.get("Stage")),
        "AWS::ApiGatewayV2::DomainName" => domain(&own, block),
        "AWS::ApiGatewayV2::Integration" => block
            .set("api_id", own.get("ApiId"))
            .set("integration_type", own.get("IntegrationType"))
            .set("integration_uri", own.get("IntegrationUri"))
            .set("payload_format_version", own.get("PayloadFormatVersion")),
        "AWS::ApiGatewayV2::Route" => {
            block.set("api_id", own.get("ApiId")).set("route_key", own.get("RouteKey")).set("target", own.get("Target"))
        }
        "AWS::ApiGatewayV2::Stage" => stage(&own, block),
        "AWS::CloudWatch::Alarm" => super::alarms::alarm(template, name, block),
        "AWS::CloudWatch::Dashboard" => super::alarms::dashboard(template, name, block),
        "AWS::DynamoDB::Table" => table(&own, block),
        "AWS::IAM::Policy" => {
            let role = own.of(&own.at("Roles")[0]);
            block
                .set("name", own.get("PolicyName"))
                .set("role", role)
                .set("policy", Hcl::Json(Box::new(own.get("PolicyDocument"))))
        }
        "AWS::IAM::Role" => role(&own, block, &mut more),
        "AWS::KMS::Alias" => block.set("name", own.get("AliasName")).set("target_key_id", own.get("TargetKeyId")),
        "AWS::KMS::Key" => key(&own, block),
        "AWS::Lambda::Permission" => block
            .set("action", own.get("Action"))
            .set("function_name", own.get("FunctionName"))
            .set("principal", own.get("Principal"))
            .set("source_arn", own.get("SourceArn")),
        "AWS::Logs::LogGroup" => {
            let named = if own.has("LogGroupName") {
                own.get("LogGroupName")
            } else {
                text(format!("/tokenmint/${{var.name}}/{}", snake(name.trim_end_matches("LogGroup"))))
            };
            block.set("name", named).set("retention_in_days", own.get("RetentionInDays"))
        }
        "AWS::Logs::LogStream" => {
            block.set("name", own.get("LogStreamName")).set("log_group_name", own.get("LogGroupName"))
        }
        "AWS::Logs::MetricFilter" => metric_filter(&own, block),
        "AWS::Pipes::Pipe" => pipe(&own, block),
        "AWS::Serverless::Function" => function(&own, block),
        other => panic!("{other} has no translation"),
    };
    if !matches!(of, "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::Dashboard") {
        own.finish();
    }
    if resource.get("DeletionPolicy").and_then(Value::as_str) == Some("Retain") {
        block = block.with(Block::new("lifecycle", &[]).set("prevent_destroy", raw("true")));
    }
    more.insert(0, block);
    more
}

fn api(own: &Properties<'_>, block: Block) -> Block {
    own.is("DisableExecuteApiEndpoint", "!If\n- DefaultEndpointIsOff\n- true\n- false");
    block
        .set("name", own.get("Name"))
        .set("description", own.get("Description"))
        .set("protocol_type", own.get("ProtocolType"))
        .set("disable_execute_api_endpoint", raw("local.default_endpoint_is_off"))
}

fn domain(own: &Properties<'_>, block: Block) -> Block {
    let (configuration, mutual) = (&own.at("DomainNameConfigurations")[0], own.at("MutualTlsAuthentication"));
    let inner = Block::new("domain_name_configuration", &[])
        .set("certificate_arn", own.of(&configuration["CertificateArn"]))
        .set("endpoint_type", own.of(&configuration["EndpointType"]))
        .set("security_policy", own.of(&configuration["SecurityPolicy"]));
    let mutual = Block::new("mutual_tls_authentication", &[])
        .set("truststore_uri", own.of(&mutual["TruststoreUri"]))
        .set("truststore_version", own.of(&mutual["TruststoreVersion"]));
    block.set("domain_name", own.get("DomainName")).with(inner).with(mutual)
}

fn stage(own: &Properties<'_>, block: Block) -> Block {
    let (routes, log) = (own.at("DefaultRouteSettings"), own.at("AccessLogSettings"));
    let log = Block::new("access_log_settings", &[])
        .set("destination_arn", without_streams(&own.of(&log["DestinationArn"])))
        .set("format", own.of(&log["Format"]));
    let routes = Block::new("default_route_settings", &[])
        .set("throttling_rate_limit", own.of(&routes["ThrottlingRateLimit"]))
        .set("throttling_burst_limit", own.of(&routes["ThrottlingBurstLimit"]));
    block
        .set("api_id", own.get("ApiId"))
        .set("name", own.get("StageName"))
        .set("auto_deploy", own.get("AutoDeploy"))
        .with(log)
        .with(routes)
}

fn table(own: &Properties<'_>, mut block: Block) -> Block {
    own.is("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled: true");
    own.is("SSESpecification", "SSEEnabled: true");
    block = block
        .set("name", text(format!("${{var.name}}-{}", snake(own.name.trim_end_matches("Table")))))
        .set("billing_mode", own.get("BillingMode"))
        .set("deletion_protection_enabled", own.get("DeletionProtectionEnabled"));
    for (key, attribute) in own.at("KeySchema").as_sequence().expect("keys").iter().zip(["hash_key", "range_key"]) {
        block = block.set(attribute, own.of(&key["AttributeName"]));
    }
    if own.has("StreamSpecification") {
        let Value::Tagged(stream) = own.at("StreamSpecification") else { panic!("{}", own.name) };
        assert_eq!(stream.value[0], "AuditIsOn");
        let view = own.of(&stream.value[1]["StreamViewType"]).write(0);
        block = block
            .set("stream_enabled", raw("local.audit_is_on"))
            .set("stream_view_type", raw(format!("local.audit_is_on ? {view} : null")));
    }
    for attribute in own.at("AttributeDefinitions").as_sequence().expect("attributes") {
        let inner = Block::new("attribute", &[]);
        let inner = inner.set("name", own.of(&attribute["AttributeName"]));
        block = block.with(inner.set("type", own.of(&attribute["AttributeType"])));
    }
    let ttl = own.at("TimeToLiveSpecification");
    let ttl = Block::new("ttl", &[])
        .set("attribute_name", own.of(&ttl["AttributeName"]))
        .set("enabled", own.of(&ttl["Enabled"]));
    let enabled = |kind| Block::new(kind, &[]).set("enabled", raw("true"));
    block.with(ttl).with(enabled("point_in_time_recovery")).with(enabled("server_side_encryption"))
}

fn role(own: &Properties<'_>, block: Block, more: &mut Vec<Block>) -> Block {
    for policy in own.at("Policies").as_sequence().expect("policies") {
        let mut inner = Block::new("resource", &["aws_iam_role_policy", &snake(own.name)]);
        if own.template["Resources"][own.name].get("Condition").is_some() {
            inner = inner.set("count", raw(format!("length(aws_iam_role.{})", snake(own.name))));
        }
        more.push(
            inner
                .set("name", own.of(&policy["PolicyName"]))
                .set("role", raw(address(own.template, own.name, None)))
                .set("policy", Hcl::Json(Box::new(own.of(&policy["PolicyDocument"])))),
        );
    }
    block
        .set("description", own.get("Description"))
        .set("assume_role_policy", Hcl::Json(Box::new(own.get("AssumeRolePolicyDocument"))))
}

fn key(own: &Properties<'_>, mut block: Block) -> Block {
    block = block
        .set("description", own.get("Description"))
        .set("customer_master_key_spec", own.get("KeySpec"))
        .set("key_usage", own.get("KeyUsage"))
        .set("deletion_window_in_days", own.get("PendingWindowInDays"));
    if own.has("EnableKeyRotation") {
        block = block.set("enable_key_rotation", own.get("EnableKeyRotation"));
    }
    block.set("policy", Hcl::Json(Box::new(own.get("KeyPolicy"))))
}

fn metric_filter(own: &Properties<'_>, block: Block) -> Block {
    let metric = &own.at("MetricTransformations")[0];
    let dimension = &metric["Dimensions"][0];
    let dimensions = vec![(dimension["Key"].as_str().expect("a name").to_owned(), own.of(&dimension["Value"]))];
    let inner = Block::new("metric_transformation", &[])
        .set("namespace", own.of(&metric["MetricNamespace"]))
        .set("name", own.of(&metric["MetricName"]))
        .set("value", own.of(&metric["MetricValue"]))
        .set("unit", own.of(&metric["Unit"]))
        .set("dimensions", Hcl::Object(dimensions));
    block
        .set("name", text("${var.name}-throttled-by-api"))
        .set("log_group_name", own.get("LogGroupName"))
        .set("pattern", own.get("FilterPattern"))
        .with(inner)
}

fn pipe(own: &Properties<'_>, block: Block) -> Block {
    let (source, target) = (own.at("SourceParameters"), own.at("TargetParameters"));
    let stream = &source["DynamoDBStreamParameters"];
    let stream = Block::new("dynamodb_stream_parameters", &[])
        .set("starting_position", own.of(&stream["StartingPosition"]))
        .set("on_partial_batch_item_failure", own.of(&stream["OnPartialBatchItemFailure"]));
    let mut filters = Block::new("filter_criteria", &[]);
    for filter in source["FilterCriteria"]["Filters"].as_sequence().expect("filters") {
        filters = filters.with(Block::new("filter", &[]).set("pattern", own.of(&filter["Pattern"])));
    }
    let logs = Block::new("cloudwatch_logs_parameters", &[])
        .set("log_stream_name", own.of(&target["CloudWatchLogsParameters"]["LogStreamName"]));
    block
        .set("name", text(format!("${{var.name}}-{}", snake(own.name).replace('_', "-"))))
        .set("description", own.get("Description"))
        .set("role_arn", own.get("RoleArn"))
        .set("source", own.get("Source"))
        .set("target", without_streams(&own.get("Target")))
        .set("depends_on", raw("[aws_iam_role_policy.audit_role]"))
        .with(Block::new("source_parameters", &[]).with(stream).with(filters))
        .with(Block::new("target_parameters", &[]).set("input_template", own.of(&target["InputTemplate"])).with(logs))
}

fn function(own: &Properties<'_>, block: Block) -> Block {
    let short = snake(own.name.trim_end_matches("Function"));
    own.is("CodeUri", &format!("functions/{short}"));
    let globals = &own.template["Globals"]["Function"];
    let logging = own.at("LoggingConfig");
    let logging = Block::new("logging_config", &[])
        .set("log_format", own.of(&logging["LogFormat"]))
        .set("application_log_level", own.of(&logging["ApplicationLogLevel"]))
        .set("system_log_level", own.of(&logging["SystemLogLevel"]))
        .set("log_group", own.of(&logging["LogGroup"]));
    let variables = own.of(&own.at("Environment")["Variables"]);
    // `-1` stands for no limit of its own.
    own.is(
        "ReservedConcurrentExecutions",
        "!If\n- HasReservedConcurrency\n- !Ref ReservedConcurrency\n- !Ref AWS::NoValue",
    );
    let mut block = block
        .set("function_name", text(format!("${{var.name}}-{short}")))
        .set("description", own.get("Description"))
        .set("filename", raw(format!("var.{short}_zip")))
        .set("source_code_hash", raw(format!("filebase64sha256(var.{short}_zip)")))
        .set("runtime", own.get("Runtime"))
        .set("handler", own.get("Handler"))
        .set("architectures", own.of(&globals["Architectures"]))
        .set("memory_size", own.of(&globals["MemorySize"]))
        .set("timeout", own.of(&globals["Timeout"]))
        .set(
            "reserved_concurrent_executions",
            raw("local.has_reserved_concurrency ? tonumber(var.reserved_concurrency) : -1"),
        )
        .set("role", own.get("Role"))
        .set("depends_on", raw(format!("[{}]", policies(own.template, own.name))))
        .with(logging)
        .with(Block::new("tracing_config", &[]).set("mode", own.of(&globals["Tracing"])));
    assert_eq!(globals.as_mapping().map(serde_yaml_ng::Mapping::len), Some(4), "Globals");
    block = block.with(Block::new("environment", &[]).set("variables", variables));
    block
}

/// The policies that a function must have before it starts.
fn policies(template: &Value, function: &str) -> String {
    let role = function.replace("Function", "Role");
    let resources = template["Resources"].as_mapping().expect("resources").iter();
    let attached = resources.filter(|(_, resource)| {
        resource["Type"] == "AWS::IAM::Policy"
            && crate::template::tagged(&resource["Properties"]["Roles"][0], "Ref") == Some(role.as_str())
    });
    let names = std::iter::once(role.as_str()).chain(attached.filter_map(|(name, _)| name.as_str()));
    names.map(|name| format!("aws_iam_role_policy.{}", snake(name))).collect::<Vec<_>>().join(", ")
}
