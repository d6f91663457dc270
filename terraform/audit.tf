# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_cloudwatch_metric_alarm" "audit_failed_alarm" {
  count               = local.audit_is_watched ? 1 : 0
  alarm_name          = "${var.name}-audit-failed-alarm"
  alarm_description   = "The audit log of ${var.name} cannot be written"
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null

  metric_query {
    id          = "all"
    label       = "Failed executions of the audit pipes"
    expression  = "SUM([changes, removals, revocations])"
    return_data = true
  }

  metric_query {
    id          = "changes"
    return_data = false

    metric {
      namespace   = "AWS/EventBridge/Pipes"
      metric_name = "ExecutionFailed"
      dimensions = {
        PipeName = aws_pipes_pipe.client_changes_pipe[0].name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "removals"
    return_data = false

    metric {
      namespace   = "AWS/EventBridge/Pipes"
      metric_name = "ExecutionFailed"
      dimensions = {
        PipeName = aws_pipes_pipe.client_removals_pipe[0].name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "revocations"
    return_data = false

    metric {
      namespace   = "AWS/EventBridge/Pipes"
      metric_name = "ExecutionFailed"
      dimensions = {
        PipeName = aws_pipes_pipe.revocations_pipe[0].name
      }
      period = 300
      stat   = "Sum"
    }
  }
}

resource "aws_cloudwatch_log_group" "audit_log_group" {
  count             = local.audit_is_on ? 1 : 0
  name              = "/tokenmint/${var.name}/audit"
  retention_in_days = var.audit_retention_in_days

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_stream" "client_audit_stream" {
  count          = local.audit_is_on ? 1 : 0
  name           = "clients"
  log_group_name = aws_cloudwatch_log_group.audit_log_group[0].name

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_stream" "token_audit_stream" {
  count          = local.audit_is_on ? 1 : 0
  name           = "tokens"
  log_group_name = aws_cloudwatch_log_group.audit_log_group[0].name

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_iam_role" "audit_role" {
  count       = local.audit_is_on ? 1 : 0
  description = "The audit pipes; they read the streams of two tables and write one log group"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "pipes.amazonaws.com"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "audit_role" {
  count = length(aws_iam_role.audit_role)
  name  = "audit"
  role  = aws_iam_role.audit_role[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReadStreams"
        Effect = "Allow"
        Action = [
          "dynamodb:DescribeStream",
          "dynamodb:GetRecords",
          "dynamodb:GetShardIterator",
          "dynamodb:ListStreams",
        ]
        Resource = [aws_dynamodb_table.clients_table.stream_arn, aws_dynamodb_table.tokens_table.stream_arn]
      },
      {
        Sid      = "WriteAuditLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.audit_log_group[0].arn}:*"
      },
    ]
  })
}

resource "aws_pipes_pipe" "client_changes_pipe" {
  count       = local.audit_is_on ? 1 : 0
  name        = "${var.name}-client-changes-pipe"
  description = "Clients that were registered, changed, disabled, enabled and deleted, with the author of each change"
  role_arn    = aws_iam_role.audit_role[0].arn
  source      = aws_dynamodb_table.clients_table.stream_arn
  target      = aws_cloudwatch_log_group.audit_log_group[0].arn
  depends_on  = [aws_iam_role_policy.audit_role]

  source_parameters {
    dynamodb_stream_parameters {
      starting_position             = "TRIM_HORIZON"
      on_partial_batch_item_failure = "AUTOMATIC_BISECT"
    }

    filter_criteria {
      filter {
        pattern = "{\"eventName\":[\"INSERT\"],\"dynamodb\":{\"NewImage\":{\"client_id_issued_at\":{\"N\":[{\"exists\":true}]}}}}"
      }

      filter {
        pattern = "{\"eventName\":[\"MODIFY\"],\"dynamodb\":{\"NewImage\":{\"client_id_issued_at\":{\"N\":[{\"exists\":true}]},\"expires_at\":{\"N\":[{\"exists\":true}]}}}}"
      }

      filter {
        pattern = "{\"eventName\":[\"MODIFY\"],\"dynamodb\":{\"NewImage\":{\"client_id_issued_at\":{\"N\":[{\"exists\":true}]}},\"OldImage\":{\"expires_at\":{\"N\":[{\"exists\":false}]}}}}"
      }
    }
  }

  target_parameters {
    input_template = "{\n  \"what\": \"<$.dynamodb.NewImage.last_change.M.what.S>\",\n  \"who\": \"<$.dynamodb.NewImage.last_change.M.by.S>\",\n  \"when\": <$.dynamodb.ApproximateCreationDateTime>,\n  \"client_id\": \"<$.dynamodb.Keys.client_id.S>\",\n  \"token_endpoint_auth_method\": \"<$.dynamodb.NewImage.token_endpoint_auth_method.S>\",\n  \"scope\": \"<$.dynamodb.NewImage.scope.S>\",\n  \"event_id\": \"<$.eventID>\"\n}"

    cloudwatch_logs_parameters {
      log_stream_name = aws_cloudwatch_log_stream.client_audit_stream[0].name
    }
  }
}

resource "aws_pipes_pipe" "client_removals_pipe" {
  count       = local.audit_is_on ? 1 : 0
  name        = "${var.name}-client-removals-pipe"
  description = "Clients that expired, or that another program removed"
  role_arn    = aws_iam_role.audit_role[0].arn
  source      = aws_dynamodb_table.clients_table.stream_arn
  target      = aws_cloudwatch_log_group.audit_log_group[0].arn
  depends_on  = [aws_iam_role_policy.audit_role]

  source_parameters {
    dynamodb_stream_parameters {
      starting_position             = "TRIM_HORIZON"
      on_partial_batch_item_failure = "AUTOMATIC_BISECT"
    }

    filter_criteria {
      filter {
        pattern = "{\"eventName\":[\"REMOVE\"],\"dynamodb\":{\"OldImage\":{\"last_change\":{\"M\":{\"what\":{\"S\":[{\"anything-but\":[\"deleted\"]}]}}}}}}"
      }

      filter {
        pattern = "{\"eventName\":[\"REMOVE\"],\"dynamodb\":{\"OldImage\":{\"client_id_issued_at\":{\"N\":[{\"exists\":true}]},\"last_change\":{\"M\":{\"what\":{\"S\":[{\"exists\":false}]}}}}}}"
      }
    }
  }

  target_parameters {
    input_template = "{\n  \"what\": \"removed\",\n  \"who\": \"<$.userIdentity.principalId>\",\n  \"when\": <$.dynamodb.ApproximateCreationDateTime>,\n  \"client_id\": \"<$.dynamodb.Keys.client_id.S>\",\n  \"token_endpoint_auth_method\": \"<$.dynamodb.OldImage.token_endpoint_auth_method.S>\",\n  \"scope\": \"<$.dynamodb.OldImage.scope.S>\",\n  \"event_id\": \"<$.eventID>\"\n}"

    cloudwatch_logs_parameters {
      log_stream_name = aws_cloudwatch_log_stream.client_audit_stream[0].name
    }
  }
}

resource "aws_pipes_pipe" "revocations_pipe" {
  count       = local.audit_is_on ? 1 : 0
  name        = "${var.name}-revocations-pipe"
  description = "Tokens that clients revoked"
  role_arn    = aws_iam_role.audit_role[0].arn
  source      = aws_dynamodb_table.tokens_table.stream_arn
  target      = aws_cloudwatch_log_group.audit_log_group[0].arn
  depends_on  = [aws_iam_role_policy.audit_role]

  source_parameters {
    dynamodb_stream_parameters {
      starting_position             = "TRIM_HORIZON"
      on_partial_batch_item_failure = "AUTOMATIC_BISECT"
    }

    filter_criteria {
      filter {
        pattern = "{\"eventName\":[\"INSERT\"],\"dynamodb\":{\"Keys\":{\"id\":{\"S\":[{\"prefix\":\"revoked#\"}]}}}}"
      }
    }
  }

  target_parameters {
    input_template = "{\n  \"what\": \"token_revoked\",\n  \"who\": \"client\",\n  \"when\": <$.dynamodb.ApproximateCreationDateTime>,\n  \"client_id\": \"<$.dynamodb.NewImage.client_id.S>\",\n  \"jti\": \"<$.dynamodb.NewImage.jti.S>\",\n  \"event_id\": \"<$.eventID>\"\n}"

    cloudwatch_logs_parameters {
      log_stream_name = aws_cloudwatch_log_stream.token_audit_stream[0].name
    }
  }
}
