"""One pipeline of `cargo xtask bench peers` on all probes, on one thread: writes the score of every pair and prints, as
JSON, what the pipeline is and how much of a processor a photo takes. A face that is not found leaves the score empty."""

import argparse
import csv
import json
import statistics
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from pipelines import PIPELINES, Missing


def embed_all(pipeline, images: Path, names: list[str]):
    """The embedding of each photo, and the mean milliseconds of a processor that one of each condition takes; reading
    the file is left out."""
    vectors, times = {}, defaultdict(list)
    for name in names:
        picture = cv2.cvtColor(cv2.imread(str(images / name)), cv2.COLOR_BGR2RGB)
        begun = time.process_time()
        vectors[name] = pipeline.embed(picture)
        times[name.split("/")[0]].append((time.process_time() - begun) * 1e3)
    return vectors, {condition: statistics.mean(found) for condition, found in times.items()}


def score(pipeline, vectors: dict, pairs: list[dict]):
    found = [pair for pair in pairs if vectors[pair["a"]] is not None and vectors[pair["b"]] is not None]
    if found:
        a, b = (np.array([vectors[pair[side]] for pair in found]) for side in "ab")
        for pair, value in zip(found, pipeline.alike(a, b), strict=True):
            pair["score"] = f"{value:.7f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", required=True, choices=PIPELINES)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--pack", required=True, type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--scores", required=True, type=Path)
    args = parser.parse_args()
    try:
        pipeline = PIPELINES[args.pipeline](args.pack, args.models)
    except Missing as missing:
        print(json.dumps({"title": args.pipeline, "skipped": str(missing)}))
        return
    with (args.images / "pairs.csv").open(newline="") as file:
        pairs = list(csv.DictReader(file))
    names = sorted({pair[side] for pair in pairs for side in "ab"})
    vectors, ms = embed_all(pipeline, args.images, names)
    score(pipeline, vectors, pairs)
    with args.scores.open("w", newline="") as file:
        rows = csv.DictWriter(file, ("a", "b", "same", "score"), restval="")
        rows.writeheader()
        rows.writerows(pairs)
    print(json.dumps({"title": pipeline.title, "ms": ms}))


if __name__ == "__main__":
    main()
