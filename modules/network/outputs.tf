output "dynamodb_prefix_list_id" {
  description = "Prefix list of DynamoDB's addresses in this region, for egress rules."
  value       = aws_vpc_endpoint.dynamodb.prefix_list_id
}

output "nat_public_ips" {
  description = "Zone => public address of its NAT gateway; empty when nat is none."
  value       = { for zone, address in aws_eip.nat : zone => address.public_ip }
}

output "private_route_table_ids" {
  description = "Zone => id of its private route table."
  value       = { for zone, table in aws_route_table.private : zone => table.id }
}

output "private_subnet_ids" {
  description = "Zone => id of its private subnet."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
}

output "public_subnet_ids" {
  description = "Zone => id of its public subnet."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }

  # Whoever stands in one gets an address, which AWS refuses before the gateway is attached.
  depends_on = [aws_route.public_internet]
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3's addresses in this region, for egress rules."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "vpc_cidr" {
  description = "IPv4 range of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}
