"""Error rates of score files, the same way for every pipeline, with 95 % intervals from drawing people anew.

Reads CSV files with the columns a,b,same,score, where a is a photo at full size, b a probe, and an empty score is a
face not found; prints one JSON object by file and condition. What counts how:

- a pair of one person with a face not found is an error at every threshold; a pair of two people with one is no
  attempt, so that missing faces does not lower a pipeline's false matches;
- identification: who is the probe (at full size, both photos of a pair in turn) among all other photos at full size? A known probe is found if the right person is
  the most alike and above the threshold; for a false alarm the probe's own person is taken out of the gallery.
"""

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

DRAWS, SEED = 400, 1
FMRS, FPIR = (0.01, 0.001), 0.01


def verification(same, score, weight):
    """Weighted rates of pairs; a score of NaN is a face not found."""
    found = ~np.isnan(score)
    order = np.argsort(-score[found], kind="stable")
    same_found, weight_found = same[found][order], weight[found][order]
    mated, non_mated = np.cumsum(weight_found * same_found), np.cumsum(weight_found * ~same_found)
    all_mated, all_non_mated = weight[same].sum(), non_mated[-1] if len(non_mated) else 0.0
    if all_mated == 0 or all_non_mated == 0:
        return {"auc": 0.0, "eer": 1.0, **{f"fnmr@{fmr}": 1.0 for fmr in FMRS}}
    fnmr, fmr = 1 - mated / all_mated, non_mated / all_non_mated
    at = np.abs(fnmr - fmr).argmin()
    above = (weight_found * same_found * (all_non_mated - non_mated)).sum()
    rates = {"auc": above / all_mated / all_non_mated, "eer": (fnmr[at] + fmr[at]) / 2}
    for point in FMRS:
        kept = np.searchsorted(fmr, point + 1e-12, side="right")
        rates[f"fnmr@{point}"] = fnmr[kept - 1] if kept else 1.0
    return rates


def searches(rows):
    """Of each probe: its person, the best score of that person, the best of anyone else."""
    best = defaultdict(lambda: [np.nan, np.nan])
    for probe, person, same, score in rows:
        side = best[probe, person]
        side[0 if same else 1] = np.fmax(side[0 if same else 1], score)
    people = np.array([person for _, person in best])
    scores = np.array(list(best.values()))
    known = {(probe, person) for probe, person, same, _ in rows if same}
    return people, scores[:, 0], scores[:, 1], np.array([key in known for key in best])


def identification(own, other, known, weight):
    """The weighted FNIR where the FPIR is at most `FPIR`."""
    tried = ~np.isnan(other)
    order = np.argsort(-other[tried])
    alarms = np.cumsum(weight[tried][order])
    if not len(alarms) or alarms[-1] == 0 or weight[known].sum() == 0:
        return {f"fnir@{FPIR}": 1.0}
    first_over = np.searchsorted(alarms, FPIR * alarms[-1] + 1e-9, side="right")
    threshold = other[tried][order][min(first_over, len(alarms) - 1)]
    hit = known & (own > threshold) & (own > np.nan_to_num(other, nan=-np.inf))
    return {f"fnir@{FPIR}": 1 - weight[hit].sum() / weight[known].sum()}


def person_of(path: str) -> str:
    return path.rsplit("/", 2)[1]


def judged(rows) -> dict:
    """All rates of one condition."""
    people, index = np.unique([person_of(row["a"]) for row in rows] + [person_of(row["b"]) for row in rows],
                              return_inverse=True)
    a, b = index[: len(rows)], index[len(rows) :]
    same = np.array([row["same"] == "1" for row in rows])
    score = np.array([float(row["score"]) if row["score"] else np.nan for row in rows])
    probes = [(row["b"], who, s, v) for row, who, s, v in zip(rows, b, same, score, strict=True)]
    if all(row["a"].startswith("full/") and row["b"].startswith("full/") for row in rows):
        probes += [(row["a"], who, s, v) for row, who, s, v in zip(rows, a, same, score, strict=True)]
    who, own, other, known = searches(probes)

    def rates(weight):
        # Two photos of one person come and go together; those of two people, each by itself.
        pairs = np.where(same, weight[a], weight[a] * weight[b])
        return verification(same, score, pairs) | identification(own, other, known, weight[who])

    chance = np.random.default_rng(SEED)
    draws = [rates(np.bincount(chance.integers(0, len(people), len(people)), minlength=len(people)).astype(float))
             for _ in range(DRAWS)]
    found = rates(np.ones(len(people)))
    missed = np.isnan(own) & np.isnan(other)
    answer = {"probes": len(own), "not_detected": int(missed.sum())}
    for name, value in found.items():
        low, high = np.percentile([draw[name] for draw in draws], (2.5, 97.5))
        answer[name] = {"value": float(value), "low": float(low), "high": float(high)}
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", nargs="+", type=Path)
    answer = {}
    for path in parser.parse_args().scores:
        conditions = defaultdict(list)
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                conditions[row["b"].split("/")[0]].append(row)
        answer[path.stem] = {condition: judged(rows) for condition, rows in conditions.items()}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
