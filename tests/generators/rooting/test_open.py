"""The open mark in a decoder: it is read again, survives its file, and can be taken out."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark.lattice import read
from lightkeeper.testing import photo_like

torch = pytest.importorskip("torch")

from lightkeeper.generators.rooting import load_generator  # noqa: E402
from lightkeeper.generators.rooting._train import Crops  # noqa: E402
from lightkeeper.generators.rooting.open_mark import (  # noqa: E402
    read_open,
    root_open,
    write_open,
)
from lightkeeper.generators.rooting.open_mark._outlet import outlet_of, with_outlet  # noqa: E402

_PAYLOAD = 0x5A17C0DE1E55


@pytest.fixture(scope="module")
def rooted():
    folder = resources.files("lightkeeper.generators") / "rooting" / "demonstration"
    loaded = load_generator(Path(str(folder)))
    crops = Crops([photo_like(seed, width=256, height=256) for seed in range(8)])
    rows = []
    decoder = root_open(
        loaded.generator, _PAYLOAD, crops, seconds=12, batch=2, side=128, told=rows.append
    )
    assert rows[-1]["error"] < 1
    return loaded, decoder


def _decoded(loaded, decoder) -> np.ndarray:
    rgb = torch.from_numpy(photo_like(20, width=250, height=240)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        out = loaded.generator.decode(loaded.generator.encode(rgb[..., :240]), decoder)
    return (out.clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy().astype(np.uint8)


def test_decoded_pictures_carry_the_mark(rooted):
    loaded, decoder = rooted
    reading = read(_decoded(loaded, decoder))
    assert reading is not None
    assert reading.payload == _PAYLOAD
    assert read(_decoded(loaded, loaded.generator.decoder)) is None


def test_it_is_the_same_after_its_file(rooted, tmp_path):
    loaded, decoder = rooted
    write_open(loaded, decoder, tmp_path / "rooted.safetensors")
    again = read_open(loaded, tmp_path / "rooted.safetensors")
    assert np.array_equal(_decoded(loaded, again), _decoded(loaded, decoder))


def test_without_the_constants_it_is_the_original_decoder(rooted, tmp_path):
    loaded, decoder = rooted
    write_open(loaded, decoder, tmp_path / "rooted.safetensors")
    again = read_open(loaded, tmp_path / "rooted.safetensors")
    outlet_of(again).constants.zero_()
    assert np.array_equal(_decoded(loaded, again), _decoded(loaded, loaded.generator.decoder))


def test_a_file_without_the_mark_is_refused(rooted):
    loaded, _ = rooted
    with pytest.raises(InvalidConfiguration, match="no open mark"):
        read_open(loaded, loaded.source)


def test_a_decoder_that_ends_otherwise_is_refused():
    with pytest.raises(InvalidConfiguration, match="no convolution"):
        with_outlet(torch.nn.Sequential(torch.nn.ReLU()), 1)
    with pytest.raises(InvalidConfiguration, match="does not give a picture"):
        with_outlet(torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3)), 1)


def test_a_decoder_that_ends_at_full_size_is_marked_at_any_side():
    decoder = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 1), torch.nn.Conv2d(8, 3, 3, 1, 1))
    latent = torch.randn(1, 4, 70, 133)
    with torch.no_grad():
        before = decoder(latent)
        outlet = with_outlet(decoder, _PAYLOAD)
        change = decoder(latent) - before
    assert outlet.factor == 1
    assert change.shape == (1, 3, 70, 133)
    assert torch.allclose(change[0, 0], change[0, 1], atol=1e-6)
    strength = change[0, 0, :61, :61] / outlet.constants
    assert float(strength.median()) > 0
