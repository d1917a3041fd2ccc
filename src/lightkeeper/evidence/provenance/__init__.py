"""C2PA content credentials."""
