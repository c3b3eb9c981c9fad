"""What is asked and answered: documents in, documents out."""
