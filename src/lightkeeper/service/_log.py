"""The log of the service: one JSON object a line, without anything that is sensitive."""

from __future__ import annotations

import logging

import structlog

_NAME = "lightkeeper.service"

log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    logging.getLogger(_NAME),
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(sort_keys=True),
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
)
"""Say an event's name and fields that are counts, codes or identifiers: never a name, a text, a
hash, a path that a client wrote, or the message of an error that may quote one."""
