"""Input and output of detectors that others publish, as their own code prepares them.

Weights are the operator's: none is shipped and none is fetched.
"""

from __future__ import annotations

from typing import Any

_IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
_HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
_LOGIT = {"meaning": "logit", "higher": "generated"}
_CLIP = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
}

LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    # CLIP ViT-L/14 image features, then one linear layer (WisconsinAIVision/UniversalFakeDetect,
    # validate.py: a centre crop of 224, no resize).
    "universal-fake-detect": {
        "input": {"crop": "centre", "side": 224, "resize": "forbidden", **_CLIP},
        "score": {"meaning": "logit", "higher": "generated"},
    },
    # Residual of a nearest-neighbour half, inside the network (chuangchuangtan/
    # NPR-DeepfakeDetection). Its authors stretch sets of mixed sizes to 256; that destroys the
    # trace it looks for, so a crop of even side is taken here.
    "npr": {
        "input": {"crop": "centre", "side": 256, "resize": "forbidden", **_IMAGENET},
        "score": {"meaning": "logit", "higher": "generated"},
    },
    # ResNet-50 over the whole picture (PeterWang512/CNNDetection).
    "cnndetection": {
        "input": {"crop": "whole", "side": 1024, "resize": "forbidden", **_IMAGENET},
        "score": {"meaning": "logit", "higher": "generated"},
    },
    # The same without the first downsampling (grip-unina/DMimageDetection, "res50stride1"): four
    # times the memory per pixel.
    "corvi": {
        "input": {"crop": "whole", "side": 768, "resize": "forbidden", **_IMAGENET},
        "score": {"meaning": "logit", "higher": "generated"},
    },
    "timm": {
        "input": {"crop": "centre", "side": 224, "resize": "forbidden", **_IMAGENET},
        "score": {"meaning": "logit", "higher": "generated"},
    },
    # timm's ViT-S/16 of 384 with one logit (JeongsooP/Community-Forensics, dataloader.py: the
    # shorter side to 440, centre crop 384; 256 and 224 for its smaller model). Its weights keep
    # the network under "vit.".
    "community-forensics": {
        "backend": "timm",
        "architecture": "vit_small_patch16_384",
        "input": {
            "crop": "centre",
            "side": 384,
            "resize": "shortest",
            "shorter": 440,
            **_IMAGENET,
        },
        "score": _LOGIT,
    },
    # All squares of 224 of a picture in 0..1, then attention over their rows: encoder and
    # aggregator as its own code exports them (mever-team/spai, spai/onnx.py and models/sid.py).
    # A picture of fewer than four squares is cut into its corners and its middle.
    "spai": {
        "backend": "onnx",
        "input": {
            "crop": "tiles",
            "side": 224,
            "crops": 256,
            "resize": "forbidden",
            "small": "reflect",
        },
        "score": _LOGIT,
    },
    # DINOv2 ViT-B/14 with four registers, one logit, the mean over the middle and four corners of
    # 504 on the lattice of its patches; a small picture is repeated (grip-unina/B-Free,
    # networks/wrapper5crops.py). Its weights' config.yaml names the mean; DINOv2's is taken.
    "b-free": {
        "backend": "timm",
        "architecture": "vit_base_patch14_reg4_dinov2",
        "input": {
            "crop": "five",
            "side": 504,
            "resize": "forbidden",
            "small": "repeat",
            "align": 14,
            **_IMAGENET,
        },
        "score": _LOGIT,
    },
    # Centre crop 224, padded with black; the probability of the first of two columns is that of a
    # photograph (beibuwandeluori/DRCT, data/transform.py with is_crop, scripts/train.py).
    "drct": {
        "input": {
            "crop": "centre",
            "side": 224,
            "resize": "forbidden",
            "small": "zeros",
            **_IMAGENET,
        },
        "score": {
            "meaning": "probability",
            "higher": "captured",
            "softmax": True,
            "output": 0,
        },
    },
    # The shorter side to 384, centre crop 384, in 0..1: each half of the network normalises by
    # itself (Megum1/CO-SPY, detectors/sd-v1_4/fusion.py).
    "co-spy": {
        "input": {"crop": "centre", "side": 384, "resize": "shortest", "shorter": 384},
        "score": _LOGIT,
    },
    # Backbones without a head, prepared as their publishers do; the head is yours.
    "dinov2": {
        "input": {
            "crop": "centre",
            "side": 224,
            "resize": "shortest",
            "shorter": 256,
            "kernel": "bicubic",
            **_IMAGENET,
        },
        "features": {"pool": "cls+mean", "prefix": 1},
        "score": _LOGIT,
    },
    "dinov3": {
        "input": {"crop": "centre", "side": 224, "resize": "stretch", **_IMAGENET},
        "features": {"pool": "cls+mean", "prefix": 5},
        "score": _LOGIT,
    },
    "siglip2": {
        "input": {"crop": "centre", "side": 224, "resize": "stretch", **_HALF},
        "features": {"pool": "mean", "prefix": 0},
        "score": _LOGIT,
    },
    "perception-encoder": {
        "input": {"crop": "centre", "side": 224, "resize": "stretch", **_HALF},
        "features": {"pool": "none"},
        "score": _LOGIT,
    },
    # Folder of AutoModelForImageClassification: its own files say how a picture is prepared and
    # what its columns are called; a processor that resizes must be declared.
    "hugging-face": {
        "input": {"crop": "centre", "resize": "forbidden"},
        "score": {"meaning": "probability", "higher": "generated", "softmax": True},
    },
    # An operator's own inversion and generation (DIRE, arXiv:2303.09295): the module gives a
    # picture back, and what counts is how far it is from the one it was given.
    "inversion": {
        "backend": "python",
        "input": {"crop": "centre", "side": 256, "resize": "forbidden"},
        "score": {"meaning": "distance", "higher": "captured"},
    },
    # YOLO boxes from a letterboxed 320 square (notAI-tech/NudeNet).
    "nudenet": {
        "role": "routing",
        "input": {"crop": "whole", "side": 320, "resize": "letterbox"},
        "score": {"meaning": "probability", "higher": "generated", "boxes": True, "combine": "max"},
    },
}
