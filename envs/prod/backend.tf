# The bucket comes from the command line, made by envs/bootstrap:
# terraform init -backend-config="bucket=…" -backend-config="region=…"
terraform {
  backend "s3" {
    key          = "prod/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
