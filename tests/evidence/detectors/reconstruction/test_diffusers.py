"""Every class of diffusers autoencoder, small and with random weights that diffusers makes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction import read_autoencoder

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("diffusers")

import diffusers
import torch
from tests.evidence.detectors.reconstruction.test_layouts import as_ldm, write

from lightkeeper.evidence.detectors.reconstruction.layouts import export

pytestmark = pytest.mark.filterwarnings("ignore")
BLOCKS = ("DownEncoderBlock2D", "UpDecoderBlock2D")


def plain(count, **more):
    return {
        "block_out_channels": (16, 32, 32, 32)[:count],
        "down_block_types": BLOCKS[:1] * count,
        "up_block_types": BLOCKS[1:] * count,
        "norm_num_groups": 8,
    } | more


FILM = {"base_dim": 8, "z_dim": 4, "dim_mult": [1, 2, 2, 2], "num_res_blocks": 1}
DC = {
    "latent_channels": 8, "attention_head_dim": 8,
    "encoder_block_types": ("ResBlock", "EfficientViTBlock", "EfficientViTBlock"),
    "decoder_block_types": ("ResBlock", "EfficientViTBlock", "EfficientViTBlock"),
    "encoder_block_out_channels": (16, 32, 32), "decoder_block_out_channels": (16, 32, 32),
    "encoder_layers_per_block": (1, 1, 1), "decoder_layers_per_block": (1, 1, 1),
    "encoder_qkv_multiscales": ((), (), (5,)), "decoder_qkv_multiscales": ((), (), (5,)),
}  # fmt: skip
TINY = {
    "encoder_block_out_channels": (16,) * 4, "decoder_block_out_channels": (16,) * 4,
    "num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4,
}  # fmt: skip
ASYMMETRIC = {
    "down_block_types": BLOCKS[:1] * 3, "down_block_out_channels": (16, 32, 32),
    "up_block_types": BLOCKS[1:] * 3, "up_block_out_channels": (16, 32, 48),
    "norm_num_groups": 16,
}  # fmt: skip
CLASSES = {
    "kl of 8 groups": ("AutoencoderKL", plain(4), 8),
    "kl without quant": (
        "AutoencoderKL",
        plain(3, use_quant_conv=False, use_post_quant_conv=False, latent_channels=16),
        4,
    ),
    "tiny": ("AutoencoderTiny", TINY, 8),
    "dc": ("AutoencoderDC", DC, 4),
    "asymmetric": ("AsymmetricAutoencoderKL", ASYMMETRIC, 4),
    "vq": ("VQModel", plain(3, num_vq_embeddings=32), 4),
    "qwen image": ("AutoencoderKLQwenImage", FILM, 8),
    "wan": ("AutoencoderKLWan", FILM, 8),
    "flux 2": ("AutoencoderKLFlux2", plain(4, layers_per_block=1), 8),
}


def made(folder, name):
    kind, configuration, grid = CLASSES[name]
    torch.manual_seed(1)
    model = getattr(diffusers, kind)(**configuration).eval()
    model.save_pretrained(folder)
    return model, grid


def by_diffusers(model, batch):
    """The round trip as its user writes it down."""
    pixels = torch.from_numpy(batch * 2 - 1)
    film = any(part in type(model).__name__ for part in ("Qwen", "Wan"))
    with torch.no_grad():
        encoded = model.encode(pixels[:, :, None] if film else pixels)
        latent = (
            encoded.latent_dist.mode()
            if hasattr(encoded, "latent_dist")
            else getattr(encoded, "latents", None)
        )
        decoded = model.decode(encoded.latent if latent is None else latent).sample
    return np.clip((decoded[:, :, 0] if film else decoded).numpy() / 2 + 0.5, 0, 1)


@pytest.mark.parametrize("name", CLASSES)
def test_an_entry_reconstructs_what_the_class_of_diffusers_does(tmp_path, name):
    model, grid = made(tmp_path / "vae", name)
    done = export(tmp_path, tmp_path / "out", name="ours", licence="MIT")
    autoencoder = read_autoencoder(done.manifest).autoencoder
    assert (done.kind, done.grid, autoencoder.grid) == (type(model).__name__, grid, grid)
    # A size that the export was not made or compared with.
    batch = np.random.default_rng(2).random((2, 3, 80, 112), np.float32)
    assert np.abs(autoencoder.reconstruct(batch) - by_diffusers(model, batch)).max() < 1e-3


def test_names_of_ldm_give_what_diffusers_makes_of_the_same_weights(tmp_path):
    torch.manual_seed(3)
    model = diffusers.AutoencoderKL(**plain(3, block_out_channels=(32, 64, 64), norm_num_groups=32))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    path = write(tmp_path / "checkpoint.safetensors", as_ldm(weights, levels=3))
    done = export(path, tmp_path / "out", name="a", licence="none stated")
    batch = np.random.default_rng(2).random((1, 3, 64, 80), np.float32)
    ours = read_autoencoder(done.manifest).autoencoder.reconstruct(batch)
    assert done.kind == "LDM"
    assert np.abs(ours - by_diffusers(model.eval(), batch)).max() < 1e-3


def test_weights_of_another_configuration_are_refused(tmp_path):
    made(tmp_path / "vae", "kl of 8 groups")
    configuration = tmp_path / "vae" / "config.json"
    document = json.loads(configuration.read_text())
    document["layers_per_block"] = 2
    configuration.write_text(json.dumps(document))
    with pytest.raises(InvalidConfiguration, match=r"missing keys|cannot load"):
        export(tmp_path / "vae", tmp_path / "out", name="a", licence="MIT")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"_class_name": "UNet2DModel"}, "no autoencoder UNet2DModel"),
        ({"_class_name": "AutoencoderOobleck"}, "weights are not those"),
        ({"norm_num_groups": 7}, "cannot load"),
        ({"block_out_channels": "many"}, "cannot load"),
        ({"block_out_channels": {"a": 1}}, "cannot load"),
        ({"in_channels": 1}, "cannot load|weights are not those|takes no picture"),
    ],
)
def test_a_configuration_that_is_wrong_is_a_typed_error(tmp_path, change, words):
    made(tmp_path / "vae", "kl of 8 groups")
    configuration = tmp_path / "vae" / "config.json"
    configuration.write_text(json.dumps(json.loads(configuration.read_text()) | change))
    with pytest.raises(InvalidConfiguration, match=words):
        export(tmp_path / "vae", tmp_path / "out", name="a", licence="MIT")


def test_a_folder_without_its_weights_is_a_typed_error(tmp_path):
    made(tmp_path / "vae", "tiny")
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(InvalidConfiguration, match="cannot load"):
        export(tmp_path / "vae", tmp_path / "out", name="a", licence="MIT")
