"""The service: look-ups for other programs over HTTP."""
