# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_iam_role" "register_role" {
  description = "The register function; it manages clients and has no permission in KMS"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "register_role" {
  name = "register"
  role = aws_iam_role.register_role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "CreateReadUpdateDeleteClients"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        Resource = aws_dynamodb_table.clients_table.arn
      },
      {
        Sid      = "UseInitialAccessTokensAndCountRegistrations"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        Resource = aws_dynamodb_table.registrations_table.arn
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.register_log_group.arn}:*"
      },
      {
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role" "token_role" {
  description = "The token function; it reads clients and signs with the keys of its stack"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "token_role" {
  name = "token"
  role = aws_iam_role.token_role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadClients"
        Effect   = "Allow"
        Action   = "dynamodb:GetItem"
        Resource = aws_dynamodb_table.clients_table.arn
      },
      {
        Sid      = "ReadWriteRevocationsAndUsedProofs"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        Resource = aws_dynamodb_table.tokens_table.arn
      },
      {
        Sid      = "ClearExpiryOnFirstUse"
        Effect   = "Allow"
        Action   = "dynamodb:UpdateItem"
        Resource = aws_dynamodb_table.clients_table.arn
        Condition = {
          "ForAllValues:StringEquals" = {
            "dynamodb:Attributes" = ["client_id", "expires_at"]
          }
          StringEqualsIfExists = {
            "dynamodb:ReturnValues" = ["NONE"]
          }
        }
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.token_log_group.arn}:*"
      },
      {
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "signing_key_policy" {
  count = local.has_first_key ? 1 : 0
  name  = "first-signing-key"
  role  = aws_iam_role.token_role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadPublicKey"
        Effect   = "Allow"
        Action   = "kms:GetPublicKey"
        Resource = aws_kms_key.signing_key[0].arn
      },
      {
        Sid      = "SignTokens"
        Effect   = "Allow"
        Action   = "kms:Sign"
        Resource = aws_kms_key.signing_key[0].arn
        Condition = {
          StringEquals = {
            "kms:SigningAlgorithm" = local.kms_signing_algorithm[var.signing_algorithm]
            "kms:MessageType"      = "DIGEST"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "second_signing_key_policy" {
  count = local.has_second_key ? 1 : 0
  name  = "second-signing-key"
  role  = aws_iam_role.token_role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadPublicKey"
        Effect   = "Allow"
        Action   = "kms:GetPublicKey"
        Resource = aws_kms_key.second_signing_key[0].arn
      },
      {
        Sid      = "SignTokens"
        Effect   = "Allow"
        Action   = "kms:Sign"
        Resource = aws_kms_key.second_signing_key[0].arn
        Condition = {
          StringEquals = {
            "kms:SigningAlgorithm" = local.kms_signing_algorithm[var.second_signing_algorithm]
            "kms:MessageType"      = "DIGEST"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "sealed_keys_policy" {
  count = local.keys_are_sealed ? 1 : 0
  name  = "sealed-keys"
  role  = aws_iam_role.token_role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "DecryptKeys"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.sealing_key[0].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:tokenmint:issuer" = local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
      {
        Sid      = "ReadKeys"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = aws_dynamodb_table.keys_table[0].arn
      },
    ]
  })
}

resource "aws_iam_role_policy" "key_rotation_policy" {
  count = local.rotates_keys ? 1 : 0
  name  = "key-rotation"
  role  = aws_iam_role.token_role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "GenerateKeyPairs"
        Effect   = "Allow"
        Action   = "kms:GenerateDataKeyPairWithoutPlaintext"
        Resource = aws_kms_key.sealing_key[0].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:tokenmint:issuer" = local.has_issuer ? var.issuer : "https://${aws_apigatewayv2_api.api.id}.execute-api.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
      {
        Sid      = "AddKeys"
        Effect   = "Allow"
        Action   = "dynamodb:PutItem"
        Resource = aws_dynamodb_table.keys_table[0].arn
      },
    ]
  })
}
