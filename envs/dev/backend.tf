# The bucket, made by envs/bootstrap, comes from the command line: `make plan` takes it from .env.
terraform {
  backend "s3" {
    key          = "dev/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
