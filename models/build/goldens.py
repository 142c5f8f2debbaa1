"""Makes the reference outputs of the golden tests with onnxruntime. Called by `cargo xtask models goldens`.

Inputs are stored as PNG at exactly the size a net takes, so that no decoder or scaler stands between the two
runtimes; outputs as little-endian f32.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

#: Name, width, height and the part of the photo (left, top, right, bottom) seen.
VIEWS = [
    ("frame_256x192", 256, 192, (0, 0, 512, 384)),
    ("close_192x192", 192, 192, (100, 0, 356, 256)),
]
CHIP = ("chip_150x150", 150, 150, (153, 44, 293, 184))
#: Boxes are stored of this many cells, those with the best scores.
BEST = 64


def session(path: Path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def picture(photo, out: Path, name: str, width: int, height: int, part) -> np.ndarray:
    view = photo.crop(part).resize((width, height), Image.Resampling.BILINEAR)
    view.save(out / f"{name}.png", optimize=True)
    return np.asarray(view).astype(np.float32).transpose(2, 0, 1)[None]


def write(out: Path, name: str, values: np.ndarray):
    (out / name).write_bytes(np.ascontiguousarray(values, "<f4").tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", required=True, type=Path)
    parser.add_argument("--photo", required=True)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    photo = Image.open(args.photo).convert("RGB")
    detector, embedder = session(args.pack / "detector.onnx"), session(args.pack / "embedder.onnx")
    for name, width, height, part in VIEWS:
        boxes, scores = detector.run(["boxes", "scores"], {"image": picture(photo, args.out, name, width, height, part)})
        best = np.argsort(-scores[0, :, 0], kind="stable")[:BEST]
        write(args.out, f"{name}.scores.f32", scores[0, :, 0])
        write(args.out, f"{name}.boxes.f32", boxes[0][best])
        (args.out / f"{name}.cells.json").write_text(json.dumps([int(cell) for cell in best]) + "\n")
    chip = picture(photo, args.out, *CHIP)
    write(args.out, "chip_150x150.embedding.f32", embedder.run(None, {"chip": chip})[0][0])
    photo.save(args.out / "astronaut.jpg", quality=90)


if __name__ == "__main__":
    main()
