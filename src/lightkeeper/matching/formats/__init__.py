"""Exchange formats of hash lists."""
