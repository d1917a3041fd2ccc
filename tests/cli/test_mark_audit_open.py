"""``lightkeeper mark audit-open`` says what is left of the mark, and keeps no picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.testing import photo_like

ENTRY = Path(__file__).parents[1] / "data" / "autoencoders" / "nearest8"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(8):
        picture = Image.fromarray(photo_like(seed, width=300, height=280))
        picture.save(folder / f"{seed}.png")
    return folder


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["mark", "audit-open", *map(str, arguments)])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_rows_are_told_as_they_come_and_the_page_says_that_it_proves_nothing(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "card.html"
    code, out, _ = _run(capsys, pictures, "--through", ENTRY, "--html", page, "--json")
    assert code == 0
    rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
    assert rows["as marked"]["read"] == 1
    assert rows["as marked"]["n"] == 2
    assert rows["through the autoencoder nearest8"]["n"] == 2
    assert rows["written again with the payload: registered"]["read"] == 1
    text = page.read_text()
    assert "it proves nothing" in text
    assert "<script" not in text
    assert len(list(pictures.iterdir())) == 8


def test_too_few_or_too_small_pictures_are_refused(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(8):
        Image.fromarray(photo_like(seed, width=200, height=300)).save(tmp_path / f"{seed}.png")
    code, out, err = _run(capsys, tmp_path)
    assert code != 0
    assert not out
    assert "256 pixels a side" in err
