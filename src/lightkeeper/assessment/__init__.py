"""What the findings mean together."""
