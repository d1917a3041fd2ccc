"""Every act on a case: checked for rights, written to the audit, in one transaction."""

from __future__ import annotations

from lightkeeper.cases.desk._custody import CustodyDesk
from lightkeeper.cases.desk._deciding import DecidingDesk
from lightkeeper.cases.desk._examining import ExaminingDesk
from lightkeeper.cases.desk._intake import IntakeDesk
from lightkeeper.cases.desk._personal import PersonalDesk
from lightkeeper.cases.desk._queues import QueueDesk
from lightkeeper.cases.desk._reading import ReadingDesk
from lightkeeper.cases.desk._undoing import UndoingDesk


class Desk(
    IntakeDesk,
    ExaminingDesk,
    QueueDesk,
    ReadingDesk,
    DecidingDesk,
    UndoingDesk,
    CustodyDesk,
    PersonalDesk,
):
    """Where people and programs work on cases.

    Every method raises :class:`lightkeeper.errors.NotPermitted` where the actor has no right to
    it, :class:`lightkeeper.errors.CaseNotFound` for an object that is not there *or* that lies in a
    queue which the actor may not see (so that guessing teaches nothing), and
    :class:`lightkeeper.errors.InvalidTransition` where the case is in another state.
    """
