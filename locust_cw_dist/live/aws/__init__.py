"""Sessions, clients and errors of AWS."""
