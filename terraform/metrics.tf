# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

resource "aws_cloudwatch_log_metric_filter" "throttled_by_api" {
  count          = local.metrics_are_on ? 1 : 0
  name           = "${var.name}-throttled-by-api"
  log_group_name = aws_cloudwatch_log_group.api_log_group.name
  pattern        = "{ ($.status = \"429\") && ($.integrationStatus = \"-\") }"

  metric_transformation {
    namespace = "Tokenmint"
    name      = "throttled_by_api"
    value     = "1"
    unit      = "Count"
    dimensions = {
      api = "$.apiId"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "server_error_alarm" {
  count             = local.metrics_are_on ? 1 : 0
  alarm_name        = "${var.name}-server-error-alarm"
  alarm_description = "${var.name} answered with 5xx in two of three periods of 5 minutes"
  namespace         = "AWS/ApiGateway"
  metric_name       = "5xx"
  dimensions = {
    ApiId = aws_apigatewayv2_api.api.id
  }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null
}

resource "aws_cloudwatch_metric_alarm" "invalid_client_alarm" {
  count               = local.metrics_are_on ? 1 : 0
  alarm_name          = "${var.name}-invalid-client-alarm"
  alarm_description   = "The token function of ${var.name} answered more than a fifth of its requests, and more than 50 in 5 minutes, with invalid_client"
  evaluation_periods  = 1
  threshold           = 20
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null

  metric_query {
    id          = "percent"
    label       = "Percent of the token function's requests with invalid_client"
    expression  = "IF(invalid > 50, 100 * invalid / requests, 0)"
    return_data = true
  }

  metric_query {
    id          = "invalid"
    return_data = false

    metric {
      namespace   = "Tokenmint"
      metric_name = "failures"
      dimensions = {
        function = "${var.name}-token"
        outcome  = "invalid_client"
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "requests"
    return_data = false

    metric {
      namespace   = "Tokenmint"
      metric_name = "duration_ms"
      dimensions = {
        function = "${var.name}-token"
      }
      period = 300
      stat   = "SampleCount"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "api_throttled_alarm" {
  count             = local.metrics_are_on ? 1 : 0
  alarm_name        = "${var.name}-api-throttled-alarm"
  alarm_description = "API Gateway answered requests of ${var.name} with 429"
  namespace         = "Tokenmint"
  metric_name       = "throttled_by_api"
  dimensions = {
    api = aws_apigatewayv2_api.api.id
  }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null
}

resource "aws_cloudwatch_metric_alarm" "function_throttled_alarm" {
  count               = local.metrics_are_on ? 1 : 0
  alarm_name          = "${var.name}-function-throttled-alarm"
  alarm_description   = "Lambda started no instance for requests of ${var.name}"
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null

  metric_query {
    id          = "all"
    label       = "Throttled invocations of both functions"
    expression  = "SUM([register, token])"
    return_data = true
  }

  metric_query {
    id          = "register"
    return_data = false

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Throttles"
      dimensions = {
        FunctionName = aws_lambda_function.register_function.function_name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "token"
    return_data = false

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Throttles"
      dimensions = {
        FunctionName = aws_lambda_function.token_function.function_name
      }
      period = 300
      stat   = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "table_throttled_alarm" {
  count               = local.metrics_are_on ? 1 : 0
  alarm_name          = "${var.name}-table-throttled-alarm"
  alarm_description   = "DynamoDB throttled reads or writes of the tables of ${var.name}"
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null

  metric_query {
    id          = "all"
    label       = "Throttled reads and writes"
    expression  = "SUM([FILL(cr, 0), FILL(cw, 0), FILL(rr, 0), FILL(rw, 0), FILL(tr, 0), FILL(tw, 0)])"
    return_data = true
  }

  metric_query {
    id          = "cr"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "ReadThrottleEvents"
      dimensions = {
        TableName = aws_dynamodb_table.clients_table.name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "cw"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "WriteThrottleEvents"
      dimensions = {
        TableName = aws_dynamodb_table.clients_table.name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "rr"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "ReadThrottleEvents"
      dimensions = {
        TableName = aws_dynamodb_table.registrations_table.name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "rw"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "WriteThrottleEvents"
      dimensions = {
        TableName = aws_dynamodb_table.registrations_table.name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "tr"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "ReadThrottleEvents"
      dimensions = {
        TableName = aws_dynamodb_table.tokens_table.name
      }
      period = 300
      stat   = "Sum"
    }
  }

  metric_query {
    id          = "tw"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "WriteThrottleEvents"
      dimensions = {
        TableName = aws_dynamodb_table.tokens_table.name
      }
      period = 300
      stat   = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency_alarm" {
  count             = local.metrics_are_on ? 1 : 0
  alarm_name        = "${var.name}-latency-alarm"
  alarm_description = "One in a hundred requests of ${var.name} took longer than 3 seconds, for 15 minutes"
  namespace         = "AWS/ApiGateway"
  metric_name       = "Latency"
  dimensions = {
    ApiId = aws_apigatewayv2_api.api.id
  }
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore"
  period                                = 300
  evaluation_periods                    = 3
  threshold                             = 3000
  comparison_operator                   = "GreaterThanThreshold"
  treat_missing_data                    = "notBreaching"
  alarm_actions                         = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions                            = local.has_alarm_topic ? [var.alarm_topic_arn] : null
}

resource "aws_cloudwatch_metric_alarm" "kms_error_alarm" {
  count             = local.metrics_are_on ? 1 : 0
  alarm_name        = "${var.name}-kms-error-alarm"
  alarm_description = "Calls of ${var.name} to KMS failed after their retries"
  namespace         = "Tokenmint"
  metric_name       = "kms_errors"
  dimensions = {
    function = "${var.name}-token"
  }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic_arn] : null
  ok_actions          = local.has_alarm_topic ? [var.alarm_topic_arn] : null
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  count          = local.metrics_are_on ? 1 : 0
  dashboard_name = "${var.name}-${data.aws_region.current.name}"
  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 8
        height = 6
        properties = {
          title  = "Requests, 4xx and 5xx"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "Sum"
          metrics = [
            ["AWS/ApiGateway", "Count", "ApiId", "${aws_apigatewayv2_api.api.id}"],
            ["AWS/ApiGateway", "4xx", "ApiId", "${aws_apigatewayv2_api.api.id}"],
            ["AWS/ApiGateway", "5xx", "ApiId", "${aws_apigatewayv2_api.api.id}"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 0
        width  = 8
        height = 6
        properties = {
          title  = "Latency of the API"
          region = "${data.aws_region.current.name}"
          period = 300
          metrics = [
            [
              "AWS/ApiGateway",
              "Latency",
              "ApiId",
              "${aws_apigatewayv2_api.api.id}",
              {
                stat  = "p50"
                label = "p50"
              },
            ],
            [
              "AWS/ApiGateway",
              "Latency",
              "ApiId",
              "${aws_apigatewayv2_api.api.id}",
              {
                stat  = "p99"
                label = "p99"
              },
            ],
            [
              "AWS/ApiGateway",
              "IntegrationLatency",
              "ApiId",
              "${aws_apigatewayv2_api.api.id}",
              {
                stat  = "p99"
                label = "integration p99"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 0
        width  = 8
        height = 6
        properties = {
          title  = "Tokens and registrations"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "Sum"
          metrics = [
            ["Tokenmint", "tokens", "function", "${var.name}-token"],
            ["Tokenmint", "registrations", "function", "${var.name}-register"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 6
        width  = 16
        height = 6
        properties = {
          title  = "Failures by code"
          region = "${data.aws_region.current.name}"
          period = 300
          metrics = [
            [
              {
                expression = "SEARCH('{Tokenmint,function,outcome} MetricName=\"failures\" function=\"${var.name}-token\"', 'Sum', 300)"
                label      = "token: $${PROP('Dim.outcome')}"
              },
            ],
            [
              {
                expression = "SEARCH('{Tokenmint,function,outcome} MetricName=\"failures\" function=\"${var.name}-register\"', 'Sum', 300)"
                label      = "register: $${PROP('Dim.outcome')}"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 6
        width  = 8
        height = 6
        properties = {
          title  = "Time in a function"
          region = "${data.aws_region.current.name}"
          period = 300
          metrics = [
            [
              "Tokenmint",
              "duration_ms",
              "function",
              "${var.name}-token",
              {
                stat  = "p50"
                label = "token p50"
              },
            ],
            [
              "Tokenmint",
              "duration_ms",
              "function",
              "${var.name}-token",
              {
                stat  = "p99"
                label = "token p99"
              },
            ],
            [
              "Tokenmint",
              "duration_ms",
              "function",
              "${var.name}-register",
              {
                stat  = "p50"
                label = "register p50"
              },
            ],
            [
              "Tokenmint",
              "duration_ms",
              "function",
              "${var.name}-register",
              {
                stat  = "p99"
                label = "register p99"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 12
        width  = 8
        height = 6
        properties = {
          title  = "Time in DynamoDB"
          region = "${data.aws_region.current.name}"
          period = 300
          metrics = [
            [
              "Tokenmint",
              "dynamodb_ms",
              "function",
              "${var.name}-token",
              {
                stat  = "p50"
                label = "token p50"
              },
            ],
            [
              "Tokenmint",
              "dynamodb_ms",
              "function",
              "${var.name}-token",
              {
                stat  = "p99"
                label = "token p99"
              },
            ],
            [
              "Tokenmint",
              "dynamodb_ms",
              "function",
              "${var.name}-register",
              {
                stat  = "p50"
                label = "register p50"
              },
            ],
            [
              "Tokenmint",
              "dynamodb_ms",
              "function",
              "${var.name}-register",
              {
                stat  = "p99"
                label = "register p99"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 12
        width  = 8
        height = 6
        properties = {
          title  = "Time in KMS"
          region = "${data.aws_region.current.name}"
          period = 300
          metrics = [
            [
              "Tokenmint",
              "kms_ms",
              "function",
              "${var.name}-token",
              {
                stat  = "p50"
                label = "p50"
              },
            ],
            [
              "Tokenmint",
              "kms_ms",
              "function",
              "${var.name}-token",
              {
                stat  = "p99"
                label = "p99"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 12
        width  = 8
        height = 6
        properties = {
          title   = "Failed calls of KMS"
          region  = "${data.aws_region.current.name}"
          period  = 300
          stat    = "Sum"
          metrics = [["Tokenmint", "kms_errors", "function", "${var.name}-token"]]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 18
        width  = 8
        height = 6
        properties = {
          title  = "Throttled: API, functions"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "Sum"
          metrics = [
            ["Tokenmint", "throttled_by_api", "api", "${aws_apigatewayv2_api.api.id}"],
            [
              "AWS/Lambda",
              "Throttles",
              "FunctionName",
              "${aws_lambda_function.register_function.function_name}",
              {
                label = "register"
              },
            ],
            [
              "AWS/Lambda",
              "Throttles",
              "FunctionName",
              "${aws_lambda_function.token_function.function_name}",
              {
                label = "token"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 18
        width  = 8
        height = 6
        properties = {
          title  = "Throttled: tables"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "Sum"
          metrics = [
            [
              "AWS/DynamoDB",
              "ReadThrottleEvents",
              "TableName",
              "${aws_dynamodb_table.clients_table.name}",
            ],
            [
              "AWS/DynamoDB",
              "WriteThrottleEvents",
              "TableName",
              "${aws_dynamodb_table.clients_table.name}",
            ],
            [
              "AWS/DynamoDB",
              "ReadThrottleEvents",
              "TableName",
              "${aws_dynamodb_table.registrations_table.name}",
            ],
            [
              "AWS/DynamoDB",
              "WriteThrottleEvents",
              "TableName",
              "${aws_dynamodb_table.registrations_table.name}",
            ],
            [
              "AWS/DynamoDB",
              "ReadThrottleEvents",
              "TableName",
              "${aws_dynamodb_table.tokens_table.name}",
            ],
            [
              "AWS/DynamoDB",
              "WriteThrottleEvents",
              "TableName",
              "${aws_dynamodb_table.tokens_table.name}",
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 18
        width  = 8
        height = 6
        properties = {
          title  = "Errors of Lambda"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "Sum"
          metrics = [
            [
              "AWS/Lambda",
              "Errors",
              "FunctionName",
              "${aws_lambda_function.register_function.function_name}",
              {
                label = "register"
              },
            ],
            [
              "AWS/Lambda",
              "Errors",
              "FunctionName",
              "${aws_lambda_function.token_function.function_name}",
              {
                label = "token"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 24
        width  = 8
        height = 6
        properties = {
          title  = "Duration that Lambda bills, p99"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "p99"
          metrics = [
            [
              "AWS/Lambda",
              "Duration",
              "FunctionName",
              "${aws_lambda_function.register_function.function_name}",
              {
                label = "register"
              },
            ],
            [
              "AWS/Lambda",
              "Duration",
              "FunctionName",
              "${aws_lambda_function.token_function.function_name}",
              {
                label = "token"
              },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 24
        width  = 8
        height = 6
        properties = {
          title  = "Instances at once"
          region = "${data.aws_region.current.name}"
          period = 300
          stat   = "Maximum"
          metrics = [
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.register_function.function_name}",
              {
                label = "register"
              },
            ],
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.token_function.function_name}",
              {
                label = "token"
              },
            ],
          ]
        }
      },
    ]
  })
}
