"""Content credentials: what an unsigned file and a signed one cost, beside c2pa-python alone."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable

import c2pa
from PIL import Image

from lightkeeper.evidence.provenance import ProvenanceExaminer, Trust
from lightkeeper.labelling import sign_generated
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like, signing_credentials

REPEATS = 101
SIDE = 1000


def run() -> str:
    credentials = signing_credentials()
    unsigned = _draw()
    signed = sign_generated(
        open_media(unsigned),
        certificate_chain_pem=credentials.chain_pem,
        private_key_pem=credentials.key_pem,
        generator="Umbrella painter",
    ).content
    examiner = ProvenanceExaminer(trust=Trust(anchors=credentials.anchors_pem))
    context = c2pa.Context.from_dict(
        {
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
            "trust": {"trust_anchors": credentials.anchors_pem},
        }
    )
    scanned = open_media(unsigned)
    scanned.embedded()
    rows = [
        ("unsigned, container read already", lambda: examiner.examine(scanned), unsigned),
        ("unsigned, from bytes", lambda: examiner.examine(open_media(unsigned)), unsigned),
        ("signed, from bytes", lambda: examiner.examine(open_media(signed)), signed),
    ]
    return "\n".join(
        [
            "## Content credentials",
            "",
            f"A JPEG of {SIDE} x {SIDE} pixels; wall time, median of {REPEATS} runs.",
            "",
            "| milliseconds | Lightkeeper | c2pa-python alone |",
            "| --- | --- | --- |",
            *(
                f"| {name} | {_median(examine):.3f} | {_median(_alone(content, context)):.3f} |"
                for name, examine, content in rows
            ),
            "",
        ]
    )


def _draw() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo_like(1, width=SIDE, height=SIDE)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _alone(content: bytes, context: c2pa.Context) -> Callable[[], object]:
    def read() -> object:
        try:
            with c2pa.Reader("image/jpeg", io.BytesIO(content), context=context) as reader:
                return reader.json()
        except c2pa.C2paError:
            return None

    return read


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    print(run())
