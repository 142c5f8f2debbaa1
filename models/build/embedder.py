"""dlib's face recognition ResNet, from its own file format to ONNX.

What changes on the way: each affine layer is folded into the convolution before it; normalisation moves into
the graph, so that it is fed 0..255; weights are stored as f16 (`half=False` keeps f32, for comparing with dlib).
"""

import numpy as np

from onnx_graph import GraphBuilder

MEAN = np.array([122.782, 117.001, 104.298], np.float32)
#: Filters of each residual block, and whether it halves the sides.
BLOCKS = [(32, False)] * 3 + [(64, True)] + [(64, False)] * 3 + [(128, True)] + [(128, False)] * 2
BLOCKS += [(256, True)] + [(256, False)] * 2 + [(256, True)]


def varints(data: bytes, at: int, count: int):
    """dlib's integers: a byte that counts the bytes (its top bit the sign), then these, little end first."""
    values = []
    for _ in range(count):
        size = data[at]
        if not 1 <= size <= 8:
            return None, at
        values.append(int.from_bytes(data[at + 1 : at + 1 + size], "little"))
        at += 1 + size
    return values, at


class Layers:
    """Takes one tensor after the other from the file. A tensor is a version (2), four sides and little-endian
    f32 values; between them stand other things, so the next tensor of the size expected is looked for."""

    def __init__(self, path: str):
        self.data = open(path, "rb").read()
        self.at = 0

    def tensor(self, count: int) -> np.ndarray:
        start = self.data.find(b"\x01\x02", self.at)
        while start >= 0:
            sides, end = varints(self.data, start + 2, 4)
            if sides and int(np.prod(sides)) == count:
                self.at = end + 4 * count
                return np.frombuffer(self.data, "<f4", count, end)
            start = self.data.find(b"\x01\x02", start + 1)
        raise ValueError(f"no tensor of {count} values is left in the file")

    def conv(self, outputs: int, inputs: int, side: int):
        """A convolution with the affine layer behind it folded in: weight, bias."""
        count = outputs * inputs * side * side
        values, affine = self.tensor(count + outputs), self.tensor(2 * outputs)
        gamma, beta = affine[:outputs].astype(np.float64), affine[outputs:].astype(np.float64)
        weight = values[:count].reshape(outputs, inputs, side, side) * gamma[:, None, None, None]
        return weight.astype(np.float32), (values[count:] * gamma + beta).astype(np.float32)

    def matrix(self):
        return self.tensor(256 * 128).reshape(256, 128)


class FullPrecision(GraphBuilder):
    def weight(self, value: np.ndarray) -> str:
        return self.constant(value.astype(np.float32), "weight")


def convert(path: str, half: bool = True):
    build = (GraphBuilder if half else FullPrecision)("dlib_face_recognition_resnet")
    layers = Layers(path)
    x = build.node("Sub", ["chip", build.constant(MEAN.reshape(1, 3, 1, 1))])
    x = build.node("Mul", [x, build.constant(np.array(1 / 256, np.float32))])
    weight, bias = layers.conv(32, 3, 7)
    x = build.node("Relu", [build.conv(x, weight, bias, 2, [0, 0, 0, 0])])
    x = build.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
    channels, side = 32, 35
    for filters, down in BLOCKS:
        x, side = block(build, layers, x, channels, filters, side, down)
        channels = filters
    x = build.node("GlobalAveragePool", [x])
    x = build.node("Flatten", [x], axis=1)
    x = build.node("MatMul", [x, build.weight(layers.matrix())])
    build.rename(x, "embedding")
    return build.model(
        [("chip", [1, 3, 150, 150])],
        [("embedding", [1, 128])],
        "dlib face recognition ResNet v1 (CC0 1.0), converted; see MODEL.md.",
    )


def block(build, layers, x: str, channels: int, filters: int, side: int, down: bool):
    """Two 3x3 convolutions and a shortcut. Going down, the first has stride 2 and no padding, the shortcut is
    averaged 2x2; what is then smaller is filled up with zeros, as dlib's `add_prev` does."""
    weight, bias = layers.conv(filters, channels, 3)
    pads = [0, 0, 0, 0] if down else [1, 1, 1, 1]
    y = build.node("Relu", [build.conv(x, weight, bias, 2 if down else 1, pads)])
    weight, bias = layers.conv(filters, filters, 3)
    y = build.conv(y, weight, bias, 1, [1, 1, 1, 1])
    if down:
        x = build.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
        shrunk, side = (side - 3) // 2 + 1, side // 2
        if filters > channels:
            x = build.pad(x, [0, filters - channels, 0, 0])
        if shrunk < side:
            y = build.pad(y, [0, 0, side - shrunk, side - shrunk])
    return build.node("Relu", [build.node("Add", [y, x])]), side
