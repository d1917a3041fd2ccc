"""Pages for people."""

from lightkeeper.service.pages._routes import page_routes

__all__ = ["page_routes"]
