"""What is known of a file's origin, on one line of text that machines and people can read.

The CyberTipline can say of a file only ``generativeAi``, and only that it is so. Tool, model, marks
and statistics, matches, conflicts, who says so and what was not examined have no field: they
are this block, in ``additionalInfo``. ``docs/reference/ai-evidence.md`` describes it.
"""

from lightkeeper.reporting.ai_evidence._block import SCHEMA, AiEvidence
from lightkeeper.reporting.ai_evidence._gather import gather
from lightkeeper.reporting.ai_evidence._text import ai_evidence, json_schema, read_ai_evidence

__all__ = ["SCHEMA", "AiEvidence", "ai_evidence", "gather", "json_schema", "read_ai_evidence"]
