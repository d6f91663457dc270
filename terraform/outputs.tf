# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

output "issuer" {
  description = "The issuer, `iss` of every token"
  value       = local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
}

output "api_endpoint" {
  description = "The API's own URL, to which a custom domain is mapped"
  value       = "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
}

output "mutual_tls_target" {
  description = "The target of the DNS record of MutualTlsDomainName"
  value       = local.has_mutual_tls ? aws_apigatewayv2_domain_name.mutual_tls_domain[0].domain_name_configuration[0].target_domain_name : null
}

output "registration_endpoint" {
  description = "Client registration, RFC 7591"
  value       = local.registration_is_on ? "${local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"}/register" : null
}

output "token_endpoint" {
  description = "Access tokens, RFC 6749"
  value       = "${local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"}/token"
}

output "jwks_uri" {
  description = "The public keys, RFC 7517"
  value       = "${local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"}/.well-known/jwks.json"
}

output "metadata_url" {
  description = "The authorization server's metadata, RFC 8414"
  value       = "${local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"}/.well-known/oauth-authorization-server"
}

output "clients_table" {
  description = "The table of clients"
  value       = aws_dynamodb_table.clients_table.name
}

output "registrations_table" {
  description = "The table of initial access tokens and registration counters"
  value       = aws_dynamodb_table.registrations_table.name
}

output "signing_key_arn" {
  description = "The first signing key"
  value       = local.has_first_key ? aws_kms_key.signing_key[0].arn : null
}

output "second_signing_key_arn" {
  description = "The second signing key"
  value       = local.has_second_key ? aws_kms_key.second_signing_key[0].arn : null
}

output "sealing_key_arn" {
  description = "The KMS key that encrypts the signing keys"
  value       = local.keys_are_sealed ? aws_kms_key.sealing_key[0].arn : null
}

output "keys_table" {
  description = "The table of sealed signing keys"
  value       = local.keys_are_sealed ? aws_dynamodb_table.keys_table[0].name : null
}

output "register_function" {
  description = "The function of POST /register"
  value       = aws_lambda_function.register_function.function_name
}

output "token_function" {
  description = "The function of POST /token, the JWKS and the metadata"
  value       = aws_lambda_function.token_function.function_name
}

output "audit_log_group" {
  description = "The log of who changed clients and revoked tokens"
  value       = local.audit_is_on ? aws_cloudwatch_log_group.audit_log_group[0].name : null
}

output "dashboard" {
  description = "The name of the dashboard"
  value       = local.metrics_are_on ? aws_cloudwatch_dashboard.dashboard[0].dashboard_name : null
}
