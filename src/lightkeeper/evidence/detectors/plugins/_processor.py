"""Image processors of Hugging Face folders, as their own code prepares a picture.

What stands in ``preprocessor_config.json`` is carried out: resize, crop, rescale, normalise. Keys
that a file leaves out have the value that its class gives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import numpy as np
from PIL import Image

from lightkeeper.evidence.detectors.plugins._failure import FailureKind, PluginFailure

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROCESSOR, CONFIG = "preprocessor_config.json", "config.json"
_LARGEST_FILE = 1 << 20
_WARPED_FROM = 384
"""Side from which ConvNeXT's processor stretches in place of cropping."""
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5)
_BILINEAR, _BICUBIC = 2, 3

_T = TypeVar("_T")
_Side = Annotated[int, msgspec.Meta(ge=1, le=4096)]
_Number = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
_Channels = Annotated[list[_Number], msgspec.Meta(min_length=3, max_length=3)]


class Size(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sides of a picture: both, or the shorter one alone."""

    height: _Side | None = None
    width: _Side | None = None
    shortest_edge: _Side | None = None
    longest_edge: _Side | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of ``preprocessor_config.json`` that change pixels."""

    image_processor_type: str | None = None
    feature_extractor_type: str | None = None
    do_resize: bool | None = None
    size: _Side | Annotated[list[_Side], msgspec.Meta(min_length=2, max_length=2)] | Size | None = (
        None
    )
    resample: Annotated[int, msgspec.Meta(ge=0, le=5)] | None = None
    do_center_crop: bool | None = None
    crop_size: _Side | Size | None = None
    crop_pct: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    do_rescale: bool | None = None
    rescale_factor: _Number | None = None
    do_normalize: bool | None = None
    image_mean: _Channels | _Number | None = None
    image_std: _Channels | _Number | None = None
    do_pad: bool | None = None


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What a class of processors does where its file says nothing."""

    size: Size
    crop: Size | None = None
    square: bool = True
    """A size that is one number is that of both sides, not of the shorter one."""
    resample: int = _BICUBIC
    mean: tuple[float, float, float] = _HALF
    std: tuple[float, float, float] = _HALF
    crop_pct: float | None = None
    in_floats: bool = False
    """Rescaled first, so that nothing is rounded to grey levels after the resize."""


def _square(side: int) -> Size:
    return Size(height=side, width=side)


_KINDS: dict[str, _Kind] = {
    "": _Kind(size=_square(224), resample=_BILINEAR),
    "CLIP": _Kind(
        size=Size(shortest_edge=224), crop=_square(224), square=False, mean=_CLIP_MEAN,
        std=_CLIP_STD,
    ),
    "Bit": _Kind(
        size=Size(shortest_edge=224), crop=_square(224), square=False, mean=_CLIP_MEAN,
        std=_CLIP_STD,
    ),
    "Siglip": _Kind(size=_square(224), square=False),
    "ViT": _Kind(size=_square(224), resample=_BILINEAR),
    "DeiT": _Kind(size=_square(256), crop=_square(224)),
    "Beit": _Kind(size=_square(224)),
    "ConvNext": _Kind(
        size=Size(shortest_edge=384), square=False, crop_pct=224 / 256,
    ),
    "DINOv3ViT": _Kind(
        size=_square(224), resample=_BILINEAR, mean=_IMAGENET_MEAN, std=_IMAGENET_STD,
        in_floats=True,
    ),
}  # fmt: skip
_ENDINGS = ("Fast", "Pil", "ImageProcessor", "FeatureExtractor")


class Processor:
    """One folder's processor.

    Raises
    ------
    PluginFailure
        The file is no description of a processor that is known.
    """

    def __init__(self, content: bytes) -> None:
        file = read_json(content, _File, PROCESSOR)
        name = file.image_processor_type or file.feature_extractor_type or ""
        for ending in _ENDINGS:
            name = name.removesuffix(ending)
        if name not in _KINDS:
            known = ", ".join(filter(None, _KINDS))
            raise refused(
                f"{PROCESSOR}: no processor {name[:40]}; known are {known}",
                hint="declare the input in the manifest: layout plain with an ONNX export",
            )
        kind = _KINDS[name]
        if not name and (file.size is None or (file.do_normalize is not False and (
            file.image_mean is None or file.image_std is None
        ))):  # fmt: skip
            raise refused(
                f"{PROCESSOR} names no class, so it must say size, image_mean and image_std",
                hint="add image_processor_type, or those keys",
            )
        if file.do_pad:
            raise refused(f"{PROCESSOR}: do_pad is not carried out")
        self._in_floats = kind.in_floats
        self._size = _as_size(file.size, square=kind.square) or kind.size
        if self._size.longest_edge is not None:
            raise refused(f"{PROCESSOR}: a longest_edge is not carried out")
        self.resizes = file.do_resize is not False
        self._kernel = Image.Resampling(kind.resample if file.resample is None else file.resample)
        crops = kind.crop is not None if file.do_center_crop is None else file.do_center_crop
        self._crop = (_as_size(file.crop_size, square=True) or kind.crop) if crops else None
        if crops and self._crop is None:
            raise refused(f"{PROCESSOR}: do_center_crop needs a crop_size")
        self._crop_pct = kind.crop_pct and (file.crop_pct or kind.crop_pct)
        if self._crop_pct and self.resizes and self._size.shortest_edge is None:
            raise refused(f"{PROCESSOR}: this processor needs size.shortest_edge")
        rescales = file.do_rescale is not False
        factor = 1 / 255 if file.rescale_factor is None else file.rescale_factor
        self._factor = np.float32(factor if rescales else 1)
        mean = _channels(kind.mean if file.image_mean is None else file.image_mean)
        std = _channels(kind.std if file.image_std is None else file.image_std)
        if file.do_normalize is False:
            mean, std = np.zeros_like(mean), np.ones_like(std)
        if not (std > 0).all():
            raise refused(f"{PROCESSOR}: image_std must be positive")
        self._mean, self._std = mean, std

    def batch(self, rgb: NDArray[np.uint8], *, small: bool) -> NDArray[np.float32] | None:
        """One prepared picture, shape (1, 3, H, W).

        Parameters
        ----------
        small : bool
            A picture smaller than the crop is padded with black, as transformers does; otherwise
            it gets no score.
        """
        crop = self._crop
        if not self.resizes:
            # Without a crop of its own, the size says what the network takes.
            crop = crop or self._native_crop()
            if not small and (
                rgb.shape[0] < (crop.height or 0) or rgb.shape[1] < (crop.width or 0)
            ):
                return None
        picture = rgb.astype(np.float32) * self._factor if self._in_floats else rgb
        if self.resizes:
            picture = self._resized(picture)
        if crop is not None:
            picture = _cropped(picture, crop.height or 0, crop.width or 0)
        floats = picture if self._in_floats else picture.astype(np.float32) * self._factor
        normalised = (floats - self._mean) / self._std
        return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], np.float32)

    def _native_crop(self) -> Size:
        edge = self._size.shortest_edge
        return _square(edge) if edge else self._size

    def _resized(self, picture: NDArray[Any]) -> NDArray[Any]:
        height, width = picture.shape[:2]
        edge = self._size.shortest_edge
        if edge is None:
            return _scaled(picture, self._size.height or 0, self._size.width or 0, self._kernel)
        if self._crop_pct and edge >= _WARPED_FROM:
            return _scaled(picture, edge, edge, self._kernel)
        shorter = int(edge / self._crop_pct) if self._crop_pct else edge
        short, long = sorted((height, width))
        longer = int(shorter * long / short)
        sides = (longer, shorter) if width <= height else (shorter, longer)
        scaled = _scaled(picture, *sides, self._kernel)
        return _cropped(scaled, edge, edge) if self._crop_pct else scaled


def _as_size(size: int | list[int] | Size | None, *, square: bool) -> Size | None:
    if isinstance(size, int):
        return _square(size) if square else Size(shortest_edge=size)
    if isinstance(size, list):
        return Size(height=size[0], width=size[1])
    if size is None or size == Size():
        return None
    if size.shortest_edge is None and (size.height is None or size.width is None):
        raise refused(f"{PROCESSOR}: a size needs height and width, or shortest_edge")
    return size


def _channels(value: float | list[float] | tuple[float, ...]) -> NDArray[np.float32]:
    return np.broadcast_to(np.asarray(value, np.float32), (3,))


def _scaled(
    picture: NDArray[Any], height: int, width: int, kernel: Image.Resampling
) -> NDArray[Any]:
    if picture.dtype == np.uint8:
        return np.asarray(Image.fromarray(picture).resize((width, height), kernel))
    planes = [Image.fromarray(picture[:, :, k]).resize((width, height), kernel) for k in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _cropped(picture: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The middle; what a picture lacks is black, one line more before it than after it."""
    before = [max(0, -((side - wanted) // 2)) for side, wanted in zip(
        picture.shape[:2], (height, width), strict=True
    )]  # fmt: skip
    after = [
        max(0, wanted - side - start)
        for side, wanted, start in zip(picture.shape[:2], (height, width), before, strict=True)
    ]
    if any(before) or any(after):
        edges = ((before[0], after[0]), (before[1], after[1]), (0, 0))
        picture = np.pad(picture, edges)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


class _Config(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of ``config.json`` that name columns."""

    id2label: dict[str, str] | None = None
    num_labels: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None


def column_of(content: bytes, label: str, output: int) -> int:
    """Number of the column that is read.

    Parameters
    ----------
    label : str
        Name of the column; empty where the folder names none and ``output`` is its number.

    Raises
    ------
    PluginFailure
        There is no such column, or the folder names its columns and the manifest does not.
    """
    config = read_json(content, _Config, CONFIG)
    if config.id2label is None and not label:
        return output
    labels = config.id2label or {
        str(number): f"LABEL_{number}" for number in range(config.num_labels or 2)
    }
    columns = [int(number) for number, name in labels.items() if name == label and number.isdigit()]
    if len(columns) != 1:
        names = ", ".join(sorted(labels.values())[:20])
        raise refused(f"score.label must be one of {names}")
    return columns[0]


def read_json(content: bytes, kind: type[_T], name: str) -> _T:
    """A JSON file as a typed object.

    Raises
    ------
    PluginFailure
        It is too long, nested too deep, no JSON, or has a value of another type.
    """
    if len(content) > _LARGEST_FILE:
        raise refused(f"{name} has {len(content):,} bytes, more than any such file")
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise refused(f"{name} is not readable: {str(error)[:120]}") from error


def refused(message: str, *, hint: str | None = None) -> PluginFailure:
    """A file that does not fit the manifest."""
    return PluginFailure(FailureKind.REFUSED, message, hint=hint)
