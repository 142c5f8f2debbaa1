"""The default pack's nets on onnxruntime with one thread, strung together as our own pipeline strings them.

Detection at the scale of the frame, a closer look at each face, a four-point alignment, one embedding.
"""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SCORE, CLOSER_SCORE, OVERLAP = 0.5, 0.3, 0.3
CLOSER_SIDE, CLOSER_MARGIN = 192, 2.5
CHIP = 150
TEMPLATE = np.array([(47.06, 46.78), (100.94, 46.78), (74.0, 80.24), (74.0, 104.91)], np.float32)


def session(path: Path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def planes(rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rgb.astype(np.float32).transpose(2, 0, 1)[None])


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low = np.maximum(box[:2] - box[2:4] / 2, boxes[:, :2] - boxes[:, 2:4] / 2)
    high = np.minimum(box[:2] + box[2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2)
    shared = np.clip(high - low, 0, None).prod(1)
    return shared / (box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared)


class OnnxNets:
    """Faces are rows of 16 numbers, in pixels: centre, size, then eyes, nose, mouth and ears."""

    def __init__(self, pack: Path):
        cv2.setNumThreads(1)
        self.detector, self.embedder = session(pack / "detector.onnx"), session(pack / "embedder.onnx")

    def detect(self, picture: np.ndarray, side: tuple[int, int], threshold: float) -> np.ndarray:
        """Faces of an RGB picture fitted into `side` (width, height), best first."""
        height, width = picture.shape[:2]
        scale = min(side[0] / width, side[1] / height)
        fitted = round(width * scale), round(height * scale)
        left, top = (side[0] - fitted[0]) // 2, (side[1] - fitted[1]) // 2
        canvas = np.zeros((side[1], side[0], 3), np.uint8)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas[top : top + fitted[1], left : left + fitted[0]] = cv2.resize(picture, fitted, interpolation=method)
        boxes, scores = self.detector.run(["boxes", "scores"], {"image": planes(canvas)})
        faces = self.decode(boxes[0], 1 / (1 + np.exp(-scores[0, :, 0])), side[0] // 4, threshold)
        faces[:, [0, 1]] -= left, top
        faces[:, 4::2] -= left
        faces[:, 5::2] -= top
        return faces / scale

    @staticmethod
    def decode(boxes: np.ndarray, scores: np.ndarray, columns: int, threshold: float) -> np.ndarray:
        kept = np.flatnonzero(scores > threshold)
        kept = kept[np.argsort(-scores[kept])]
        anchors = np.stack([kept % columns, kept // columns], 1) * 4 + 2
        rows = boxes[kept].copy()
        rows[:, :2] += anchors
        rows[:, 4:] += np.tile(anchors, 6)
        faces, scores = [], scores[kept]
        while len(rows):
            same = overlap(rows[0], rows) >= OVERLAP
            same[0] = True
            faces.append(np.average(rows[same], axis=0, weights=scores[same]))
            rows, scores = rows[~same], scores[~same]
        return np.array(faces).reshape(-1, 16)

    def closer(self, picture: np.ndarray, face: np.ndarray) -> np.ndarray:
        """The face looked at again in a crop around it; as it was if nothing is found there."""
        side = CLOSER_MARGIN * max(face[2], face[3])
        corner = face[:2] - side / 2
        scale = CLOSER_SIDE / side
        place = np.float32([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
        # Shrunk in one bilinear step: the crop of a near face is about the input's size anyway.
        crop = cv2.warpAffine(picture, place, (CLOSER_SIDE, CLOSER_SIDE), flags=cv2.INTER_LINEAR)
        found = self.detect(crop, (CLOSER_SIDE, CLOSER_SIDE), CLOSER_SCORE)
        if not len(found):
            return face
        middle = np.abs(found[:, :2] - CLOSER_SIDE / 2).sum(1).argmin()
        closer = found[middle] / scale
        closer[[0, 1]] += corner
        closer[4::2] += corner[0]
        closer[5::2] += corner[1]
        return closer

    def embed(self, picture: np.ndarray, face: np.ndarray) -> np.ndarray:
        points = face[4:12].reshape(4, 2)
        halved = 0
        while np.linalg.norm(points[1] - points[0]) / 2**halved > 2 * 53.88:
            picture, halved = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), halved + 1
        chip = cv2.warpAffine(picture, similarity(points / 2**halved, TEMPLATE), (CHIP, CHIP))
        vector = self.embedder.run(None, {"chip": planes(chip)})[0].ravel()
        return vector / np.linalg.norm(vector)

    def faces(self, picture: np.ndarray) -> list[np.ndarray]:
        """All faces of a frame, looked at closely."""
        side = fitting(picture.shape[1], picture.shape[0])
        return [self.closer(picture, face) for face in self.detect(picture, side, SCORE)]


def fitting(width: int, height: int) -> tuple[int, int]:
    """The detector's input for a frame: 0.4 of it, in steps of 32 pixels, as for 640x480 in 256x192."""
    return tuple(max(64, round(side * 0.4 / 32) * 32) for side in (width, height))


def similarity(points: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The least-squares similarity that maps points on a template, 2x3."""
    source, target = points - points.mean(0), template - template.mean(0)
    spread = (source**2).sum()
    along = (source * target).sum() / spread
    across = (source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum() / spread
    turn = np.array([[along, -across], [across, along]])
    return np.column_stack([turn, template.mean(0) - turn @ points.mean(0)]).astype(np.float32)
