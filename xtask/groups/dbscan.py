"""Groups embeddings with scikit-learn's DBSCAN, and judges it as the bench judges ours.

Reads the worker's JSON, writes one JSON object: for each least similarity and neighbourhood size, pairwise precision and
recall over everybody and over either half of the people.
"""

import itertools
import json
import sys

import numpy
from sklearn.cluster import DBSCAN


def pairwise(people, groups, which):
    kept = [(person, group) for person, group in zip(people, groups) if which(person)]
    right = together = same = 0
    for (person, group), (other, its) in itertools.combinations(kept, 2):
        together += group == its
        same += person == other
        right += group == its and person == other
    return {"precision": right / together if together else 1.0, "recall": right / same if same else 1.0}


def main():
    given = json.load(sys.stdin)
    embeddings, people = numpy.array(given["embeddings"]), given["people"]
    found = []
    for thousandths in given["ours"]:
        for least in (1, 2, 3):
            threshold = int(thousandths) / 1000
            labels = DBSCAN(eps=1 - threshold, min_samples=least, metric="cosine").fit(embeddings).labels_
            # What DBSCAN calls noise is a visitor of one visit.
            groups = [int(label) if label >= 0 else -2 - place for place, label in enumerate(labels)]
            halves = {"all": lambda _: True, "even": lambda p: p % 2 == 0, "odd": lambda p: p % 2 == 1}
            judged = {name: pairwise(people, groups, which) for name, which in halves.items()}
            found.append({"threshold": threshold, "least": least, "groups": len(set(groups)), **judged})
    json.dump(found, sys.stdout)


main()
