locals {
  # AWS's own rules, in the order they are asked; what a rule of a group should only count is named.
  managed_rules = {
    AWSManagedRulesAmazonIpReputationList = { priority = 1, count = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 2, count = [] }
    # Its 8 KB limit is below what our operations take; the kernel has the real limit.
    AWSManagedRulesCommonRuleSet = { priority = 3, count = ["SizeRestrictions_BODY"] }
  }
}

resource "aws_wafv2_web_acl" "this" {
  for_each = var.waf == null ? {} : { api = var.waf }

  name  = var.name
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "requests-per-address"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit              = each.value.requests_per_address
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "requests-per-address"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          name        = rule.key
          vendor_name = "AWS"

          dynamic "rule_action_override" {
            for_each = toset(rule.value.count)

            content {
              name = rule_action_override.key

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  for_each = aws_wafv2_web_acl.this

  resource_arn = aws_api_gateway_stage.this.arn
  web_acl_arn  = each.value.arn
}
