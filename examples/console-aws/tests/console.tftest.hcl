# The root with a small console. Planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  account_id      = "000000000000"
  api_url         = "https://api.example.org"
  dist_dir        = "tests/fixtures/dist"
  hosted_page_url = "https://atrium-dev.auth.eu-central-1.amazoncognito.com"
  region          = "eu-central-1"
}

override_resource {
  target          = aws_s3_bucket.console
  override_during = plan
  values          = { arn = "arn:aws:s3:::console", bucket_regional_domain_name = "console.s3.eu-central-1.amazonaws.com", id = "console" }
}

override_resource {
  target          = aws_cloudfront_distribution.console
  override_during = plan
  values          = { arn = "arn:aws:cloudfront::000000000000:distribution/E1", domain_name = "d1.cloudfront.net" }
}

override_resource {
  target          = aws_cloudfront_origin_access_control.console
  override_during = plan
  values          = { id = "oac" }
}

override_resource {
  target          = aws_cloudfront_response_headers_policy.console
  override_during = plan
  values          = { id = "headers" }
}

override_resource {
  target          = aws_cloudfront_function.pages
  override_during = plan
  values          = { arn = "arn:aws:cloudfront::000000000000:function/pages" }
}

run "the_console_and_the_api_at_one_address" {
  command = plan

  assert {
    condition     = alltrue([for origin in aws_cloudfront_distribution.console.origin : origin.origin_id == "files" ? origin.origin_access_control_id == "oac" : origin.domain_name == "api.example.org" && origin.origin_path == ""])
    error_message = "The files come from the bucket with a signature, and the API from its own address."
  }

  assert {
    condition     = { for one in aws_cloudfront_distribution.console.ordered_cache_behavior : one.path_pattern => [one.target_origin_id, one.cache_policy_id, one.origin_request_policy_id] } == { for path in ["/.well-known/*", "/access/*", "/v1/*"] : path => ["api", local.caching_disabled, local.all_viewer_except_host_name] }
    error_message = "The API's paths are passed on with their headers, and nothing of them is cached."
  }

  assert {
    condition     = aws_cloudfront_distribution.console.default_cache_behavior[0].response_headers_policy_id == "headers" && one(aws_cloudfront_distribution.console.default_cache_behavior[0].function_association).event_type == "viewer-request"
    error_message = "Every file has the security headers, and every page is index.html."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.console.custom_error_response) == 0
    error_message = "Custom error responses would replace the API's errors."
  }

  assert {
    condition     = output.console_url == "https://d1.cloudfront.net/"
    error_message = "Without a domain the console has CloudFront's address."
  }

  assert {
    condition     = strcontains(aws_cloudfront_response_headers_policy.console.security_headers_config[0].content_security_policy[0].content_security_policy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' https://cognito-idp.eu-central-1.amazonaws.com https://atrium-dev.auth.eu-central-1.amazoncognito.com; base-uri 'none'")
    error_message = "A page runs its own scripts, and asks the API and the user pool alone."
  }

  assert {
    condition     = aws_cloudfront_response_headers_policy.console.security_headers_config[0].strict_transport_security[0].access_control_max_age_sec == 63072000 && aws_cloudfront_response_headers_policy.console.security_headers_config[0].frame_options[0].frame_option == "DENY"
    error_message = "Browsers come back by HTTPS, and frame no page."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.console.policy).Statement[0] == {
      Sid       = "CloudFrontReads"
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "arn:aws:s3:::console/*"
      Condition = { StringEquals = { "AWS:SourceArn" = "arn:aws:cloudfront::000000000000:distribution/E1" } }
    }
    error_message = "This distribution reads files, and lists none."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.console.block_public_policy && aws_s3_bucket_public_access_block.console.restrict_public_buckets
    error_message = "The bucket cannot become public."
  }

  assert {
    condition = { for key, file in aws_s3_object.file : key => [file.content_type, file.cache_control] } == {
      "console.css" = ["text/css; charset=utf-8", "no-cache"]
      "console.js"  = ["text/javascript; charset=utf-8", "no-cache"]
      "index.html"  = ["text/html; charset=utf-8", "no-cache"]
    }
    error_message = "Each file has its type, and a browser asks whether it has changed."
  }
}

run "a_domain_and_an_api_with_a_stage" {
  command = plan

  variables {
    api_url         = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/dev"
    domain          = { name = "console.example.org", certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/0a" }
    hosted_page_url = null
  }

  assert {
    condition     = alltrue([for origin in aws_cloudfront_distribution.console.origin : origin.origin_id == "files" || origin.origin_path == "/dev"])
    error_message = "The stage is part of the API's address."
  }

  assert {
    condition     = aws_cloudfront_distribution.console.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && output.console_url == "https://console.example.org/"
    error_message = "The domain has its certificate, and no old TLS."
  }
}
