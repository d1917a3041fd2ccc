"""``lightkeeper provenance``: what content credentials say, and whether they hold."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._inputs import source_of
from lightkeeper.cli._rows import file_rows, write_rows
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._times import AT_HELP, time_option
from lightkeeper.evidence.provenance import ManifestState, Trust, read_manifest
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(add_completion=False)

_STATES = {
    ManifestState.TRUSTED: "trusted: intact, and the signer is known",
    ManifestState.LAPSED: "lapsed: intact, and the signer was known; the certificate is not valid",
    ManifestState.VALID: "valid: intact, but nobody vouches for the signer",
    ManifestState.INVALID: "invalid: does not hold",
    ManifestState.NONE: "no content credentials",
    ManifestState.REMOTE: "remote: names a manifest elsewhere, not fetched",
    ManifestState.UNREADABLE: "unreadable",
}


@app.command()
def provenance(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Images; '-' is one on stdin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line per file.")] = False,
    trust_anchors: Annotated[
        Path | None,
        typer.Option(help="PEM bundle of certificates that signers are traced to."),
    ] = None,
    at: Annotated[
        datetime.datetime | None,
        typer.Option(parser=time_option, metavar="TIME", help=AT_HELP),
    ] = None,
) -> None:
    """Read and validate C2PA content credentials. Nothing is ever fetched."""
    settings = load_settings()
    anchors = trust_anchors or settings.trust_anchors
    trust = Trust.from_file(anchors) if anchors else None
    limits = settings.media_limits()

    def examine(file: str) -> dict[str, Any]:
        media = open_media(source_of(file, limits), name=file, limits=limits)
        row: dict[str, Any] = to_plain(read_manifest(media, trust=trust, at=at))
        return row

    rows = _with_state(file_rows(files, examine))
    raise typer.Exit(write_rows(rows, as_json=as_json, render=_render))


def _with_state(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if "error" in row:
            yield {"file": row["file"], "state": "unreadable", "claims": [], **row}
        else:
            yield row


def _render(row: dict[str, Any]) -> str:
    lines = [f"{row['file']}: {_STATES[ManifestState(row['state'])]}"]
    lines += _signature(row)
    lines += [f"  says       {_claim(claim)}" for claim in row["claims"]]
    lines += [f"  mark       {b['algorithm']} = {b['value']}" for b in row["soft_bindings"]]
    mining = row["training_and_data_mining"]
    lines += [f"  training   {kind}: {use}" for kind, use in mining.items()]
    lines += [f"  failed     {_code(failure)}" for failure in _failed(row)]
    lines += [f"  odd        {_code(notice)}" for notice in row["notices"]]
    lines += _ingredients(row)
    if row["remote_url"]:
        lines.append(f"  address    {row['remote_url']}")
    if row["problem"]:
        lines.append(f"  because    {_code(row['problem'])}")
    return "\n".join(lines)


def _signature(row: dict[str, Any]) -> Iterator[str]:
    signer = row["signer"]
    if row["claim_generators"]:
        yield f"  generator  {', '.join(_software(g) for g in row['claim_generators'])}"
    if signer:
        names = dict.fromkeys(filter(None, (signer["issuer"], signer["common_name"])))
        at = f", {signer['time']} (time stamp {signer['time_stamp']})" if signer["time"] else ""
        yield f"  signer     {' / '.join(names) or 'unnamed'}, {signer['algorithm']}{at}"
    if row["checks"]:
        yield from _checks(row["checks"])


def _checks(checks: dict[str, Any]) -> Iterator[str]:
    found = checks["certificate"]
    yield f"  bytes      intact: {checks['bytes_intact']}"
    yield f"  signature  verifies: {checks['signature_verifies']}"
    yield f"  issuer     trusted: {checks['issuer_trusted']}"
    lasts = f"{found['not_before']} to {found['not_after']}" if found["not_after"] else "not read"
    by = {"time-stamp": "a trusted time stamp", "verification": "the time of verification"}
    when = f"{found['judged_at']}, {by[found['judged_by']]}"
    yield f"  certificate {found['status']} at {when} ({lasts})"
    if found["claimed_time"]:
        inside = {True: "within", False: "outside", None: "beside an unknown"}
        where = f"{inside[found['claimed_within']]} its validity"
        yield f"    claimed  {found['claimed_time']}, {where}; nobody vouches for it"
    for reason in found["reasons"]:
        yield f"    because  {reason}"
    if found["purposes"]:
        yield f"    purposes {', '.join(found['purposes'])}"


def _claim(claim: dict[str, Any]) -> str:
    where = {"active": "", "parent": ", of what it was made from", "component": ", of a part"}
    agent = f" by {_software(claim['software_agent'])}" if claim["software_agent"] else ""
    holds = "" if claim["intact"] else " [does not hold]"
    told = claim["digital_source_type"] or "in words: " + (claim["description"] or "its agent")
    place = claim["action"] or claim["stated_in"]
    what = f"{place}, {told}{where[claim['relation']]}"
    return f"{claim['claim']}{agent} ({what}){holds}"


def _ingredients(row: dict[str, Any]) -> Iterator[str]:
    for manifest in row["manifests"]:
        for ingredient in manifest["ingredients"]:
            yield f"  ingredient {ingredient['title'] or 'untitled'} ({ingredient['relationship']})"
            for failure in _failed(ingredient):
                yield f"    failed   {_code(failure)}"


def _failed(row: dict[str, Any]) -> list[dict[str, Any]]:
    # An unknown signer and a lapsed certificate are told already.
    told = (".untrusted", ".expired")
    return [f for f in row["failures"] if not f["code"].endswith(told)]


def _software(software: dict[str, Any]) -> str:
    version = f" {software['version']}" if software["version"] else ""
    return f"{software['name']}{version}"


def _code(code: dict[str, Any]) -> str:
    return f"{code['code']}: {code['explanation']}" if code["explanation"] else str(code["code"])
