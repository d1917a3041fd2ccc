"""The typed form of generation parameters, whatever tool wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Details

if TYPE_CHECKING:
    from collections.abc import Mapping

Number = int | float


@dataclass(frozen=True, slots=True)
class ModelHash:
    """A hash of a model file as a tool wrote it; ``kind`` is one of ``autov1``, ``autov2``,
    ``autov3``, ``sha256``, ``blake3`` or ``unknown``.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A LoRA, embedding, hypernetwork, VAE, ControlNet or upscaler that took part."""

    kind: str
    name: str
    weight: Number | None = None
    hashes: tuple[ModelHash, ...] = ()
    version_id: str | None = None
    image: str | None = None
    """Name of an input picture (ControlNet, pose, IP-Adapter)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRecord(Details):
    """Parameters of one generation, as one tool wrote them in one place.

    Absent values are ``None``; numbers keep the tool's own form (an ``int`` stays an ``int``).
    Anything may have been written by anyone: a record is an assertion, not a proof.
    """

    tool: str
    """Stable id: ``a1111``, ``forge``, ``reforge``, ``sd-next``, ``civitai``, ``comfyui`` …"""
    tool_version: str | None = None
    carrier: str
    """Where it was found, such as ``png:tEXt:parameters`` or ``exif:UserComment``."""
    positive_prompt: str | None = None
    negative_prompt: str | None = None
    """What was *not* wanted: never evidence of a wish."""
    seed: Number | str | None = None
    steps: Number | None = None
    sampler: str | None = None
    scheduler: str | None = None
    guidance_scale: Number | None = None
    width: int | None = None
    height: int | None = None
    model_name: str | None = None
    model_hash: str | None = None
    """The checkpoint's hash exactly as the tool wrote it; by kind in ``model_hashes``."""
    model_hashes: tuple[ModelHash, ...] = ()
    vae: Resource | None = None
    loras: tuple[Resource, ...] = ()
    embeddings: tuple[Resource, ...] = ()
    hypernetworks: tuple[Resource, ...] = ()
    controls: tuple[Resource, ...] = ()
    """ControlNet, pose, T2I-Adapter and IP-Adapter inputs."""
    refiner: Resource | None = None
    upscaling: Mapping[str, str | Number] | None = None
    denoising_strength: Number | None = None
    clip_skip: Number | None = None
    rng: str | None = None
    mode: str | None = None
    """``txt2img``, ``img2img``, ``inpaint``, ``upscale``, ``video`` … where the payload says so.

    ``composite``: a generated picture with one that was there. ``processed``: a graph that
    sampled nothing. ``undetermined``: a graph with unknown nodes and no known sampler.
    """
    init_image: str | None = None
    mask: str | None = None
    """What the payload says of an inpainting mask."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """Everything else the tool wrote, under the tool's own keys."""
    notes: tuple[str, ...] = ()
    """Codes of what was odd: ``truncated``, ``duplicate-key``, ``contradicts-graph`` …

    ``editor-form``: ComfyUI's workflow without the graph that ran. ``negative-undetermined``: a
    text that may be on the negative side is not reported there.
    """
    raw: str = field(default="", repr=False, metadata={"plain": False})
    """The payload itself; left out of plain forms, where a face adds it on request."""
