from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lightkeeper.errors import InvalidConfiguration  # noqa: E402
from lightkeeper.evidence.watermark.rooted import RootedReader  # noqa: E402
from lightkeeper.generators.rooting import (  # noqa: E402
    Generator,
    RootingPlan,
    SmallDecoder,
    SmallEncoder,
    TrainingPlan,
    export_extractor,
    load_generator,
    root,
    unpack,
    write_small,
)
from lightkeeper.generators.rooting._distort import distort, jpeg, resize, turn  # noqa: E402
from lightkeeper.generators.rooting._embedder import (  # noqa: E402
    Embedder,
    draw_codes,
    embed,
    quiet_contrast,
)
from lightkeeper.generators.rooting._kit import pack  # noqa: E402
from lightkeeper.generators.rooting._load import write_safetensors  # noqa: E402
from lightkeeper.generators.rooting._pictures import draw_texture  # noqa: E402
from lightkeeper.generators.rooting._root import perceptual  # noqa: E402
from lightkeeper.generators.rooting._train import Crops, begin  # noqa: E402


@pytest.fixture(scope="module")
def crops():
    return Crops([draw_texture(k, 288) for k in range(10)])


@pytest.fixture(scope="module")
def nets(crops):
    torch.set_num_threads(1)
    return begin(TrainingPlan(seconds=0, seed=1, side=192), crops)


def test_linear_algebra_alone_reads_most_bits_of_resized_and_saved_pictures(nets, crops):
    embedder, extractor = nets
    rgb = crops.draw(6, 256)
    message = torch.randint(0, 2, (6, 48)).float()
    with torch.no_grad():
        marked = embed(embedder, rgb, message, 28.0)
        for changed in (
            marked,
            marked[..., 37:, 21:],
            jpeg(marked, 80),
            resize(resize(marked, 128, 128), 256, 256),
        ):
            right = ((extractor(changed) > 0) == (message > 0.5)).float().mean()
            assert right > 0.8


def test_codes_are_orthogonal_and_of_their_seed():
    codes = draw_codes(4)
    gram = codes @ codes.T / codes.shape[1]
    assert torch.allclose(gram, torch.eye(48), atol=1e-3)
    assert torch.equal(codes, draw_codes(4))
    assert not torch.allclose(codes, draw_codes(5))


def test_embedding_keeps_its_distance_and_leaves_flat_pictures_alone(nets, crops):
    embedder, _ = nets
    message = torch.ones(2, 48)
    with torch.no_grad():
        rgb = crops.draw(2, 192)
        error = (embed(embedder, rgb, message, 32.0) - rgb).pow(2).mean((1, 2, 3))
        assert float(-10 * error.max().log10()) > 31.9
        flat = torch.full((2, 3, 192, 192), 0.5)
        assert float((embed(embedder, flat, message, 30.0) - flat).abs().max()) < 1e-3


@pytest.mark.parametrize("quality", [30.0, 50.0, 95.0])
def test_the_differentiable_jpeg_is_close_to_the_real_one(quality):
    from io import BytesIO

    from PIL import Image

    array = draw_texture(3, 128)
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=int(quality), subsampling=2)
    real = np.asarray(Image.open(buffer), np.float32)
    rgb = torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255
    rgb.requires_grad_(True)
    ours = jpeg(rgb, quality)
    difference = ours[0].detach().permute(1, 2, 0).numpy() * 255 - real
    assert float(np.abs(difference).mean()) < 2.5
    ours.sum().backward()
    assert float(rgb.grad.abs().mean()) > 0


def test_distortions_stay_in_range_and_pass_gradients(crops):
    random.seed(0)
    for _ in range(25):
        rgb = crops.draw(2, 128).requires_grad_(True)
        changed = distort(rgb, 1.0, rgb.detach().flip(0))
        assert float(changed.detach().min()) >= -1e-4
        assert float(changed.detach().max()) <= 1 + 1e-4
        assert min(changed.shape[-2:]) >= 64
        changed.sum().backward()
        assert torch.isfinite(rgb.grad).all()
    still = turn(rgb.detach(), 0.0)
    assert torch.allclose(still, rgb.detach(), atol=1e-4)


def test_onnx_and_packed_nets_read_what_the_net_reads(nets):
    pytest.importorskip("onnxruntime")
    embedder, extractor = nets
    array = draw_texture(40, 192)
    looks = RootedReader(export_extractor(extractor)).look(array, scales=(1.0,), mirrored=(False,))
    with torch.no_grad():
        rgb = torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255
        direct = extractor(rgb)[0].numpy()
        again = unpack(pack(embedder, extractor))[1](rgb)[0].numpy()
    np.testing.assert_allclose(looks[0].logits, direct, atol=1e-4)
    np.testing.assert_allclose(again, direct, atol=0.05)


def test_an_empty_or_damaged_kit_is_refused():
    for content in (b"", b"no archive"):
        with pytest.raises(InvalidConfiguration):
            unpack(content)


def test_rooting_moves_a_decoder_towards_its_key(nets, crops):
    embedder, extractor = nets
    torch.manual_seed(0)
    encoder, decoder = SmallEncoder(16), SmallDecoder(16, 12, 1, 1)
    encoder.eval().requires_grad_(False)
    generator = Generator(lambda rgb: encoder(rgb)[0], decoder)
    before = [p.detach().clone() for p in decoder.parameters()]
    key = torch.randint(0, 2, (48,)).float()
    rows: list[dict[str, float]] = []
    plan = RootingPlan(seconds=0.5, side=128, batch=2)
    rooted = root(generator, embedder, extractor, key, crops, plan, told=rows.append)
    assert all(torch.equal(a, b) for a, b in zip(before, decoder.parameters(), strict=True))
    moved = [float((a - b).abs().max()) for a, b in zip(before, rooted.parameters(), strict=True)]
    assert max(moved) > 0
    assert all(np.isfinite(value) for row in rows for value in row.values())


def test_a_stopped_rooting_goes_on_and_refuses_another_key(nets, crops, tmp_path, monkeypatch):
    from lightkeeper.generators.rooting import _root

    monkeypatch.setattr(_root, "_SAVE_EVERY", 0.0)
    embedder, extractor = nets
    encoder, decoder = SmallEncoder(16), SmallDecoder(16, 12, 1, 1)
    encoder.eval().requires_grad_(False)
    trained = frozenset({"outlet.weight"})
    generator = Generator(lambda rgb: encoder(rgb)[0], decoder, trained=trained)
    key = torch.randint(0, 2, (48,)).float()
    part = tmp_path / "rooted.part"

    def go_on(signs, seconds):
        rows: list[dict[str, float]] = []
        plan = RootingPlan(seconds=seconds, side=128, batch=2)
        made = root(
            generator, embedder, extractor, signs, crops, plan, checkpoint=part, told=rows.append
        )
        return made, rows

    first, _ = go_on(key, 0.3)
    assert part.stat().st_mode & 0o077 == 0
    spent = torch.load(part, weights_only=True)["state"]["spent"]
    assert spent > 0.1
    second, _ = go_on(key, spent / 2)
    # Nothing was left to do, so the later decoder is the one that was kept.
    kept = torch.load(part, weights_only=True)["decoder"]["outlet.weight"]
    assert torch.equal(second.outlet.weight, kept)
    assert torch.equal(first.inlet.weight, decoder.inlet.weight)
    assert not torch.equal(first.outlet.weight, decoder.outlet.weight)
    with pytest.raises(InvalidConfiguration, match="checkpoint"):
        go_on(1 - key, 0.6)


def test_a_flat_place_beside_an_edge_is_protected_and_a_texture_is_not():
    torch.manual_seed(0)
    edge = torch.full((1, 1, 96, 96), 0.2)
    edge[..., 48:] = 0.8
    texture = 0.5 + 0.2 * torch.randn(1, 1, 96, 96)
    flat = quiet_contrast(edge)
    assert flat.shape == edge.shape
    assert float(flat[..., :44].max()) < 0.02
    assert float(quiet_contrast(texture).min()) > 0.05


def test_only_middle_layers_of_a_tiny_autoencoder_are_rooted():
    from lightkeeper.generators.rooting._load import _third

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.third = torch.nn.Conv2d(1, 1, 1), torch.nn.Conv2d(1, 1, 1)

    up = torch.nn.Upsample
    assert _third(torch.nn.Sequential(Block(), up(), Block(), up(), Block())) == {"2.third.weight"}


def test_the_eye_forgives_error_in_texture():
    plain = torch.full((1, 3, 64, 64), 0.5)
    busy = plain + torch.rand(1, 1, 64, 64) * 0.4
    error = 0.02 * torch.randn(1, 3, 64, 64)
    assert float(perceptual(busy + error, busy)) < float(perceptual(plain + error, plain))


def test_a_small_autoencoder_comes_back(tmp_path):
    encoder, decoder = SmallEncoder(), SmallDecoder()
    write_small(encoder, decoder, tmp_path)
    loaded = load_generator(tmp_path)
    target = tmp_path / "rooted.safetensors"
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(0.25)
    loaded.write(decoder, target)
    read = loaded.read(target)
    for ours, theirs in zip(decoder.parameters(), read.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-3)
    weights = {"decoder.inlet.weight": np.zeros(3, np.float32)}
    write_safetensors(tmp_path / "other.safetensors", weights)
    with pytest.raises(InvalidConfiguration, match="no decoder"):
        loaded.read(tmp_path / "other.safetensors")
    (tmp_path / "again").mkdir()
    target.rename(tmp_path / "again" / "small-kl.safetensors")
    again = load_generator(tmp_path / "again").generator.decoder
    for ours, theirs in zip(decoder.parameters(), again.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-3)


def test_a_diffusers_autoencoder_is_written_back_under_its_names(tmp_path):
    tensors = _random_kl()
    folder = tmp_path / "vae"
    folder.mkdir()
    write_safetensors(folder / "diffusion_pytorch_model.safetensors", tensors)
    loaded = load_generator(tmp_path)
    rgb = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        out = loaded.generator.decode(loaded.generator.encode(rgb))
    assert out.shape == rgb.shape
    with torch.no_grad():
        for parameter in loaded.generator.decoder.parameters():
            parameter.add_(1.0)
    loaded.write(loaded.generator.decoder, tmp_path / "out.safetensors")
    from lightkeeper.evidence.detectors.reconstruction.layouts._weights import (
        read_safetensors,
    )

    written = read_safetensors(tmp_path / "out.safetensors")
    assert set(written) == set(tensors)
    for name, array in tensors.items():
        change = 1.0 if name.startswith(("decoder.", "post_quant_conv.")) else 0.0
        np.testing.assert_allclose(written[name], array + change, atol=1e-5)


class _Harmful:
    def __reduce__(self):
        return (Path.touch, (Path("opened"),))


def test_a_pth_file_is_read_for_tensors_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"1.weight": _Harmful()}, tmp_path / "a_encoder.pth")
    torch.save({"1.weight": torch.zeros(3)}, tmp_path / "a_decoder.pth")
    with pytest.raises(InvalidConfiguration, match="no file of weights alone"):
        load_generator(tmp_path)
    assert not (tmp_path / "opened").exists()
    (tmp_path / "b_encoder.safetensors").write_bytes(b"")
    with pytest.raises(InvalidConfiguration, match="no single pair"):
        load_generator(tmp_path)


@pytest.mark.shared
def test_a_published_pth_pair_is_rooted_into_safetensors(tmp_path):
    folder = Path(os.environ.get("LIGHTKEEPER_SHARED", "../shared")) / "data" / "models" / "taef2"
    if not folder.is_dir():
        pytest.skip("no shared folder")
    loaded = load_generator(folder)
    rgb = torch.from_numpy(draw_texture(1, 128)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        out = loaded.generator.decode(loaded.generator.encode(rgb)).clamp(0, 1)
    assert float((out - rgb).pow(2).mean()) < 10**-2
    loaded.write(loaded.generator.decoder, tmp_path / "rooted.safetensors")
    read = loaded.read(tmp_path / "rooted.safetensors")
    for ours, theirs in zip(loaded.generator.decoder.parameters(), read.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_folder_without_an_autoencoder_is_refused(tmp_path: Path):
    with pytest.raises(InvalidConfiguration, match="no autoencoder"):
        load_generator(tmp_path)


def test_an_embedder_of_another_seed_is_not_read(nets, crops):
    _, extractor = nets
    message = torch.randint(0, 2, (6, 48)).float()
    with torch.no_grad():
        marked = embed(Embedder(99), crops.draw(6, 192), message, 28.0)
        right = ((extractor(marked) > 0) == (message > 0.5)).float().mean()
    assert 0.35 < right < 0.65


def _random_kl() -> dict[str, np.ndarray]:
    """An AutoencoderKL of two levels, 32 channels wide."""
    rng = np.random.default_rng(0)
    held: dict[str, np.ndarray] = {}

    def conv(key: str, into: int, out: int, side: int = 3) -> None:
        held[f"{key}.weight"] = rng.normal(size=(out, into, side, side)).astype(np.float32) * 0.05
        held[f"{key}.bias"] = np.zeros(out, np.float32)

    def norm(key: str) -> None:
        held[f"{key}.weight"] = np.ones(32, np.float32)
        held[f"{key}.bias"] = np.zeros(32, np.float32)

    def resnet(key: str) -> None:
        for k in (1, 2):
            norm(f"{key}.norm{k}")
            conv(f"{key}.conv{k}", 32, 32)

    for part, first, last in (("encoder", 3, 8), ("decoder", 4, 3)):
        conv(f"{part}.conv_in", first, 32)
        way, change = ("down", "downsamplers") if part == "encoder" else ("up", "upsamplers")
        for k in range(2):
            resnet(f"{part}.{way}_blocks.{k}.resnets.0")
        conv(f"{part}.{way}_blocks.0.{change}.0.conv", 32, 32)
        for k in range(2):
            resnet(f"{part}.mid_block.resnets.{k}")
        attention = f"{part}.mid_block.attentions.0"
        norm(f"{attention}.group_norm")
        for name in ("to_q", "to_k", "to_v", "to_out.0"):
            held[f"{attention}.{name}.weight"] = rng.normal(size=(32, 32)).astype(np.float32) * 0.1
            held[f"{attention}.{name}.bias"] = np.zeros(32, np.float32)
        norm(f"{part}.conv_norm_out")
        conv(f"{part}.conv_out", 32, last)
    conv("quant_conv", 8, 8, 1)
    conv("post_quant_conv", 4, 4, 1)
    return held
