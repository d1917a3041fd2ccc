"""What others can do with the open mark, measured."""

from lightkeeper.evidence.watermark.auditing._open import open_mark_audit
from lightkeeper.evidence.watermark.auditing._rows import AuditRow

__all__ = ["AuditRow", "open_mark_audit"]
