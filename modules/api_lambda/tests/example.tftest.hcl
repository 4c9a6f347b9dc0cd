# The README's example. Planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

run "readme_example" {
  command = plan

  module {
    source = "./examples/basic"
  }
}

run "standalone" {
  command = plan

  module {
    source = "./examples/standalone"
  }
}
