"""What speaks HTTP and AWS's protocols, and the control API beside them."""
