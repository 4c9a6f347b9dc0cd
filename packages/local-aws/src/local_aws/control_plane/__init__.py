"""moto in process: the control plane that Terraform and boto3 see."""
