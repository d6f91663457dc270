# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_dynamodb_table" "keys_table" {
  count                       = local.makes_keys_table ? 1 : 0
  name                        = "${var.name}-keys"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "issuer"
  range_key                   = "generation"

  attribute {
    name = "issuer"
    type = "S"
  }

  attribute {
    name = "generation"
    type = "N"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_dynamodb_table" "clients_table" {
  name                        = "${var.name}-clients"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "client_id"
  stream_enabled              = local.audit_is_on
  stream_view_type            = local.audit_is_on ? "NEW_AND_OLD_IMAGES" : null

  attribute {
    name = "client_id"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_dynamodb_table" "registrations_table" {
  name                        = "${var.name}-registrations"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "id"

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_dynamodb_table" "tokens_table" {
  name                        = "${var.name}-tokens"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "id"
  stream_enabled              = local.audit_is_on
  stream_view_type            = local.audit_is_on ? "NEW_IMAGE" : null

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}
