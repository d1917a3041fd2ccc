"""The JSON API, for programs and for pages."""

from lightkeeper.service.api._routes import api_routes

__all__ = ["api_routes"]
