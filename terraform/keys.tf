# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_kms_key" "signing_key" {
  count                    = local.makes_first_key ? 1 : 0
  description              = "Signs the access tokens of ${var.name} (first key)"
  customer_master_key_spec = var.key_spec
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AdministerKey"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        NotAction = ["kms:Sign", "kms:CreateGrant"]
        Resource  = "*"
      },
      {
        Sid    = "SignAsTokenFunction"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        Action   = "kms:Sign"
        Resource = "*"
        Condition = {
          ArnEquals = {
            "aws:PrincipalArn" = aws_iam_role.token_role.arn
          }
        }
      },
    ]
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "signing_key_alias" {
  count         = local.has_first_key ? 1 : 0
  name          = "alias/${var.name}-first"
  target_key_id = aws_kms_key.signing_key[0].key_id
}

resource "aws_kms_key" "second_signing_key" {
  count                    = local.makes_second_key ? 1 : 0
  description              = "Signs the access tokens of ${var.name} (second key)"
  customer_master_key_spec = var.second_key_spec
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AdministerKey"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        NotAction = ["kms:Sign", "kms:CreateGrant"]
        Resource  = "*"
      },
      {
        Sid    = "SignAsTokenFunction"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        Action   = "kms:Sign"
        Resource = "*"
        Condition = {
          ArnEquals = {
            "aws:PrincipalArn" = aws_iam_role.token_role.arn
          }
        }
      },
    ]
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "second_signing_key_alias" {
  count         = local.has_second_key ? 1 : 0
  name          = "alias/${var.name}-second"
  target_key_id = aws_kms_key.second_signing_key[0].key_id
}

resource "aws_kms_key" "sealing_key" {
  count                    = local.makes_sealing_key ? 1 : 0
  description              = "Seals the signing keys of ${var.name}"
  customer_master_key_spec = "SYMMETRIC_DEFAULT"
  key_usage                = "ENCRYPT_DECRYPT"
  deletion_window_in_days  = 30
  enable_key_rotation      = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AdministerKey"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        NotAction = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
          "kms:GenerateDataKeyPair",
          "kms:GenerateDataKeyPairWithoutPlaintext",
          "kms:CreateGrant",
        ]
        Resource = "*"
      },
      {
        Sid    = "GenerateAndDecryptKeyPairsAsTokenFunction"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        Action   = ["kms:GenerateDataKeyPairWithoutPlaintext", "kms:Decrypt"]
        Resource = "*"
        Condition = {
          ArnEquals = {
            "aws:PrincipalArn" = aws_iam_role.token_role.arn
          }
        }
      },
    ]
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "sealing_key_alias" {
  count         = local.keys_are_sealed ? 1 : 0
  name          = "alias/${var.name}-sealing"
  target_key_id = aws_kms_key.sealing_key[0].key_id
}
