"""Generation parameters and source declarations that a file carries."""
