"""What a report says in words: how the material arose, texts, prompts and models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.cases.record import Arising, Case
from lightkeeper.reporting.ai_evidence import ai_evidence
from lightkeeper.reporting.cybertipline._decided import Decided
from lightkeeper.reporting.cybertipline._subject import subject_said
from lightkeeper.reporting.cybertipline._words import facts_said, quoted

ARISINGS: Final = {
    Arising.UPLOADED: "The material was uploaded to the reporter's service.",
    Arising.GENERATED_OUTPUT: "The material is the output of a generative model that the "
    "reporter runs or serves.",
    Arising.TRAINING_DATA_FIND: "The material was found in data for training a model. Nothing "
    "here says that it was generated.",
    Arising.PROMPT_ONLY: "What is reported is a prompt or text. No picture is known to exist.",
    Arising.MODEL_FILE: "What is reported concerns the file of a generative model.",
}
_LONGEST: Final = 200_000
_TEXT_KINDS: Final = (ItemKind.PROMPT, ItemKind.TEXT, ItemKind.MODEL)


def account(case: Case, decided: Iterable[Decided], *, note: str) -> str:
    """The report's ``additionalInfo``, with a block of evidence for each text and model."""
    said = [f"{ARISINGS[case.arising]} ({case.arising.value})"]
    if note.strip():
        said.append(f"The reporter's note:\n{quoted(note)}")
    if (subject := subject_said(case.subject)) is not None:
        said.append(subject)
    texts = [each for each in decided if each.item.kind in _TEXT_KINDS]
    room = _LONGEST - sum(map(len, said))
    for number, each in enumerate(texts, 1):
        part = "\n".join(_text(each, number, case.arising))
        if len(part) > room:
            said.append(
                f"{len(texts) - number + 1:,} more texts did not fit; the reporter has them."
            )
            break
        said.append(part)
        room -= len(part)
    return "\n\n".join(said)


def _text(decided: Decided, number: int, arising: Arising) -> Iterator[str]:
    item: Item = decided.item
    yield f"{item.kind.value.capitalize()} {number}:"
    if item.text:
        yield quoted(item.text)
    if (rest := facts_said(item.facts)) is not None:
        yield rest
    yield ai_evidence(item, decided.decision, arising=arising)
