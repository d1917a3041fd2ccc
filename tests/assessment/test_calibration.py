from __future__ import annotations

from pathlib import Path

import pytest

from lightkeeper.assessment import Calibration
from lightkeeper.assessment._calibration import FORGEABLE
from lightkeeper.errors import InvalidConfiguration


def test_every_shipped_bound_has_a_reason_and_forgeable_ones_stay_moderate() -> None:
    calibration = Calibration.load()
    assert calibration.bounds
    for bound in calibration.bounds:
        assert bound.reason.endswith(".")
        if bound.basis in FORGEABLE:
            assert bound.log10_lr <= calibration.forgeable_cap < 2


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        'id = "x"',
        'id = "x"\ndescription = "y"\nforgeable_cap = 3.0\nbound = []',
        'id = "x"\ndescription = "y"\nforgeable_cap = 1\n[[bound]]\nid="a"\nclaim="nonsense"\n'
        'basis="asserted"\nlog10_lr=1\nreason="r"',
    ],
)
def test_an_unusable_calibration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration, match="calibration"):
        Calibration.load(path)


def test_a_missing_calibration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="cannot read"):
        Calibration.load(tmp_path / "absent.toml")
