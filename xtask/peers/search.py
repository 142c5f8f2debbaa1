"""The peers of `cargo xtask bench search`: exact inner-product search with faiss and usearch on one thread, on the
vectors the worker wrote. Prints one JSON object of milliseconds a search for each line it reads.

faiss is timed query by query and as one batch, since its price a query differs; the smaller one counts. The loop
around single queries is Python's, some microseconds each, which is why the batch is there.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import faiss
import numpy as np
from usearch.index import MetricKind, search

NEAREST = 2
SECONDS = 0.5


def a_query_ms(count: int, run) -> float:
    run()
    times, begun = [], time.perf_counter()
    while time.perf_counter() - begun < SECONDS or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3 / count)
    return float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", required=True, type=Path)
    parser.add_argument("--dimension", required=True, type=int)
    args = parser.parse_args()
    faiss.omp_set_num_threads(1)
    rows = np.fromfile(args.dir / "rows.f32", np.float32).reshape(-1, args.dimension)
    probes = np.fromfile(args.dir / "probes.f32", np.float32).reshape(-1, args.dimension)
    flat = faiss.IndexFlatIP(args.dimension)
    flat.add(rows)
    singles = [np.ascontiguousarray(probe[None]) for probe in probes]
    few = probes[:4]

    def one_by_one():
        for probe in singles:
            flat.search(probe, NEAREST)

    for _ in sys.stdin:
        times = {
            "faiss_single": a_query_ms(len(singles), one_by_one),
            "faiss_batch": a_query_ms(len(probes), lambda: flat.search(probes, NEAREST)),
            "usearch": a_query_ms(len(few), lambda: search(rows, few, NEAREST, MetricKind.IP, exact=True, threads=1)),
        }
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
