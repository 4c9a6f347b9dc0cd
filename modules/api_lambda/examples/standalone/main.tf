# Nothing of Atrium but the module: a folder of zips with an OpenAPI body, in no VPC, without a database, a table or a user pool.
module "api" {
  source = "../.."

  name          = "hello-dev"
  stage         = "dev"
  functions_dir = "${path.module}/functions"
  build_dir     = "${path.module}/artefacts"
}

output "api_url" {
  description = "Address of the API: GET <api_url>/hello."
  value       = module.api.api_url
}
