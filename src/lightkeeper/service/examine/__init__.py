"""Examining uploads in processes of their own, from memory, for the review service."""

from lightkeeper.service.examine._pool import Examined, ExaminerPool

__all__ = ["Examined", "ExaminerPool"]
