# Made only where both a gateway and a topic are: without NAT the VPC has nothing that could fill up.
resource "aws_cloudwatch_metric_alarm" "nat_ports" {
  for_each = { for zone, gateway in aws_nat_gateway.this : zone => gateway if var.alarms_topic_arn != null }

  alarm_name          = "${var.name}-nat-${each.key}-ports"
  alarm_description   = "NAT gateway of ${each.key}: connections refused because no source port is free. One destination gets 55,000 at once: reuse connections, or nat = \"per_az\". Runbook: docs/runbooks/alarms.md#nat-ports"
  namespace           = "AWS/NATGateway"
  metric_name         = "ErrorPortAllocation"
  dimensions          = { NatGatewayId = each.value.id }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]
}
