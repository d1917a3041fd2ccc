"""The CyberTipline report: its elements, its rules beyond the schema, and its XML."""
