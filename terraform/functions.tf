# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_lambda_function" "register_function" {
  function_name                  = "${var.name}-register"
  description                    = "POST /register (RFC 7591) and /register/{client_id} (RFC 7592)"
  filename                       = var.register_zip
  source_code_hash               = filebase64sha256(var.register_zip)
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  memory_size                    = var.memory_size
  timeout                        = 10
  reserved_concurrent_executions = local.has_reserved_concurrency ? tonumber(var.reserved_concurrency) : -1
  role                           = aws_iam_role.register_role.arn
  depends_on                     = [aws_iam_role_policy.register_role]

  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "INFO"
    log_group             = aws_cloudwatch_log_group.register_log_group.name
  }

  tracing_config {
    mode = "Active"
  }

  environment {
    variables = {
      ISSUER                     = local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
      CLIENTS_TABLE              = aws_dynamodb_table.clients_table.name
      SCOPES                     = var.scopes
      DEFAULT_SCOPES             = var.default_scopes
      INTROSPECTION_SCOPE        = var.introspection_scope
      REGISTRATIONS_TABLE        = aws_dynamodb_table.registrations_table.name
      CLIENT_SECRET_TTL          = var.client_secret_ttl
      CLIENT_SECRET_OVERLAP      = var.client_secret_overlap
      UNUSED_CLIENT_TTL          = var.unused_client_ttl
      REGISTRATION               = var.registration
      REGISTRATION_RATE          = var.registration_rate
      REGISTRATION_RATE_TOTAL    = var.registration_rate_total
      SOFTWARE_STATEMENT_ISSUERS = var.software_statement_issuers
      CORS_ORIGINS               = var.cors_origins
      MUTUAL_TLS                 = local.has_mutual_tls ? "https://${var.mutual_tls_domain_name}" : "off"
      MUTUAL_TLS_METHOD          = var.mutual_tls_method
      REGISTRATION_STATUS        = var.registration_status
      SECURITY_PROFILE           = var.security_profile
      METRICS                    = local.metrics_are_on ? "${var.name}-register" : "off"
    }
  }
}

resource "aws_lambda_function" "token_function" {
  function_name                  = "${var.name}-token"
  description                    = "POST /token, /introspect and /revoke, the JWKS and the metadata (RFC 8414)"
  filename                       = var.token_zip
  source_code_hash               = filebase64sha256(var.token_zip)
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  memory_size                    = var.memory_size
  timeout                        = 10
  reserved_concurrent_executions = local.has_reserved_concurrency ? tonumber(var.reserved_concurrency) : -1
  role                           = aws_iam_role.token_role.arn
  depends_on                     = [aws_iam_role_policy.token_role, aws_iam_role_policy.signing_key_policy, aws_iam_role_policy.second_signing_key_policy, aws_iam_role_policy.sealed_keys_policy, aws_iam_role_policy.key_rotation_policy]

  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "INFO"
    log_group             = aws_cloudwatch_log_group.token_log_group.name
  }

  tracing_config {
    mode = "Active"
  }

  environment {
    variables = {
      ISSUER                 = local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
      CLIENTS_TABLE          = aws_dynamodb_table.clients_table.name
      SIGNING_MODE           = var.signing_mode
      SIGNING_KEYS           = local.has_both_keys ? local.second_key_signs ? "${aws_kms_key.second_signing_key[0].arn}=${var.second_signing_algorithm},${aws_kms_key.signing_key[0].arn}=${var.signing_algorithm}" : "${aws_kms_key.signing_key[0].arn}=${var.signing_algorithm},${aws_kms_key.second_signing_key[0].arn}=${var.second_signing_algorithm}" : local.has_first_key ? "${aws_kms_key.signing_key[0].arn}=${var.signing_algorithm}" : local.has_second_key ? "${aws_kms_key.second_signing_key[0].arn}=${var.second_signing_algorithm}" : ""
      SEALING_KEY            = local.keys_are_sealed ? aws_kms_key.sealing_key[0].arn : ""
      KEYS_TABLE             = local.keys_are_sealed ? aws_dynamodb_table.keys_table[0].name : ""
      SIGNING_KEY_SPEC       = var.signing_key_spec
      ED25519_ALG            = var.ed25519_alg
      SIGNING_KEY_ROTATION   = var.signing_key_rotation
      KEY_ROTATION           = "on"
      SCOPES                 = var.scopes
      AUDIENCE               = var.audience
      ACCESS_TOKEN_TTL       = var.access_token_ttl
      REGISTRATION           = var.registration
      GRANT_POLICY           = var.grant_policy
      JWT_BEARER_GRANT       = var.jwt_bearer_grant
      SECURITY_PROFILE       = var.security_profile
      TOKENS_TABLE           = aws_dynamodb_table.tokens_table.name
      JWKS_MAX_AGE           = var.jwks_max_age
      RESOURCES              = var.resources
      INTROSPECTION_SCOPE    = var.introspection_scope
      ASSERTION_AUDIENCE     = var.assertion_audience
      ASSERTION_MAX_LIFETIME = var.assertion_max_lifetime
      TRUSTED_ISSUERS        = var.trusted_issuers
      CLIENT_METADATA_HOSTS  = var.client_metadata_hosts
      AUTHORIZATION_ENDPOINT = var.authorization_endpoint
      CORS_ORIGINS           = var.cors_origins
      MUTUAL_TLS             = local.has_mutual_tls ? "https://${var.mutual_tls_domain_name}" : "off"
      MUTUAL_TLS_METHOD      = var.mutual_tls_method
      DPOP_NONCE_TTL         = var.dpop_nonce_ttl
      CLIENT_CACHE_TTL       = var.client_cache_ttl
      METRICS                = local.metrics_are_on ? "${var.name}-token" : "off"
    }
  }
}

resource "aws_cloudwatch_log_group" "register_log_group" {
  name              = "/aws/lambda/${var.name}-register"
  retention_in_days = var.log_retention_in_days
}

resource "aws_cloudwatch_log_group" "token_log_group" {
  name              = "/aws/lambda/${var.name}-token"
  retention_in_days = var.log_retention_in_days
}

resource "aws_cloudwatch_log_group" "api_log_group" {
  name              = "/aws/vendedlogs/apis/${var.name}"
  retention_in_days = var.log_retention_in_days
}
