"""The open mark."""
