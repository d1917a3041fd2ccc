"""``lightkeeper mark keygen|root|detect|identify``: the marks of those who hold a secret file."""

from __future__ import annotations

import sys
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from lightkeeper.cli._rows import file_rows, write_rows
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import InvalidConfiguration, MissingExtra, OutputError
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.keyed import LatticeKey
    from lightkeeper.evidence.watermark.rooted import (
        Look,
        MarkKey,
        MarkSecret,
        RootedReader,
    )

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_Secret = Annotated[Path, typer.Argument(metavar="SECRET", help="Encrypted secret file.")]
_Passphrase = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", metavar="FILE", help="First line is the passphrase; else it is asked."
    ),
]
_Alpha = Annotated[
    float, typer.Option(min=0, max=0.1, help="Chance per file of a mark where there is none.")
]
_Thorough = Annotated[
    bool,
    typer.Option("--thorough", help="Look closely at every size and turn, at six times the time."),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON line per file.")]


@app.command()
def keygen(
    secret: _Secret,
    labels: Annotated[list[str], typer.Argument(metavar="LABEL...", help="One per copy.")],
    trained: Annotated[
        Path | None,
        typer.Option(
            "--trained", metavar="FOLDER", help="Make SECRET from a trained extractor (torch)."
        ),
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="Make SECRET from the published extractor.")
    ] = False,
    photographs: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Unmarked photographs, to calibrate each key on; 100 at least."
        ),
    ] = None,
    keyed: Annotated[
        bool,
        typer.Option(
            "--keyed", help="Keys of the keyed mark, for 'mark embed'; SECRET may be new."
        ),
    ] = False,
    passphrase_file: _Passphrase = None,
) -> None:
    """Draw keys, calibrate them, and keep them in the secret file."""
    from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret, calibrated_keys

    if keyed:
        if trained is not None or demonstration or photographs is not None:
            raise InvalidConfiguration("keys of the keyed mark need no extractor and no pictures")
        _draw_lattice(secret, labels, passphrase_file)
        return
    passphrase = asked_passphrase(passphrase_file, new=trained is not None or demonstration)
    if trained is not None or demonstration:
        if secret.exists():
            raise OutputError(f"{secret} exists", hint="A new extractor cannot read older marks.")
        held = _demonstration() if trained is None else _from_training(trained, secret.stem)
    else:
        held = MarkSecret.open(secret, passphrase)
    keys = held.keys
    looks = [] if photographs is None else _unmarked(held, photographs)
    for label in labels:
        keys = (*keys, MarkKey.draw(label, keys, looks=looks))
    if photographs is not None:
        keys = calibrated_keys(keys, looks)
    msgspec.structs.replace(held, keys=keys).write(secret, passphrase)
    sys.stderr.write(f"{secret}: {len(keys)} keys. Keep it and its passphrase apart, and secret.\n")


def _draw_lattice(secret: Path, labels: list[str], passphrase_file: Path | None) -> None:
    from lightkeeper.evidence.watermark.keyed import LatticeKey
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    is_new = not secret.exists()
    passphrase = asked_passphrase(passphrase_file, new=is_new)
    held = MarkSecret(name=secret.stem) if is_new else MarkSecret.open(secret, passphrase)
    keys = held.lattice
    for label in labels:
        keys = (*keys, LatticeKey.draw(label, keys))
    msgspec.structs.replace(held, lattice=keys).write(secret, passphrase)
    sys.stderr.write(
        f"{secret}: {len(keys)} keys of the keyed mark. Keep it and its passphrase apart, and "
        "secret: whoever has both can mark any picture.\n"
    )


@app.command("root")
def root_decoder(
    secret: _Secret,
    autoencoder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the autoencoder.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Of the key.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Safetensors file to write.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Processor time.")] = 4.0,
    psnr: Annotated[float, typer.Option(min=20, max=50, help="Distance, in dB.")] = 31.5,
    side: Annotated[int, typer.Option(min=128, help="Pixels of a training crop.")] = 192,
    batch: Annotated[int, typer.Option(min=1, help="Pictures per step.")] = 4,
    passphrase_file: _Passphrase = None,
) -> None:
    """Teach a decoder to mark all that it decodes. Needs the extra 'train'."""
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    if out.exists():
        raise OutputError(f"{out} exists")
    held = MarkSecret.open(secret, asked_passphrase(passphrase_file))
    key = mark_key(held, label)
    try:
        from lightkeeper.generators.rooting._command import root_file
    except ImportError as error:
        raise MissingExtra("rooting a mark", extra="train") from error
    trial = root_file(
        held.training, key, reader_of(held), autoencoder, out,
        seconds=minutes * 60, psnr=psnr, side=side, batch=batch, told=_progress,
    )  # fmt: skip
    read = f"{trial.found} of {trial.pictures} drawn pictures, as decoded"
    if trial.holds:
        sys.stderr.write(
            f"{out}: rooted. The mark of '{label}' is found in {read}, with {trial.matches:.1f} of "
            f"48 bits; {trial.psnr:.1f} dB from the original.\n"
        )
        return
    raise OutputError(
        f"{out}: not yet rooted. The mark of '{label}' is found in {read}, with "
        f"{trial.matches:.1f} of 48 bits; {trial.psnr:.1f} dB from the original",
        hint=f"call the same command with more --minutes than {minutes:g}: it goes on from "
        f"{out.name}.part",
    )


@app.command("detect")
def detect_rooted(
    secret: _Secret,
    files: Annotated[list[str], typer.Argument(metavar="FILE...")],
    alpha: _Alpha = 1e-6,
    thorough: _Thorough = False,
    as_json: _Json = False,
    passphrase_file: _Passphrase = None,
) -> None:
    """Say which keys' marks files carry, of rooted and of keyed ones."""
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    held = MarkSecret.open(secret, asked_passphrase(passphrase_file))
    if not held.keys and not held.lattice:
        raise InvalidConfiguration(f"{secret} holds no key", hint="lightkeeper mark keygen")
    reader = reader_of(held) if held.keys else None
    examine = partial(_detect, held=held, reader=reader, alpha=alpha, thorough=thorough)
    raise typer.Exit(write_rows(file_rows(files, examine), as_json=as_json, render=_told))


@app.command("identify")
def identify_copy(
    secret: _Secret,
    files: Annotated[list[str], typer.Argument(metavar="FILE...")],
    alpha: _Alpha = 1e-6,
    thorough: _Thorough = False,
    as_json: _Json = False,
    passphrase_file: _Passphrase = None,
) -> None:
    """Say which copy of a model made files: one, two that were mixed, or none."""
    held, _ = held_secret(secret, passphrase_file)
    examine = partial(
        _identify, reader=reader_of(held), keys=held.keys, alpha=alpha, thorough=thorough
    )
    raise typer.Exit(write_rows(file_rows(files, examine), as_json=as_json, render=_named))


def held_secret(secret: Path, passphrase_file: Path | None) -> tuple[MarkSecret, bytes]:
    """What a secret file with keys holds, and its passphrase."""
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    passphrase = asked_passphrase(passphrase_file)
    held = MarkSecret.open(secret, passphrase)
    if not held.keys:
        raise InvalidConfiguration(f"{secret} holds no key", hint="lightkeeper mark keygen")
    return held, passphrase


def reader_of(held: MarkSecret) -> RootedReader:
    """The extractor of a secret, ready to look."""
    from lightkeeper.evidence.watermark.rooted import RootedReader

    return RootedReader(held.extractor)


def asked_passphrase(path: Path | None, *, new: bool = False) -> bytes:
    """The first line of a file, or what is typed."""
    if path is None:
        if not sys.stdin.isatty():
            raise InvalidConfiguration("no passphrase", hint="--passphrase-file FILE")
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new)).encode()
    from lightkeeper.evidence.watermark.rooted import read_passphrase

    return read_passphrase(path)


def mark_key(held: MarkSecret, label: str) -> MarkKey:
    """The key with a label."""
    found = next((key for key in held.keys if key.label == label), None)
    if found is None:
        known = ", ".join(key.label for key in held.keys) or "none"
        raise InvalidConfiguration(f"no key '{label}'", hint=f"known: {known}")
    return found


def _from_training(folder: Path, name: str) -> MarkSecret:
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    try:
        from lightkeeper.generators.rooting._command import trained_nets
    except ImportError as error:
        raise MissingExtra("making an extractor's file", extra="train") from error
    extractor, training = trained_nets(folder)
    return MarkSecret(name=name, extractor=extractor, training=training)


def _demonstration() -> MarkSecret:
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    folder = resources.files("lightkeeper.generators") / "rooting" / "demonstration"
    return MarkSecret(
        name="demonstration",
        extractor=(folder / "extractor.onnx").read_bytes(),
        training=(folder / "kit.npz").read_bytes(),
        demonstration=True,
    )


def _unmarked(held: MarkSecret, folder: Path) -> list[Look]:
    reader = reader_of(held)
    limits = load_settings().media_limits()
    looks: list[Look] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        looks += reader.look(open_media(path, limits=limits).rgb())
    return looks


def _progress(row: dict[str, float]) -> None:
    if sys.stderr.isatty():
        # Bits of distorted training pictures: far from all are right where a mark works well.
        sys.stderr.write(
            f"\r{row['seconds']:5.0f} s  {row['psnr']:.1f} dB  "
            f"{row['bits']:.2f} of the bits of distorted pictures"
        )


def _detect(
    file: str, *, held: MarkSecret, reader: RootedReader | None, alpha: float, thorough: bool
) -> dict[str, Any]:
    from lightkeeper.evidence.watermark.rooted import detect

    # Two readers share the chance of a mark where there is none.
    alpha = alpha / 2 if reader and held.lattice else alpha
    marks: list[dict[str, Any]] = []
    if reader:
        marks += [
            {
                "label": r.label, "matches": r.matches, "z": round(r.z, 3), "p_value": r.p_value,
                "tests": r.tests, "scale": r.scale, "mirrored": r.mirrored, "turn": r.turn,
                "null_size": r.null_size, "present": r.present,
            }
            for r in detect(_looks(file, reader, held.keys, thorough), held.keys, alpha=alpha)
        ]  # fmt: skip
    return {"marks": marks + _keyed_rows(file, held.lattice, alpha)}


def _keyed_rows(file: str, keys: tuple[LatticeKey, ...], alpha: float) -> list[dict[str, Any]]:
    if not keys:
        return []
    from lightkeeper.evidence.watermark.keyed import KeyedPattern, read_keyed

    rgb = open_media(file, limits=load_settings().media_limits()).rgb()
    readings = read_keyed(rgb, [KeyedPattern.of(key.key) for key in keys], alpha=alpha)
    rows: list[dict[str, Any]] = []
    for key, found in zip(keys, readings, strict=True):
        row: dict[str, Any] = {"label": key.label, "keyed": True, "present": found is not None}
        if found is not None:
            payload = None if found.payload is None else f"{found.payload:012x}"
            row |= {
                "payload": payload, "z": round(found.score, 3), "p_value": found.p_value,
                "tests": found.tests, "scale": round(found.scale, 4), "rotation": found.rotation,
                "mirrored": found.flipped,
            }  # fmt: skip
        rows.append(row)
    return rows


def _looks(
    file: str, reader: RootedReader, keys: tuple[MarkKey, ...], thorough: bool
) -> tuple[Look, ...]:
    rgb = open_media(file, limits=load_settings().media_limits()).rgb()
    return reader.search(rgb, keys, thorough=thorough)


def _told(row: dict[str, Any]) -> str:
    if not row["marks"]:
        return f"{row['file']}: too small to carry a rooted mark"
    present = [m for m in row["marks"] if m["present"]]
    if not present:
        tests = sum({m["tests"] for m in row["marks"] if "tests" in m})
        return f"{row['file']}: no mark of these keys found" + (
            f" ({tests} tests)" if tests else ""
        )
    return "\n".join(f"{row['file']}: {_carried(m)}" for m in present)


def _carried(mark: dict[str, Any]) -> str:
    chance = f"p {mark['p_value']:.1e} after {mark['tests']} tests"
    if mark.get("keyed"):
        payload = mark["payload"]
        told = "its payload is not legible" if payload is None else f"payload {payload}"
        return f"carries the keyed mark '{mark['label']}' ({told}, {chance})"
    calibrated = "" if mark["null_size"] else "; key is not calibrated"
    return f"carries '{mark['label']}' ({mark['matches']} of 48 bits, {chance}{calibrated})"


def _identify(
    file: str, *, reader: RootedReader, keys: tuple[MarkKey, ...], alpha: float, thorough: bool
) -> dict[str, Any]:
    from lightkeeper.evidence.watermark.rooted import identify

    looks = _looks(file, reader, keys, thorough)
    found = identify(looks, keys, alpha=alpha)
    if found is None:
        return {"copies": [], "candidates": len(keys), "too_small": True}
    return {
        "copies": [keys[k].label for k in found.copies],
        "p_values": list(found.p_values),
        "candidates": found.candidates,
        "tests": found.tests,
    }


def _named(row: dict[str, Any]) -> str:
    if row.get("too_small"):
        return f"{row['file']}: too small to carry a rooted mark"
    copies = row["copies"]
    if not copies:
        return f"{row['file']}: none of {row['candidates']} copies"
    if len(copies) == 2:
        return f"{row['file']}: two copies mixed, '{copies[0]}' and '{copies[1]}'"
    return f"{row['file']}: copy '{copies[0]}' of {row['candidates']} (p {row['p_values'][0]:.1e})"
