#!/usr/bin/python3
"""Stores the weights of an exported model in 8 bits, a quarter of their size.

    quantise.py model.onnx model_quantized.onnx

Weights become integers of -127 to 127 and a scale (one per matrix, as the default of ONNX Runtime's own quantiser is);
what they are multiplied with is quantised while the model runs:
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html#dynamic-quantization
Norms, biases and positions stay as they are. The token embeddings are stored once, for both of their uses.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Quantised:
    """The weights that were quantised so far, each under the name of its initializer."""

    def __init__(self, graph: onnx.GraphProto):
        self.floats = {tensor.name: tensor for tensor in graph.initializer}
        self.initializers = []
        self.done = {}

    def is_matrix(self, name: str) -> bool:
        return name in self.floats and len(self.floats[name].dims) == 2

    def names(self, name: str) -> tuple:
        """The names of the integers and of the scale."""
        if name not in self.done:
            weights = numpy_helper.to_array(self.floats[name])
            scale = np.float32(np.abs(weights).max() / 127) or np.float32(1)
            integers = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
            self.done[name] = (f"{name}_quantized", f"{name}_scale")
            self.initializers.append(numpy_helper.from_array(integers, f"{name}_quantized"))
            self.initializers.append(numpy_helper.from_array(np.array(scale), f"{name}_scale"))
        return self.done[name]


def product(node, integers: str, scale: str) -> list:
    """Instead of a MatMul: both sides as integers, and the sum times both scales."""
    left, out = node.input[0], node.output[0]
    make = helper.make_node
    return [
        make("DynamicQuantizeLinear", [left], [f"{out}_left", f"{out}_left_scale", f"{out}_left_zero"]),
        make("MatMulInteger", [f"{out}_left", integers, f"{out}_left_zero"], [f"{out}_sum"]),
        make("Cast", [f"{out}_sum"], [f"{out}_float"], to=TensorProto.FLOAT),
        make("Mul", [f"{out}_left_scale", scale], [f"{out}_scale"]),
        make("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]


def lookup(node, integers: str, scale: str) -> list:
    """Instead of a Gather of embeddings: of integers, times their scale."""
    out = node.output[0]
    return [
        helper.make_node("Gather", [integers, node.input[1]], [f"{out}_integers"]),
        helper.make_node("Cast", [f"{out}_integers"], [f"{out}_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{out}_float", scale], [out]),
    ]


def quantise(source: Path, target: Path) -> None:
    model = onnx.load(str(source))
    graph = model.graph
    weights = Quantised(graph)
    multiplied = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    transposed = {}  # output of a Transpose of weights → the name of its scale
    nodes = []
    for node in graph.node:
        if node.op_type == "Transpose" and weights.is_matrix(node.input[0]) and node.output[0] in multiplied:
            node.input[0], transposed[node.output[0]] = weights.names(node.input[0])
            nodes.append(node)
        elif node.op_type == "MatMul" and node.input[1] in transposed:
            nodes += product(node, node.input[1], transposed[node.input[1]])
        elif node.op_type == "Gather" and weights.is_matrix(node.input[0]):
            nodes += lookup(node, *weights.names(node.input[0]))
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *weights.initializers])
    onnx.save(model, str(target))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    quantise(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
