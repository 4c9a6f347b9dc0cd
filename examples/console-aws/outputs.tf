output "console_url" {
  description = "Address of the console. Add it, with its slash, to HOSTED_PAGE_CALLBACK_URLS of the environment."
  value       = "https://${var.domain == null ? aws_cloudfront_distribution.console.domain_name : var.domain.name}/"
}

output "dns_target" {
  description = "Target of the domain's alias record."
  value       = aws_cloudfront_distribution.console.domain_name
}
