"""The pipelines that `cargo xtask bench peers` compares: each gives an embedding for a photo's largest face, or None
where it finds none, and says how alike two embeddings are; higher is more alike."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from onnx_nets import OnnxNets, session, similarity


class Missing(Exception):
    """A pipeline's model is not here."""


class Dlib:
    """What `face_recognition` does by default: HOG with the picture doubled once, five points, the ResNet."""

    title = "face_recognition (dlib)"

    def __init__(self, _pack: Path, _models: Path | None):
        import dlib

        # The package itself wants an old setuptools only to say where its files are.
        package = importlib.util.find_spec("face_recognition_models").submodule_search_locations[0]
        models = Path(package) / "models"
        self.detector = dlib.get_frontal_face_detector()
        self.points = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self.net = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))

    def embed(self, picture: np.ndarray):
        faces = self.detector(picture, 1)
        if not faces:
            return None
        face = max(faces, key=lambda face: face.width())
        return np.array(self.net.compute_face_descriptor(picture, self.points(picture, face), 1))

    def alike(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return -np.linalg.norm(a - b, axis=-1)


class Onnx:
    """Our own nets and flow on onnxruntime. A photo is looked at in frames of several sizes until a face is found that
    is neither too small nor too large for the detector."""

    title = "our nets on onnxruntime"
    # The photo's longer side, and grey around it as a share of that side, so that a face may fill the photo.
    SIDES = ((240, 0.5), (640, 0.0), (1280, 0.0))
    ENOUGH_PX = 80

    def __init__(self, pack: Path, _models: Path | None):
        self.nets = OnnxNets(pack)

    def embed(self, picture: np.ndarray):
        best = None
        for side, around in self.SIDES:
            scale = side / max(picture.shape[:2])
            seen = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            edge = round(side * around)
            seen = cv2.copyMakeBorder(seen, edge, edge, edge, edge, cv2.BORDER_CONSTANT)
            for face in self.nets.faces(seen):
                face[[0, 1]] -= edge
                face[4:] -= edge
                face = face / scale
                best = face if best is None or face[2] > best[2] else best
            if best is not None and best[2] * scale >= self.ENOUGH_PX:
                break
        return None if best is None else self.nets.embed(picture, self.nets.closer(picture, best))

    def alike(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a * b).sum(-1)


class OpenCv:
    """YuNet, five points, and an embedder of 112x112: SFace where it is given, else the one that is."""

    title = "OpenCV (YuNet)"
    EMBEDDERS = ("face_recognition_sface*.onnx", "mobilefacenet*.onnx")
    TEMPLATE = np.float32([(38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20)])
    LONGEST = 1280

    def __init__(self, _pack: Path, models: Path | None):
        cv2.setNumThreads(1)
        found = lambda pattern: sorted(models.glob(pattern))[:1] if models else []  # noqa: E731
        yunet, embedder = found("face_detection_yunet*.onnx"), [f for p in self.EMBEDDERS for f in found(p)]
        if not yunet or not embedder:
            raise Missing("no YuNet and SFace model is given (OSTIARY_SHARED/models/optional)")
        self.title = f"OpenCV (YuNet, {embedder[0].stem.split('_')[0]})"
        self.is_sface = "sface" in embedder[0].name
        self.detector = cv2.FaceDetectorYN.create(str(yunet[0]), "", (320, 320), 0.6)
        self.net = session(embedder[0])
        self.input = self.net.get_inputs()[0].name

    def embed(self, picture: np.ndarray):
        scale = min(1.0, self.LONGEST / max(picture.shape[:2]))
        seen = cv2.cvtColor(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        # Grey around it, and sides it takes.
        edge = max(seen.shape[:2]) // 4
        seen = cv2.copyMakeBorder(seen, edge, edge + -(seen.shape[0] + 2 * edge) % 32, edge,
                                  edge + -(seen.shape[1] + 2 * edge) % 32, cv2.BORDER_CONSTANT)
        self.detector.setInputSize((seen.shape[1], seen.shape[0]))
        _, faces = self.detector.detect(seen)
        if faces is None:
            return None
        points = max(faces, key=lambda face: face[2])[4:14].reshape(5, 2)
        while np.linalg.norm(points[1] - points[0]) > 2 * 35:
            seen, points = cv2.resize(seen, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), points / 2
        chip = cv2.cvtColor(cv2.warpAffine(seen, similarity(points, self.TEMPLATE), (112, 112)), cv2.COLOR_BGR2RGB)
        planes = chip.astype(np.float32).transpose(2, 0, 1)[None]
        planes = planes if self.is_sface else (planes - 127.5) / 127.5
        vector = self.net.run(None, {self.input: np.ascontiguousarray(planes)})[0].ravel()
        return vector / np.linalg.norm(vector)

    def alike(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a * b).sum(-1)


PIPELINES = {"dlib": Dlib, "onnxruntime": Onnx, "opencv": OpenCv}
