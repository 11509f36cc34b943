#!/usr/bin/env python3
"""Writes two rows of every quantized type of ggml, and the numbers that they stand for.

    pip install gguf numpy
    python make_golden_types.py LIBGGML_BASE [--output ../resources/golden/formats/rows.gguf]

LIBGGML_BASE is libggml-base.so of the pinned release, whose quantizers write the rows (with every column as important
as another). What they stand for is computed by the gguf package in numpy, which shares no code with ggml, and by ggml
only for types that gguf does not know; both must agree.
"""

import argparse
import ctypes
from pathlib import Path

import gguf
import numpy

COLUMNS, ROWS = 256, 2
NO_WEIGHTS = {"Q8_1", "Q8_K"}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    golden = Path(__file__).resolve().parent.parent / "resources" / "golden"
    arguments.add_argument("library", type=Path)
    arguments.add_argument("--output", type=Path, default=golden / "formats" / "rows.gguf")
    options = arguments.parse_args()
    ggml = ctypes.CDLL(str(options.library))
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int] + [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    rng = numpy.random.default_rng(7)
    rows = (rng.standard_normal((ROWS, COLUMNS)) * 0.05).astype(numpy.float32)
    importance = numpy.ones(COLUMNS, dtype=numpy.float32)
    writer = gguf.GGUFWriter(options.output, "test")
    names = dict((kind.name, int(kind)) for kind in gguf.GGMLQuantizationType)
    names.update(NVFP4=40, Q1_0=41, Q2_0=42)
    sizes = {name: gguf.GGML_QUANT_SIZES.get(kind) for name, kind in names.items()}
    sizes.update(NVFP4=(64, 36), Q1_0=(128, 18), Q2_0=(64, 18))
    for name, kind in names.items():
        block, size = sizes[name]
        if block == 1 or name in NO_WEIGHTS:
            continue
        raw = numpy.zeros((ROWS, COLUMNS // block * size), dtype=numpy.uint8)
        written = ggml.ggml_quantize_chunk(
            kind, rows.ctypes.data, raw.ctypes.data, 0, ROWS, COLUMNS, importance.ctypes.data)
        assert written == raw.nbytes, name
        values = by_ggml(ggml, kind, raw)
        try:
            other = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(kind))
            assert numpy.abs(values - other).max() <= 1e-6 * numpy.abs(other).max(), name
            values, by = other.astype(numpy.float32), "gguf"
        except (NotImplementedError, ValueError) as error:
            by = f"ggml ({error})"
        print(f"{name}: by {by}, error {numpy.abs(values - rows).max():.4f}")
        writer.add_tensor(f"{name}.quantized", raw.view(numpy.int8))
        writer.add_tensor(f"{name}.values", values.reshape(ROWS, COLUMNS).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Traits(ctypes.Structure):
    _fields_ = [
        ("type_name", ctypes.c_char_p), ("blck_size", ctypes.c_int64), ("blck_size_interleave", ctypes.c_int64),
        ("type_size", ctypes.c_size_t), ("is_quantized", ctypes.c_bool), ("to_float", ctypes.c_void_p),
    ]


def by_ggml(ggml, kind, raw):
    ggml.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    to_float = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        ggml.ggml_get_type_traits(kind).contents.to_float)
    values = numpy.zeros((ROWS, COLUMNS), dtype=numpy.float32)
    to_float(raw.ctypes.data, values.ctypes.data, ROWS * COLUMNS)
    return values


if __name__ == "__main__":
    main()
