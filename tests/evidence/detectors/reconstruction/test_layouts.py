from __future__ import annotations

import json

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction import read_autoencoder

pytest.importorskip("torch")
pytest.importorskip("onnx")

from lightkeeper.evidence.detectors.reconstruction.layouts import export
from lightkeeper.evidence.detectors.reconstruction.layouts._kl import diffusers_names

WIDTH = 32


def write(path, tensors, *, dtype="F32"):
    header, body = {}, b""
    for name, array in tensors.items():
        raw = array.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(raw)],
        }
        body += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


class Weights(dict):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(3)

    def add(self, key, *shape, bias=True):
        scale = np.sqrt(1 / max(1, int(np.prod(shape[1:]))))
        self[f"{key}.weight"] = (self.rng.normal(size=shape) * scale).astype(np.float32)
        if bias:
            self[f"{key}.bias"] = (self.rng.normal(size=shape[0]) * 0.1).astype(np.float32)


def tiny(*, pool):
    encoder, decoder = Weights(), Weights()

    def block(weights, key, *, pooled=False):
        for k in (0, 2, 4):
            weights.add(f"{key}.conv.{k}", 8, 8, 3, 3)
        if pooled:
            weights.add(f"{key}.pool.0", 16, 8, 1, 1, bias=False)
            weights.add(f"{key}.pool.1", 16)
            weights.add(f"{key}.pool.3", 8, 16, 1, 1, bias=False)

    encoder.add("0", 8, 3, 3, 3)
    block(encoder, "1")
    for k in (2, 4, 6):
        encoder.add(str(k), 8, 8, 3, 3, bias=False)
        block(encoder, str(k + 1), pooled=pool and k == 6)
    encoder.add("8", 4, 8, 3, 3)
    decoder.add("1", 8, 4, 3, 3)
    for k in (3, 6, 9):
        block(decoder, str(k), pooled=pool and k == 3)
        decoder.add(str(k + 2), 8, 8, 3, 3, bias=False)
    decoder.add("12", 3, 8, 3, 3)
    return encoder, decoder


def kl():
    weights = Weights()

    def resnet(key, before=WIDTH, after=WIDTH):
        weights.add(f"{key}.norm1", before)
        weights.add(f"{key}.conv1", after, before, 3, 3)
        weights.add(f"{key}.norm2", after)
        weights.add(f"{key}.conv2", after, after, 3, 3)
        if before != after:
            weights.add(f"{key}.conv_shortcut", after, before, 1, 1)

    for part, into, out in (("encoder", 3, 8), ("decoder", 4, 3)):
        wide = 2 * WIDTH
        weights.add(f"{part}.conv_in", WIDTH if part == "encoder" else wide, into, 3, 3)
        for k in (0, 1):
            resnet(f"{part}.mid_block.resnets.{k}", wide, wide)
        weights.add(f"{part}.mid_block.attentions.0.group_norm", wide)
        for name in ("to_q", "to_k", "to_v", "to_out.0"):
            weights.add(f"{part}.mid_block.attentions.0.{name}", wide, wide)
        last = wide if part == "encoder" else WIDTH
        weights.add(f"{part}.conv_norm_out", last)
        weights.add(f"{part}.conv_out", out, last, 3, 3)
    resnet("encoder.down_blocks.0.resnets.0")
    weights.add("encoder.down_blocks.0.downsamplers.0.conv", WIDTH, WIDTH, 3, 3)
    resnet("encoder.down_blocks.1.resnets.0", WIDTH, 2 * WIDTH)
    weights.add("encoder.down_blocks.1.downsamplers.0.conv", 2 * WIDTH, 2 * WIDTH, 3, 3)
    resnet("decoder.up_blocks.0.resnets.0", 2 * WIDTH, 2 * WIDTH)
    weights.add("decoder.up_blocks.0.upsamplers.0.conv", 2 * WIDTH, 2 * WIDTH, 3, 3)
    resnet("decoder.up_blocks.1.resnets.0", 2 * WIDTH, WIDTH)
    weights.add("decoder.up_blocks.1.upsamplers.0.conv", WIDTH, WIDTH, 3, 3)
    weights.add("quant_conv", 8, 8, 1, 1)
    weights.add("post_quant_conv", 4, 4, 1, 1)
    return weights


def as_ldm(weights):
    words = (
        ("mid_block.resnets.0.", "mid.block_1."),
        ("mid_block.resnets.1.", "mid.block_2."),
        ("mid_block.attentions.0.group_norm.", "mid.attn_1.norm."),
        ("mid_block.attentions.0.to_out.0.", "mid.attn_1.proj_out."),
        ("mid_block.attentions.0.to_", "mid.attn_1."),
        ("conv_shortcut", "nin_shortcut"),
        ("conv_norm_out", "norm_out"),
        ("downsamplers.0.conv", "downsample.conv"),
        ("upsamplers.0.conv", "upsample.conv"),
        ("down_blocks.", "down."),
        ("up_blocks.0.", "up.1."),
        ("up_blocks.1.", "up.0."),
        (".resnets.", ".block."),
    )
    renamed = {}
    for key, array in weights.items():
        for old, new in words:
            key = key.replace(old, new)
        pixel = "attn_1" in key and array.ndim == 2
        renamed[f"first_stage_model.{key}"] = array[..., None, None] if pixel else array
    return renamed | {"model.diffusion_model.weight": np.zeros((2, 2), np.float32)}


def reconstructed(manifest, side=64):
    batch = np.random.default_rng(1).random((3, 3, side, side), np.float32)
    return read_autoencoder(manifest).autoencoder.reconstruct(batch)


@pytest.mark.parametrize("pool", [False, True])
def test_a_pair_of_the_tiny_layout_becomes_an_entry(tmp_path, pool):
    encoder, decoder = tiny(pool=pool)
    write(tmp_path / "x_encoder.safetensors", encoder, dtype="F16")
    write(tmp_path / "x_decoder.safetensors", decoder, dtype="F16")
    manifest = export(tmp_path, tmp_path / "out", name="x", licence="MIT")
    registered = read_autoencoder(manifest)
    assert (registered.autoencoder.grid, registered.autoencoder.licence) == (8, "MIT")
    assert len(registered.autoencoder.fingerprint) == 64
    assert np.ptp(reconstructed(manifest, 72)) > 0


def test_both_namings_of_an_sd_autoencoder_give_the_same_networks(tmp_path):
    folder = tmp_path / "vae"
    folder.mkdir()
    write(folder / "diffusion_pytorch_model.safetensors", kl())
    single = write(tmp_path / "checkpoint.safetensors", as_ldm(kl()))
    one = export(folder, tmp_path / "one", name="a", licence="none stated")
    two = export(single, tmp_path / "two", name="a", licence="none stated")
    assert one.read_text() == two.read_text()
    assert read_autoencoder(one).autoencoder.grid == 4
    assert np.array_equal(reconstructed(one), reconstructed(two))


def test_one_batch_is_what_single_pictures_are(tmp_path):
    path = write(tmp_path / "x.safetensors", kl())
    manifest = export(path, tmp_path / "out", name="a", licence="none stated")
    autoencoder = read_autoencoder(manifest).autoencoder
    batch = np.random.default_rng(1).random((5, 3, 64, 64), np.float32)
    single = np.concatenate([autoencoder.reconstruct(each[None]) for each in batch])
    assert np.array_equal(autoencoder.reconstruct(batch), single)


def test_names_of_diffusers_stay_as_they_are():
    assert list(diffusers_names(kl())) == list(kl())


def test_a_missing_tensor_is_named(tmp_path):
    weights = kl()
    del weights["encoder.mid_block.resnets.1.conv2.bias"]
    del weights["encoder.mid_block.resnets.1.conv2.weight"]
    path = write(tmp_path / "x.safetensors", weights)
    with pytest.raises(InvalidConfiguration, match=r"encoder\.mid_block\.resnets\.1\.conv2"):
        export(path, tmp_path / "out", name="a", licence="none stated")


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("encoder.conv_in.weight", (WIDTH, 3, 3)),
        ("decoder.conv_norm_out.weight", (WIDTH + 1,)),
        ("decoder.mid_block.resnets.0.conv1.weight", (2 * WIDTH, WIDTH, 3, 3)),
        ("decoder.conv_out.bias", (4,)),
    ],
)
def test_a_misshapen_tensor_is_refused(tmp_path, key, shape):
    weights = kl() | {key: np.zeros(shape, np.float32)}
    path = write(tmp_path / "x.safetensors", weights)
    with pytest.raises(InvalidConfiguration, match=r"coder|shape"):
        export(path, tmp_path / "out", name="a", licence="none stated")


def test_a_tensor_that_the_layout_does_not_know_is_refused(tmp_path):
    weights = kl() | {"encoder.surprise.weight": np.zeros(3, np.float32)}
    path = write(tmp_path / "x.safetensors", weights)
    with pytest.raises(InvalidConfiguration, match="surprise"):
        export(path, tmp_path / "out", name="a", licence="none stated")


@pytest.mark.parametrize("content", [b"", b"\x80\x04}q\x00.", b"PK\x03\x04" + bytes(64)])
def test_pickles_and_other_files_are_never_opened(tmp_path, content):
    path = tmp_path / "vae.pt"
    path.write_bytes(content)
    with pytest.raises(InvalidConfiguration, match="not a safetensors file") as caught:
        export(path, tmp_path / "out", name="a", licence="none stated")
    assert "pickles" in str(caught.value.hint)


def test_a_folder_without_an_autoencoder_says_what_it_should_hold(tmp_path):
    with pytest.raises(InvalidConfiguration, match="no autoencoder of a known layout"):
        export(tmp_path, tmp_path / "out", name="a", licence="none stated")
