"""What is sent to CloudWatch: datums, batches, limits, retries, and the ledger of it."""
