# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_apigatewayv2_api" "api" {
  name                         = var.name
  description                  = "Tokenmint, an OAuth 2.0 authorization server"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = local.default_endpoint_is_off
}

resource "aws_apigatewayv2_domain_name" "mutual_tls_domain" {
  count       = local.has_mutual_tls ? 1 : 0
  domain_name = var.mutual_tls_domain_name

  domain_name_configuration {
    certificate_arn = var.mutual_tls_certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }

  mutual_tls_authentication {
    truststore_uri     = var.truststore_uri
    truststore_version = local.has_truststore_version ? var.truststore_version : null
  }
}

resource "aws_apigatewayv2_api_mapping" "mutual_tls_mapping" {
  count       = local.has_mutual_tls ? 1 : 0
  api_id      = aws_apigatewayv2_api.api.id
  domain_name = aws_apigatewayv2_domain_name.mutual_tls_domain[0].id
  stage       = aws_apigatewayv2_stage.stage.id
}

resource "aws_apigatewayv2_stage" "stage" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_log_group.arn
    format          = "{\"requestId\":\"$context.requestId\", \"apiId\":\"$context.apiId\", \"time\":\"$context.requestTime\", \"routeKey\":\"$context.routeKey\", \"status\":\"$context.status\", \"responseLatency\":\"$context.responseLatency\", \"integrationLatency\":\"$context.integrationLatency\", \"integrationStatus\":\"$context.integrationStatus\", \"integrationError\":\"$context.integrationErrorMessage\", \"error\":\"$context.error.message\", \"sourceIp\":\"$context.identity.sourceIp\"}"
  }

  default_route_settings {
    throttling_rate_limit  = var.throttling_rate_limit
    throttling_burst_limit = var.throttling_burst_limit
  }
}

resource "aws_apigatewayv2_integration" "register_integration" {
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.register_function.arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_integration" "token_integration" {
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.token_function.arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "register_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "POST /register"
  target    = "integrations/${aws_apigatewayv2_integration.register_integration.id}"
}

resource "aws_apigatewayv2_route" "read_client_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "GET /register/{client_id}"
  target    = "integrations/${aws_apigatewayv2_integration.register_integration.id}"
}

resource "aws_apigatewayv2_route" "update_client_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "PUT /register/{client_id}"
  target    = "integrations/${aws_apigatewayv2_integration.register_integration.id}"
}

resource "aws_apigatewayv2_route" "delete_client_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "DELETE /register/{client_id}"
  target    = "integrations/${aws_apigatewayv2_integration.register_integration.id}"
}

resource "aws_apigatewayv2_route" "token_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "POST /token"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "authorize_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "GET /authorize"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "authorize_form_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "POST /authorize"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "introspect_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "POST /introspect"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "revoke_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "POST /revoke"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "jwks_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "GET /.well-known/jwks.json"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "metadata_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "GET /.well-known/oauth-authorization-server"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "openid_configuration_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "GET /.well-known/openid-configuration"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "register_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /register"
  target    = "integrations/${aws_apigatewayv2_integration.register_integration.id}"
}

resource "aws_apigatewayv2_route" "client_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /register/{client_id}"
  target    = "integrations/${aws_apigatewayv2_integration.register_integration.id}"
}

resource "aws_apigatewayv2_route" "token_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /token"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "introspect_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /introspect"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "revoke_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /revoke"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "jwks_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /.well-known/jwks.json"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "metadata_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /.well-known/oauth-authorization-server"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_apigatewayv2_route" "openid_configuration_preflight_route" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "OPTIONS /.well-known/openid-configuration"
  target    = "integrations/${aws_apigatewayv2_integration.token_integration.id}"
}

resource "aws_lambda_permission" "register_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.register_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/POST/register"
}

resource "aws_lambda_permission" "read_client_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.register_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/GET/register/*"
}

resource "aws_lambda_permission" "update_client_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.register_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/PUT/register/*"
}

resource "aws_lambda_permission" "delete_client_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.register_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/DELETE/register/*"
}

resource "aws_lambda_permission" "token_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/POST/token"
}

resource "aws_lambda_permission" "authorize_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/GET/authorize"
}

resource "aws_lambda_permission" "authorize_form_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/POST/authorize"
}

resource "aws_lambda_permission" "introspect_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/POST/introspect"
}

resource "aws_lambda_permission" "revoke_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/POST/revoke"
}

resource "aws_lambda_permission" "jwks_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/GET/.well-known/jwks.json"
}

resource "aws_lambda_permission" "metadata_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/GET/.well-known/oauth-authorization-server"
}

resource "aws_lambda_permission" "openid_configuration_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/GET/.well-known/openid-configuration"
}

resource "aws_lambda_permission" "register_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.register_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/register"
}

resource "aws_lambda_permission" "client_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.register_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/register/*"
}

resource "aws_lambda_permission" "token_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/token"
}

resource "aws_lambda_permission" "introspect_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/introspect"
}

resource "aws_lambda_permission" "revoke_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/revoke"
}

resource "aws_lambda_permission" "jwks_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/.well-known/jwks.json"
}

resource "aws_lambda_permission" "metadata_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/.well-known/oauth-authorization-server"
}

resource "aws_lambda_permission" "openid_configuration_preflight_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.token_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${aws_apigatewayv2_api.api.id}/*/OPTIONS/.well-known/openid-configuration"
}
