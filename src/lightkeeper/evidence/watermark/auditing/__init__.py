"""What others can do with the open mark and the keyed one, measured."""

from lightkeeper.evidence.watermark.auditing._open import open_mark_audit
from lightkeeper.evidence.watermark.auditing._removal import removal_audit
from lightkeeper.evidence.watermark.auditing._rows import AuditRow

__all__ = ["AuditRow", "open_mark_audit", "removal_audit"]
