from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from lightkeeper.evidence.watermark.auditing import AuditRow  # noqa: E402
from lightkeeper.evidence.watermark.rooted import MarkKey, RootedReader  # noqa: E402
from lightkeeper.generators.rooting import (  # noqa: E402
    Generator,
    SmallDecoder,
    SmallEncoder,
    TrainingPlan,
    export_extractor,
)
from lightkeeper.generators.rooting._embedder import embed  # noqa: E402
from lightkeeper.generators.rooting._pictures import draw_texture  # noqa: E402
from lightkeeper.generators.rooting._train import Crops, begin  # noqa: E402
from lightkeeper.generators.rooting.audit import (  # noqa: E402
    Subject,
    _attacks,
    _run,
    audit,
    copied_share,
)


class _Marks(torch.nn.Module):
    """A decoder that hands its input on, marked where it is told to."""

    def __init__(self, embedder=None, message=None) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.ones(1, 3, 1, 1))
        self.bias = torch.nn.Parameter(torch.zeros(3))
        self.embedder = (embedder,)
        self.message = message

    def forward(self, rgb):
        rgb = rgb * self.gain + self.bias.view(1, 3, 1, 1)
        if self.message is None:
            return rgb
        return embed(self.embedder[0], rgb, self.message.expand(len(rgb), -1), 28.0)


@pytest.fixture(scope="module")
def subject():
    torch.set_num_threads(1)
    crops = Crops([draw_texture(k, 288) for k in range(10)])
    embedder, extractor = begin(TrainingPlan(seconds=0, seed=1, side=192), crops)
    embedder.requires_grad_(False)
    message = torch.randint(0, 2, (1, 48)).float()
    bits = np.packbits(message[0].numpy().astype(np.uint8)).tobytes()
    return Subject(
        generator=Generator(lambda rgb: rgb, _Marks()),
        rooted=_Marks(embedder, message),
        second=_Marks(embedder, 1 - message),
        key=MarkKey(label="copy", bits=bits),
        reader=RootedReader(export_extractor(extractor)),
        pictures=[draw_texture(50 + k, 260) for k in range(4)],
        photographs=[draw_texture(60 + k, 128) for k in range(6)],
        others={"plain": Generator(lambda rgb: rgb, _Marks())},
        alpha=1e-3,
    ), crops


@pytest.fixture(scope="module")
def rows(subject):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_run, "STEPS", (1, 2))
        return {row.name: row for row in audit(*subject)}


def test_it_tells_a_marking_decoder_from_the_original(rows):
    assert rows["as it is"].bits > 0.85
    assert rows["as it is"].read > 0.5
    assert rows["the original decoder"].read == 0
    # Whatever sits outside the weights stays.
    assert rows["weights of 8 bits"].bits > 0.85


def test_every_attack_of_the_plan_has_a_row(rows):
    wanted = (
        "constants", "fine-tuned", "weights of", "merged", "copied: mean of 1",
        "copied: mean of 6", "mean of 6 taken off", "a second copy's mark on top",
        "through another autoencoder, plain", "half filled", "half of another",
    )  # fmt: skip
    for name in wanted:
        assert any(row.startswith(name) for row in rows), name
    for row in rows.values():
        assert row.n == 4
        assert row.low <= row.read <= row.high
        assert 0 <= row.bits <= 1


def test_the_second_copy_takes_the_first_ones_place(rows):
    assert rows["a second copy's mark on top"].bits < rows["as it is"].bits


def test_what_an_earlier_run_has_is_left_out(subject, rows, monkeypatch):
    monkeypatch.setattr(_run, "STEPS", (1, 2))
    done = set(rows) - {"half filled with its mean"}
    left = list(audit(*subject, done=done))
    assert [row.name for row in left] == ["half filled with its mean"]
    assert left[0] == rows["half filled with its mean"]


def test_the_share_of_copies_is_the_upper_limit_of_the_worst():
    row = AuditRow.of("copied: mean of 1", [False] * 20, 0.5)
    worse = AuditRow.of("copied: mean of 5", [True] + [False] * 19, 0.5)
    other = AuditRow.of("as it is", [True] * 20, 1.0)
    assert row.high == pytest.approx(0.1684, abs=1e-3)
    assert copied_share([row, worse, other]) == worse.high
    assert copied_share([other]) is None


def test_weights_are_changed_as_the_names_say():
    one, two = SmallDecoder(16, 12, 1, 1), SmallDecoder(16, 12, 1, 1)
    half = _attacks.merged(one, two, 0.5)
    for mixed, a, b in zip(half.parameters(), one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(mixed, (a + b) / 2, atol=1e-6)
    coarse = _attacks.quantised(one, 4)
    assert len(coarse.inlet.weight.unique()) <= 15
    assert not any(
        p.any() for n, p in _attacks.constants_zero(one).named_parameters() if "bias" in n
    )
    back = _attacks.constants_back(one, two)
    assert torch.equal(back.inlet.bias, two.inlet.bias)
    assert torch.equal(back.inlet.weight, one.inlet.weight)


def test_fine_tuning_leaves_the_decoder_it_was_given_alone():
    torch.manual_seed(0)
    encoder, decoder = SmallEncoder(16), SmallDecoder(16, 12, 1, 1)
    encoder.eval().requires_grad_(False)
    before = decoder.inlet.weight.detach().clone()
    crops = Crops([draw_texture(1, 200)])
    generator = Generator(lambda rgb: encoder(rgb)[0], decoder)
    tuned = list(_attacks.fine_tuned(decoder, generator, crops, (1, 2)))
    assert len(tuned) == 2
    assert torch.equal(decoder.inlet.weight, before)
    assert not torch.equal(tuned[-1].inlet.weight, before)
