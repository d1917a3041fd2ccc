"""Input and output of detectors that others publish, as their own code prepares them.

Weights are the operator's: none is shipped and none is fetched.
"""

from __future__ import annotations

from typing import Any

_IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
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
    # Folder of AutoModelForImageClassification: sizes, mean and names come from its own files,
    # and a processor that resizes must be declared.
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
