output "queue_url" {
  description = "Queue from which the consumer receives the events."
  value       = aws_sqs_queue.events.url
}
