output "instance_id" {
  description = "Id of the instance, the target of a Session Manager tunnel."
  value       = aws_instance.this.id
}

output "public_ip" {
  description = "Public IP address of the bastion, which stays the same when the instance is replaced."
  value       = aws_eip.this.public_ip
}

output "security_group_id" {
  description = "Security group of the instance, for the database's ingress rule."
  value       = aws_security_group.this.id
}
