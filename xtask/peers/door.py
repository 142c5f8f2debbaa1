"""The peer of `cargo xtask bench door`: the same nets on onnxruntime, every face of every frame, one thread.

Prints one JSON object: the seconds of a processor that the video took, reading included, and each frame's matches.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from onnx_nets import OnnxNets

THRESHOLD = 0.93
HEADER = b"YUV4MPEG2"


def video(path: Path):
    """RGB frames and their seconds, of 4:2:0 planes."""
    with path.open("rb") as file:
        header = file.readline().split()
        assert header[0] == HEADER, f"{path} is no Y4M video"
        fields = {field[:1]: field[1:].decode() for field in header[1:]}
        width, height = int(fields[b"W"]), int(fields[b"H"])
        over, under = map(int, fields[b"F"].split(":"))
        size, number = width * height * 3 // 2, 0
        while file.readline():
            planes = np.frombuffer(file.read(size), np.uint8).reshape(height * 3 // 2, width)
            yield number * under / over, cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)
            number += 1


def largest(nets: OnnxNets, photo: Path):
    """The embedding of a photo's largest face, or None."""
    picture = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
    scale = min(1.0, 640 / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # A face that fills the picture is only found with space around it.
    edge = max(small.shape[:2]) // 2
    faces = nets.faces(cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_CONSTANT))
    if not faces:
        return None
    face = max(faces, key=lambda face: face[2])
    face[[0, 1]] -= edge
    face[4:] -= edge
    return nets.embed(picture, nets.closer(picture, face / scale))


def enroll(nets: OnnxNets, gallery: Path):
    names, rows = [], []
    for photo in sorted(gallery.glob("*/*")):
        if (row := largest(nets, photo)) is not None:
            names.append(photo.parent.name)
            rows.append(row)
    return names, np.array(rows)


def match(at: float, name: str, similarity: float):
    """A match as the daemon's bench writes a visit."""
    return {
        "outcome": "match", "person": name, "nearest": name, "began_s": at, "decided_s": at, "frames": 1,
        "similarity": similarity, "reason": None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", required=True, type=Path)
    parser.add_argument("--clip", required=True, type=Path)
    parser.add_argument("--gallery", required=True, type=Path)
    args = parser.parse_args()
    nets = OnnxNets(args.pack)
    names, gallery = enroll(nets, args.gallery)
    visits, frames, faces = [], 0, 0
    begun = time.process_time()
    for at, frame in video(args.clip):
        frames += 1
        for face in nets.faces(frame):
            faces += 1
            scores = gallery @ nets.embed(frame, face)
            best = int(scores.argmax())
            if scores[best] >= THRESHOLD:
                visits.append(match(at, names[best], float(scores[best])))
    cpu_s = time.process_time() - begun
    print(json.dumps({"cpu_s": cpu_s, "frames": frames, "faces": faces, "templates": len(names), "visits": visits}))


if __name__ == "__main__":
    main()
