from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration, MissingExtra
from lightkeeper.evidence.detectors.reconstruction import read_autoencoder

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from lightkeeper.evidence.detectors.reconstruction.layouts import _diffusers, _export, export
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


def as_ldm(weights, *, levels=2):
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
        *((f"up_blocks.{k}.", f"up.{levels - 1 - k}.") for k in range(levels)),
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
@pytest.mark.parametrize("kind", ["safetensors", "pth"])
def test_a_pair_of_the_tiny_layout_becomes_an_entry(tmp_path, pool, kind):
    for part, weights in zip(("encoder", "decoder"), tiny(pool=pool), strict=True):
        path = tmp_path / f"x_{part}.{kind}"
        if kind == "pth":
            torch.save({k: torch.from_numpy(v).half() for k, v in weights.items()}, path)
        else:
            write(path, weights, dtype="F16")
    done = export(tmp_path, tmp_path / "out", name="x", licence="MIT")
    registered = read_autoencoder(done.manifest)
    assert (registered.autoencoder.grid, registered.autoencoder.licence) == (8, "MIT")
    assert len(registered.autoencoder.fingerprint) == 64
    assert np.ptp(reconstructed(done.manifest, 72)) > 0
    assert done.kind == "TAESD"
    assert done.difference < 1e-4


def test_one_batch_is_what_single_pictures_are(tmp_path):
    path = write(tmp_path / "x.safetensors", as_ldm(kl()))
    manifest = export(path, tmp_path / "out", name="a", licence="none stated").manifest
    autoencoder = read_autoencoder(manifest).autoencoder
    batch = np.random.default_rng(1).random((5, 3, 64, 64), np.float32)
    single = np.concatenate([autoencoder.reconstruct(each[None]) for each in batch])
    assert np.array_equal(autoencoder.reconstruct(batch), single)


def test_names_of_diffusers_stay_as_they_are():
    assert list(diffusers_names(kl())) == list(kl())


@pytest.mark.parametrize("name", ["x.safetensors", "diffusion_pytorch_model.safetensors"])
def test_weights_of_diffusers_without_their_configuration_are_refused(tmp_path, name):
    # Only it says how many groups are normalised; guessing 32 was off by up to .84.
    path = write(tmp_path / name, kl())
    for source in (path, tmp_path) if name.startswith("diff") else (path,):
        with pytest.raises(InvalidConfiguration, match=r"config\.json") as caught:
            export(source, tmp_path / "out", name="a", licence="none stated")
        assert "groups" in str(caught.value.hint)
    assert not (tmp_path / "out").exists()


def test_a_missing_tensor_is_named(tmp_path):
    weights = kl()
    del weights["encoder.mid_block.resnets.1.conv2.bias"]
    del weights["encoder.mid_block.resnets.1.conv2.weight"]
    path = write(tmp_path / "x.safetensors", as_ldm(weights))
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
    path = write(tmp_path / "x.safetensors", as_ldm(weights))
    with pytest.raises(InvalidConfiguration, match=r"coder|shape"):
        export(path, tmp_path / "out", name="a", licence="none stated")


def test_a_tensor_that_the_layout_does_not_know_is_refused(tmp_path):
    weights = as_ldm(kl() | {"encoder.surprise.weight": np.zeros(3, np.float32)})
    path = write(tmp_path / "x.safetensors", weights)
    with pytest.raises(InvalidConfiguration, match="surprise"):
        export(path, tmp_path / "out", name="a", licence="none stated")


class _Runs:
    """An object that leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_a_pickle_that_is_more_than_weights_is_refused_and_not_run(tmp_path, kind):
    path, trace = tmp_path / "vae.pth", tmp_path / "trace"
    if kind == "torch":
        torch.save({"encoder.conv_in.weight": _Runs(trace)}, path)
    else:
        path.write_bytes(pickle.dumps(_Runs(trace)))
    with pytest.raises(InvalidConfiguration, match="weights alone") as caught:
        export(path, tmp_path / "out", name="a", licence="none stated")
    assert "pickles can run code" in str(caught.value.hint)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04}q\x00.", b"PK\x03\x04" + bytes(64)])
@pytest.mark.parametrize("name", ["vae.pt", "vae.safetensors"])
def test_what_is_no_file_of_weights_is_refused(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    words = "safetensors file" if name.endswith("safetensors") else "weights alone|table of tensors"
    with pytest.raises(InvalidConfiguration, match=rf"{words}|no numbers|lacks the tensor"):
        export(path, tmp_path / "out", name="a", licence="none stated")


def test_a_file_of_torch_with_something_else_in_it_is_refused(tmp_path):
    buffer = io.BytesIO()
    torch.save([torch.zeros(3)], buffer)
    (tmp_path / "vae.pth").write_bytes(buffer.getvalue())
    with pytest.raises(InvalidConfiguration, match="no table of tensors"):
        export(tmp_path / "vae.pth", tmp_path / "out", name="a", licence="none stated")


def test_a_folder_without_an_autoencoder_says_what_it_should_hold(tmp_path):
    with pytest.raises(InvalidConfiguration, match="no autoencoder of a known layout"):
        export(tmp_path, tmp_path / "out", name="a", licence="none stated")


def test_an_export_that_differs_from_the_original_is_not_written(tmp_path, monkeypatch):
    path = write(tmp_path / "x.safetensors", as_ldm(kl()))
    right = _export._write

    def wrong(network, example, file, source):
        with torch.no_grad():
            next(network.parameters()).mul_(1.05)
        right(network, example, file, source)

    monkeypatch.setattr(_export, "_write", wrong)
    with pytest.raises(InvalidConfiguration, match=r"differs from the original by up to 0\.\d+"):
        export(path, tmp_path / "out", name="a", licence="none stated")
    assert not (tmp_path / "out").exists()


def deep_configuration(tmp_path, text):
    folder = tmp_path / "vae"
    folder.mkdir()
    (folder / "config.json").write_bytes(text)
    return folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "config.json"),
        (b"[" * 100_000, "config.json"),
        (b"[1]", "no object"),
        (b'{"_class_name": 3}', "names no class"),
        (b'{"_class_name": "os.system"}', "names no class"),
        (b'{"a": [[100000000000]], "_class_name": "AutoencoderKL"}', "larger than any"),
        (b'{"_class_name": "ConsistencyDecoderVAE"}', "draws noise"),
        (b" " * (1 << 20) + b"{}", "larger than any configuration"),
    ],
)
def test_a_hostile_configuration_is_refused_before_anything_is_built(tmp_path, text, words):
    folder = deep_configuration(tmp_path, text)
    with pytest.raises(InvalidConfiguration, match=words):
        export(folder, tmp_path / "out", name="a", licence="none stated")


def test_without_diffusers_the_extra_is_named(tmp_path, monkeypatch):
    folder = deep_configuration(tmp_path, b'{"_class_name": "AutoencoderKL"}')

    def absent(name):
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(_diffusers.importlib, "import_module", absent)
    with pytest.raises(MissingExtra) as caught:
        export(folder, tmp_path / "out", name="a", licence="none stated")
    assert caught.value.extra == "detect-diffusers"
