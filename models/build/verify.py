"""Compares the nets of the default pack with the runtimes their weights were made for: BlazeFace with LiteRT,
the ResNet with dlib itself. Called by `cargo xtask models verify`; prints one JSON object of the largest
differences and fails if one is over its bound.

The embedder is compared twice: with f32 weights, which proves the conversion, and as shipped with f16 weights,
which shows what the smaller file costs.
"""

import argparse
import json
import sys
from pathlib import Path

import dlib
import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

import embedder

BOUNDS = {"boxes_px": 1e-2, "scores_logit": 5e-3, "embedding_f32": 5e-6, "embedding_f16": 2e-3, "cosine_f16": 1e-5}


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def pictures(path: str, side: int):
    """The same photo at several scales and crops, and noise: what a net may meet."""
    photo = Image.open(path).convert("RGB")
    width, height = photo.size
    for share in (1.0, 0.7, 0.5):
        part = photo.crop((int(width * (1 - share) / 2), 0, int(width * (1 + share) / 2), int(height * share)))
        yield np.asarray(part.resize((side, side), Image.Resampling.BILINEAR))
    yield np.random.default_rng(7).integers(0, 256, (side, side, 3), np.uint8)


def compare_detector(onnx_path: str, tflite_path: str, photo: str):
    ours = session(onnx_path)
    reference = Interpreter(model_path=tflite_path)
    reference.allocate_tensors()
    details = {len(d["shape"]) and int(d["shape"][-1]): d["index"] for d in reference.get_output_details()}
    boxes_px = scores_logit = 0.0
    for picture in pictures(photo, 192):
        feed = picture.astype(np.float32)[None]
        reference.set_tensor(reference.get_input_details()[0]["index"], feed / 127.5 - 1)
        reference.invoke()
        boxes, scores = ours.run(["boxes", "scores"], {"image": feed.transpose(0, 3, 1, 2)})
        boxes_px = max(boxes_px, float(np.abs(boxes - reference.get_tensor(details[16])).max()))
        scores_logit = max(scores_logit, float(np.abs(scores - reference.get_tensor(details[1])).max()))
    return {"boxes_px": boxes_px, "scores_logit": scores_logit}


def compare_embedder(onnx_path: str, dat_path: str, photo: str):
    shipped = session(onnx_path)
    full = session(embedder.convert(dat_path, half=False).SerializeToString())
    reference = dlib.face_recognition_model_v1(dat_path)
    worst = {"embedding_f32": 0.0, "embedding_f16": 0.0, "cosine_f16": 0.0}
    for picture in pictures(photo, 150):
        feed = {"chip": picture.astype(np.float32).transpose(2, 0, 1)[None]}
        wanted = np.array(reference.compute_face_descriptor(np.ascontiguousarray(picture)))
        exact, half = (net.run(None, feed)[0][0] for net in (full, shipped))
        cosine = half @ wanted / np.linalg.norm(half) / np.linalg.norm(wanted)
        worst["embedding_f32"] = max(worst["embedding_f32"], float(np.abs(exact - wanted).max()))
        worst["embedding_f16"] = max(worst["embedding_f16"], float(np.abs(half - wanted).max()))
        worst["cosine_f16"] = max(worst["cosine_f16"], float(1 - cosine))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tflite", required=True)
    parser.add_argument("--dat", required=True)
    parser.add_argument("--pack", required=True, type=Path)
    parser.add_argument("--photo", required=True)
    args = parser.parse_args()
    worst = compare_detector(str(args.pack / "detector.onnx"), args.tflite, args.photo)
    worst |= compare_embedder(str(args.pack / "embedder.onnx"), args.dat, args.photo)
    print(json.dumps({"largest_difference": worst, "bound": BOUNDS}))
    over = [name for name, value in worst.items() if not value <= BOUNDS[name]]
    if over:
        sys.exit(f"over the bound: {', '.join(over)}")


if __name__ == "__main__":
    main()
