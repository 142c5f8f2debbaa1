"""The peer of `cargo xtask bench net`: the same nets on onnxruntime with one thread, timed the same way.

For each line it reads, `detector` or `embedder`, it prints one JSON object with that net's milliseconds, so that the
caller can alternate it with ours; for `outputs`, what both nets give.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

STAGE_SECONDS = 0.4


def session(path: Path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def planes(path: str) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(Image.open(path).convert("RGB")).astype(np.float32).transpose(2, 0, 1)[None])


def median_ms(net, feed) -> float:
    times, begun = [], time.perf_counter()
    while time.perf_counter() - begun < STAGE_SECONDS or len(times) < 5:
        start = time.perf_counter()
        net.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", required=True, type=Path)
    parser.add_argument("--detector-input", required=True)
    parser.add_argument("--chip", required=True)
    args = parser.parse_args()
    nets = {
        "detector": (session(args.pack / "detector.onnx"), {"image": planes(args.detector_input)}),
        "embedder": (session(args.pack / "embedder.onnx"), {"chip": planes(args.chip)}),
    }
    for line in sys.stdin:
        order = line.strip()
        if order == "outputs":
            answer = {name: outputs(*net) for name, net in nets.items()}
        else:
            answer = {order: median_ms(*nets[order])}
        print(json.dumps(answer), flush=True)


def outputs(net, feed) -> list[float]:
    """All outputs of a net, one after the other."""
    return [float(value) for output in net.run(None, feed) for value in output.ravel()]


if __name__ == "__main__":
    main()
