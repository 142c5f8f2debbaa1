"""BlazeFace full range, from TensorFlow Lite to ONNX.

What changes on the way: NHWC becomes NCHW; the f16 weights stay f16, cast in the graph; normalisation
(x / 127.5 - 1) moves into the graph, so that it is fed 0..255; the two reshapes lose their fixed sizes, so that
any height and width that are multiples of 32 work.
"""

import numpy as np
import tflite

from onnx_graph import GraphBuilder

BUILTIN = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
SAME = tflite.Padding.SAME


def convert(path: str):
    return Converter(open(path, "rb").read()).run()


class Converter:
    def __init__(self, data: bytes):
        self.model = tflite.Model.GetRootAsModel(data, 0)
        self.graph = self.model.Subgraphs(0)
        self.build = GraphBuilder("blazeface_full_range")
        self.values = {}
        self.constants = {}

    def run(self):
        x = self.build.node("Mul", ["image", self.build.constant(np.array(1 / 127.5, np.float32))])
        x = self.build.node("Sub", [x, self.build.constant(np.array(1.0, np.float32))])
        self.values[self.graph.Inputs(0)] = x
        for index in range(self.graph.OperatorsLength()):
            self.operator(self.graph.Operators(index))
        boxes, scores = (self.values[self.graph.Outputs(i)] for i in range(2))
        self.build.rename(boxes, "boxes")
        self.build.rename(scores, "scores")
        return self.build.model(
            [("image", [1, 3, "height", "width"])],
            [("boxes", [1, "cells", 16]), ("scores", [1, "cells", 1])],
            "BlazeFace full range (MediaPipe, Apache-2.0), converted; see MODEL.md.",
        )

    def operator(self, op):
        code = self.model.OperatorCodes(op.OpcodeIndex())
        name = BUILTIN[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(index) for index in op.InputsAsNumpy()]
        output = int(op.Outputs(0))
        if name == "DEQUANTIZE":
            self.constants[output] = self.constant(inputs[0])
        else:
            self.values[output] = getattr(self, name.lower())(op, inputs, output)

    def constant(self, index: int) -> np.ndarray:
        if index in self.constants:
            return self.constants[index]
        tensor = self.graph.Tensors(index)
        kinds = {tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.INT32: np.int32}
        data = self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(data, kinds[tensor.Type()]).reshape(tensor.ShapeAsNumpy())

    def shape(self, index: int) -> list[int]:
        return [int(side) for side in self.graph.Tensors(index).ShapeAsNumpy()]

    @staticmethod
    def options(op, kind):
        options = kind()
        table = op.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        return options

    def same_pads(self, options, x: int, kernel: int) -> list[int]:
        """TensorFlow's SAME: what is odd goes to the end. Right for every size that is a multiple of 32."""
        if options.Padding() != SAME:
            return [0, 0, 0, 0]
        side, stride = self.shape(x)[1], options.StrideH()
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        return [total // 2, total // 2, total - total // 2, total - total // 2]

    def activated(self, options, x: str) -> str:
        kind = options.FusedActivationFunction()
        if kind == tflite.ActivationFunctionType.NONE:
            return x
        if kind == tflite.ActivationFunctionType.RELU:
            return self.build.node("Relu", [x])
        raise ValueError(f"fused activation {kind}")

    def conv_2d(self, op, inputs, _):
        options = self.options(op, tflite.Conv2DOptions)
        weight = self.constant(inputs[1]).transpose(0, 3, 1, 2)
        pads = self.same_pads(options, inputs[0], weight.shape[2])
        bias = self.constant(inputs[2])
        return self.activated(options, self.build.conv(self.values[inputs[0]], weight, bias, options.StrideH(), pads))

    def depthwise_conv_2d(self, op, inputs, _):
        options = self.options(op, tflite.DepthwiseConv2DOptions)
        weight = self.constant(inputs[1]).transpose(3, 0, 1, 2)
        pads = self.same_pads(options, inputs[0], weight.shape[2])
        bias, group = self.constant(inputs[2]), weight.shape[0]
        x = self.build.conv(self.values[inputs[0]], weight, bias, options.StrideH(), pads, group)
        return self.activated(options, x)

    def max_pool_2d(self, op, inputs, _):
        options = self.options(op, tflite.Pool2DOptions)
        kernel, stride = options.FilterHeight(), options.StrideH()
        pads = self.same_pads(options, inputs[0], kernel)
        return self.build.node(
            "MaxPool", [self.values[inputs[0]]], kernel_shape=[kernel, kernel], strides=[stride, stride], pads=pads
        )

    def pad(self, _op, inputs, _):
        n, h, w, c = (tuple(int(v) for v in row) for row in self.constant(inputs[1]))
        if any(row != (0, 0) for row in (n, h, w)) or c[0] != 0:
            raise ValueError("only channels are padded here")
        return self.build.pad(self.values[inputs[0]], [0, c[1], 0, 0])

    def relu(self, _op, inputs, _):
        return self.build.node("Relu", [self.values[inputs[0]]])

    def add(self, op, inputs, _):
        options = self.options(op, tflite.AddOptions)
        return self.activated(options, self.build.node("Add", [self.values[i] for i in inputs]))

    def resize_bilinear(self, op, inputs, output):
        options = self.options(op, tflite.ResizeBilinearOptions)
        before, after = self.shape(inputs[0]), self.shape(output)
        if options.AlignCorners() or not options.HalfPixelCenters() or after[1] != 2 * before[1]:
            raise ValueError("only doubling with half-pixel centres is known here")
        scales = self.build.constant(np.array([1, 1, 2, 2], np.float32))
        return self.build.node(
            "Resize", [self.values[inputs[0]], "", scales], mode="linear", coordinate_transformation_mode="half_pixel"
        )

    def reshape(self, _op, inputs, output):
        """[1, C, H, W] to [1, H*W, C]: the order of NHWC, of any size."""
        x = self.build.node("Transpose", [self.values[inputs[0]]], perm=[0, 2, 3, 1])
        shape = self.build.constant(np.array([1, -1, self.shape(output)[2]], np.int64))
        return self.build.node("Reshape", [x, shape])
