"""Makes the nets of the default pack. Called by `cargo xtask models build`; prints one JSON object."""

import argparse
import hashlib
import json
from pathlib import Path

import detector
import embedder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tflite", required=True)
    parser.add_argument("--dat", required=True)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    made = {"detector": detector.convert(args.tflite), "embedder": embedder.convert(args.dat)}
    report = {}
    for name, model in made.items():
        data = model.SerializeToString(deterministic=True)
        path = args.out / f"{name}.onnx"
        path.write_bytes(data)
        report[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
