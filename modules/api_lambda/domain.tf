# Its DNS record is the zone owner's: an alias to the outputs domain_target and domain_target_zone_id.
resource "aws_api_gateway_domain_name" "this" {
  for_each = var.custom_domain == null ? {} : { api = var.custom_domain }

  domain_name              = each.value.domain_name
  regional_certificate_arn = each.value.certificate_arn
  security_policy          = "TLS_1_2"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# At the root: /v1/… has no stage before it there.
resource "aws_api_gateway_base_path_mapping" "this" {
  for_each = aws_api_gateway_domain_name.this

  domain_name = each.value.domain_name
  api_id      = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
}
