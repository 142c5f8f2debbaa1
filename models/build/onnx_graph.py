"""A small builder of ONNX graphs whose weights are stored in half precision.

Weights are stored as f16 and cast to f32 in the graph: half the size on disk, computed in full precision.
Names count up in the order of the calls and nothing depends on the time or the machine, so that the same
input gives the same bytes.
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 13
IR_VERSION = 8


class GraphBuilder:
    def __init__(self, name: str):
        self.name = name
        self.nodes = []
        self.initializers = []
        self.counter = 0

    def fresh(self, stem: str) -> str:
        self.counter += 1
        return f"{stem}_{self.counter}"

    def constant(self, value: np.ndarray, stem: str = "const") -> str:
        """A constant kept as it is."""
        name = self.fresh(stem)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, value: np.ndarray) -> str:
        """A weight stored as f16 and cast back to f32 in the graph."""
        half = value.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError("a weight does not fit into half precision")
        return self.node("Cast", [self.constant(half, "weight")], to=TensorProto.FLOAT)

    def node(self, op: str, inputs: list[str], **attributes) -> str:
        output = self.fresh(op.lower())
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x: str, weight: np.ndarray, bias: np.ndarray | None, stride: int, pads: list[int], group: int = 1) -> str:
        inputs = [x, self.weight(weight)]
        if bias is not None:
            inputs.append(self.constant(bias.astype(np.float32), "bias"))
        kernel = list(weight.shape[2:])
        return self.node("Conv", inputs, kernel_shape=kernel, strides=[stride, stride], pads=pads, group=group)

    def pad(self, x: str, ends: list[int]) -> str:
        """Zeros behind the end of each of the four axes."""
        return self.node("Pad", [x, self.constant(np.array([0, 0, 0, 0, *ends], np.int64))], mode="constant")

    def rename(self, value: str, name: str) -> str:
        """Gives the output of the last node that made `value` a name of its own."""
        for node in self.nodes:
            if value in node.output:
                node.output[list(node.output).index(value)] = name
                return name
        raise ValueError(f"no node makes {value}")

    def model(self, inputs, outputs, doc: str):
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
            self.initializers,
            doc_string=doc,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="ostiary")
        model.ir_version = IR_VERSION
        checker.check_model(model, full_check=True)
        return model
