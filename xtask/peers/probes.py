"""Draws the probes of `cargo xtask bench peers`: each labelled photo at its full size, and its face put into a frame of
640x480 as a camera would see it: small, tilted, in the dark, in motion.

Reads the faces of each photo as JSON lines; writes `OUT/<condition>/people/<person>/<photo>` and `OUT/pairs.csv`, in
which each photo at full size meets each other photo in every condition. Every face is drawn the same way for all.
"""

import argparse
import csv
import json
import zlib
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480
JPEG_QUALITY = 90
GREY = (127, 127, 127)
# Condition: width of the face in pixels, roll in degrees, what else is done.
CONDITIONS = {
    "width-40": (40, 0, None),
    "width-50": (50, 0, None),
    "width-60": (60, 0, None),
    "width-80": (80, 0, None),
    "roll-15": (100, 15, None),
    "roll-30": (100, 30, None),
    "dark": (100, 0, "dark"),
    "motion-blur": (100, 0, "motion"),
}
DARK_GAIN, DARK_NOISE = 0.15, 3.0
MOTION_PX = 9


def frame(photo: np.ndarray, face: dict, width: float, roll: float) -> np.ndarray:
    """The face in the middle of a frame, `width` pixels wide and tilted by `roll`."""
    scale = width / face["width"]
    x, y = face["center"]
    while scale <= 0.5:
        # Halved first, so that shrinking does not alias.
        half = photo.shape[1] // 2, photo.shape[0] // 2
        factors = half[0] / photo.shape[1], half[1] / photo.shape[0]
        photo = cv2.resize(photo, half, interpolation=cv2.INTER_AREA)
        x, y, scale = x * factors[0], y * factors[1], scale / factors[0]
    place = cv2.getRotationMatrix2D((x, y), roll, scale)
    place[:, 2] += WIDTH / 2 - x, HEIGHT / 2 - y
    return cv2.warpAffine(photo, place, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderValue=GREY)


def darkened(picture: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    noise = chance.normal(0, DARK_NOISE, picture.shape)
    return np.clip(picture * DARK_GAIN + noise, 0, 255).astype(np.uint8)


def moved(picture: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((MOTION_PX // 2, MOTION_PX // 2), chance.uniform(0, 180), 1)
    line = np.zeros((MOTION_PX, MOTION_PX), np.float32)
    line[MOTION_PX // 2] = 1
    streak = cv2.warpAffine(line, turn, (MOTION_PX, MOTION_PX))
    return cv2.filter2D(picture, -1, streak / streak.sum())


def probe(photo: np.ndarray, face: dict, condition: str, name: str) -> np.ndarray:
    # What is random follows from condition and name alone.
    chance = np.random.default_rng(zlib.crc32(f"{condition}/{name}".encode()))
    width, roll, effect = CONDITIONS[condition]
    picture = frame(photo, face, width, roll * chance.choice((-1, 1)))
    return {None: lambda: picture, "dark": lambda: darkened(picture, chance), "motion": lambda: moved(picture, chance)}[
        effect
    ]()


def draw(photos: list[dict], root: Path, out: Path):
    for entry in photos:
        name = Path(entry["path"]).relative_to(root)
        photo = cv2.imread(entry["path"])
        for condition in CONDITIONS:
            path = out / condition / name
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = probe(photo, entry["faces"][0], condition, str(name))
            cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def pairs(names: list[Path], path: Path):
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("a", "b", "same"))
        for condition in ("full", *CONDITIONS):
            for a in names:
                for b in names:
                    # At full size the pair the other way round is the same pair.
                    if a < b or (a != b and condition != "full"):
                        rows.writerow((Path("full") / a, Path(condition) / b, int(a.parent == b.parent)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", required=True, type=Path)
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    photos = [json.loads(line) for line in args.faces.read_text().splitlines()]
    args.out.mkdir(parents=True, exist_ok=True)
    full = args.out / "full"
    if not full.exists():
        full.symlink_to(args.root.resolve(), target_is_directory=True)
    draw(photos, args.root, args.out)
    pairs([Path(entry["path"]).relative_to(args.root) for entry in photos], args.out / "pairs.csv")


if __name__ == "__main__":
    main()
