from __future__ import annotations

import base64
import io
import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import OutputError
from lightkeeper.evidence import Tier
from lightkeeper.scan import SCHEMA, ScanRow
from lightkeeper.scan._html import HtmlReport
from lightkeeper.scan._jsonl import JsonLines
from lightkeeper.scan._parquet import Parquet
from lightkeeper.scan._report_rows import ReportRows
from lightkeeper.scan._row import json_line

HOSTILE = "</script><script>alert('umbrella')</script><!-- \u2028 \ud800 \x1b[2J &amp; "


def row(file: str = "a.png", text: str = "a red umbrella") -> ScanRow:
    details = {"tool": "a1111", "model_name": text, "positive_prompt": text, "raw": text}
    finding = {
        "claim": "parameters",
        "basis": "asserted",
        "summary": text,
        "examiner": "metadata",
        "version": "1",
        "source": "png:tEXt:parameters",
        "supports": "generated",
        "log10_lr": None,
        "p_value": 1e-9,
        "tests": 8,
        "null_size": 700,
        "calibration": None,
        "details": details,
        "limits": ["anyone-can-write"],
    }
    weight = {
        "finding": 0,
        "supports": "generated",
        "log10_lr": 1.5,
        "rule": "x",
        "reason": "Text.",
        "counted": True,
    }
    assessment = {
        "origin": "generated",
        "strength": "moderate support",
        "log10_lr": 1.5,
        "weights": [weight],
        "conflicts": [{"code": "size-mismatch", "summary": "Sizes differ.", "findings": [0]}],
        "not_examined": [{"examiner": "rivagan", "reason": "Not installed."}],
        "routing": {"priority": 50, "needs": ["person-decides"], "reasons": ["A reason."]},
    }
    digests = {n: n for n in ("md5", "sha1", "sha256", "blake3")} | {"size_bytes": 9}
    return ScanRow(
        file=file,
        format="png",
        width=3,
        height=2,
        digests=digests,
        pdq={"hash": "00", "quality": 100, "variant": "fast"},
        findings=[finding],
        assessment=assessment,
    )


def failed() -> ScanRow:
    return ScanRow.failed("b.png", "timeout", "It took more than 1 s.")


@given(
    st.recursive(st.text() | st.integers(), lambda s: st.lists(s) | st.dictionaries(st.text(), s))
)
def test_a_json_line_is_one_line_of_valid_utf8(value: Any) -> None:
    line = json_line(value)
    assert "\n" not in line
    assert line.encode()
    json.loads(line)


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    assert json.loads(json_line("a\ud800b")) == "a\ufffdb"


def test_a_name_that_is_no_text_can_be_opened_again(tmp_path: Path) -> None:
    named = row("caf\udce9.png", HOSTILE)
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines.add(named)
    lines.add(failed())
    lines.finish()
    odd, plain = map(json.loads, stream.getvalue().splitlines())
    assert odd["file"] == "caf\ufffd.png"
    assert base64.b64decode(odd["file_bytes"]) == b"caf\xe9.png"
    assert plain["file_bytes"] is None
    table = Parquet(tmp_path / "rows.parquet")
    table.add(named)
    table.finish()
    (stored,) = pyarrow.parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert stored["file_bytes"] == odd["file_bytes"]
    assert ReportRows().shorten(named)["file"] == "caf\\xe9.png"


def test_a_row_survives_the_way_from_a_worker() -> None:
    sent = row("caf\udce9.png", HOSTILE)
    assert ScanRow.from_wire(sent.to_wire()) == sent


@pytest.mark.parametrize("message", [b"", b"[]", b'{"file": "a", "colour": 1}', b"\x80\x04."])
def test_what_is_no_row_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ScanRow.from_wire(message)


def test_json_lines_name_their_schema_and_leave_pictures_out() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines.add(ScanRow(file="a.png", thumbnail="AAAA", explanation="words"))
    lines.add(failed())
    lines.finish()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["schema"] == second["schema"] == SCHEMA
    assert not {"thumbnail", "explanation"} & set(first)
    assert second["error"] == {"code": "timeout", "message": "It took more than 1 s."}


def test_parquet_keeps_every_value_flat_and_findings_whole(tmp_path: Path) -> None:
    table_file = tmp_path / "rows.parquet"
    output = Parquet(table_file)
    output.add(row("a.png", HOSTILE))
    output.add(failed())
    assert not table_file.exists()
    output.finish()
    table = pyarrow.parquet.read_table(table_file)
    assert table.schema.metadata[b"lightkeeper.schema"] == SCHEMA.encode()
    first, second = table.to_pylist()
    assert (first["file"], first["origin"], first["strength"]) == (
        "a.png",
        "generated",
        "moderate support",
    )
    assert (first["tools"], first["conflicts"]) == (["a1111"], ["size-mismatch"])
    assert first["log10_lr"] == 1.5
    [finding] = first["findings"]
    assert finding["p_value"] == 1e-9
    assert json.loads(finding["details"])["tool"] == "a1111"
    assert (second["status"], second["error_code"], second["findings"]) == ("error", "timeout", [])


def test_parquet_writes_row_groups_as_they_fill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightkeeper.scan._parquet._GROUP_ROWS", 10)
    output = Parquet(tmp_path / "rows.parquet")
    for number in range(25):
        output.add(row(f"{number}.png"))
    output.finish()
    file = pyarrow.parquet.ParquetFile(tmp_path / "rows.parquet")
    assert file.metadata.num_row_groups == 3
    assert file.metadata.num_rows == 25


@pytest.mark.parametrize("kind", ["html", "parquet"])
def test_an_abandoned_output_leaves_nothing_and_keeps_what_was_there(
    tmp_path: Path, kind: str
) -> None:
    target = tmp_path / f"result.{kind}"
    target.write_text("earlier")
    output = Parquet(target) if kind == "parquet" else HtmlReport(target, tier=Tier.BYTES)
    output.add(row())
    output.abandon()
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "earlier"


@pytest.mark.parametrize("make", [Parquet, lambda p: HtmlReport(p, tier=Tier.BYTES), JsonLines])
def test_an_output_that_cannot_be_written_says_so_at_once(tmp_path: Path, make: Any) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        make(tmp_path / "absent" / "result")


def report(tmp_path: Path, *rows: ScanRow) -> str:
    target = tmp_path / "report.html"
    output = HtmlReport(target, tier=Tier.PIXELS)
    for one in rows:
        output.add(one)
    output.finish()
    return target.read_text(encoding="utf-8")


def test_hostile_text_never_becomes_markup(tmp_path: Path) -> None:
    page = report(tmp_path, row(f"{HOSTILE}.png", HOSTILE))
    assert page.count("</script>") == page.count("<script") == 3
    assert "<!--" not in page
    blocks = re.findall(
        r'<script type="application/json" class="rows">(.*?)</script>', page, re.DOTALL
    )
    [shown] = json.loads(blocks[0])
    assert shown["findings"][0]["prompts"][0][1] == HOSTILE.replace("\ud800", "\ufffd")


def test_the_policy_admits_this_script_and_style_and_no_request(tmp_path: Path) -> None:
    page = report(tmp_path, row())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for part in ("style", "script"):
        [text] = re.findall(rf"<{part}>(.*?)</{part}>", page, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    assert "http" not in page.replace("http-equiv", "")
    assert " style=" not in page


ATTRIBUTION = {
    "origin": "generated",
    "family": "diffusion",
    "generator": "Stable Diffusion 1",
    "standing": "claimed",
    "reason": "Named by something that anyone can write; nobody vouches for it.",
    "candidates": [],
    "decoders": [{"autoencoder": "bicycle-vae", "p_value": 1e-5, "findings": [0]}],
}


def told(page: str) -> list[str]:
    """The sentences about the generator that a report's only row points to."""
    rows = re.findall(r'class="rows">(.*?)</script>', page, re.DOTALL)
    shared = re.findall(r'id="shared">(.*?)</script>', page, re.DOTALL)
    sentences = json.loads(shared[0])["sentences"]
    return [sentences[place] for place in json.loads(rows[0])[0].get("generator", [])]


def test_a_report_tells_a_named_generator_from_a_measured_decoder(tmp_path: Path) -> None:
    assert told(report(tmp_path, replace(row(), attribution=ATTRIBUTION))) == [
        "Generator: Stable Diffusion 1. "
        "Named by something that anyone can write; nobody vouches for it.",
        "It came through the decoder bicycle-vae (measured).",
        "No generator follows from that: edits and upscalers go through decoders too.",
    ]


def test_a_report_says_unknown_where_nothing_names_a_generator(tmp_path: Path) -> None:
    unknown = {**ATTRIBUTION, "generator": None, "reason": "Nothing names a generator."}
    page = report(tmp_path, replace(row(), attribution={**unknown, "decoders": []}))
    assert told(page) == ["Generator: unknown. Nothing names a generator."]


def test_a_generators_name_is_as_hostile_as_any_text(tmp_path: Path) -> None:
    page = report(tmp_path, replace(row(), attribution={**ATTRIBUTION, "generator": HOSTILE}))
    assert page.count("</script>") == page.count("<script") == 3
    assert HOSTILE.replace("\ud800", "\ufffd") in told(page)[0]


def test_long_prompts_are_cut_and_sentences_are_kept_once(tmp_path: Path) -> None:
    page = report(tmp_path, *(row(f"{n}.png", "umbrella " * 5_000) for n in range(200)))
    assert page.count("Not installed.") == 1
    assert len(page) < 200 * 8_000


def test_a_report_holds_pictures_only_where_they_were_asked_for(tmp_path: Path) -> None:
    assert "base64," not in re.sub(
        r"<script>.*?</script>", "", report(tmp_path, row()), flags=re.DOTALL
    )
