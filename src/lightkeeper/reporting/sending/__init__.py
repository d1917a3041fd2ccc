"""Sending reports: a person confirms, a worker sends, and one finished report is the end.

Needs the extra ``service``, for HTTP.
"""

from lightkeeper.reporting.sending._answer import Answer, Verdict
from lightkeeper.reporting.sending._client import CyberTipline
from lightkeeper.reporting.sending._config import ReceiverConfig, is_loopback
from lightkeeper.reporting.sending._patience import Patience
from lightkeeper.reporting.sending._receiver import Receiver
from lightkeeper.reporting.sending._report_desk import Prepare, ReportDesk

__all__ = [
    "Answer",
    "CyberTipline",
    "Patience",
    "Prepare",
    "Receiver",
    "ReceiverConfig",
    "ReportDesk",
    "Verdict",
    "is_loopback",
]
