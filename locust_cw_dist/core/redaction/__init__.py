"""Text from anywhere, made fit to group by and to pass on."""
