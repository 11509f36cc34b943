#!/usr/bin/env python3
"""Measurements with PyTorch: answers each line of JSON on standard input with a line of JSON on standard output.

    python pytorch_peer.py --model DIR --device cuda

DIR holds the model as Hugging Face folders f32 and bf16, and logits.f32: what the CPU computed behind a known prompt.
Requests: {"what": "check"}, {"what": "training", "count": 8, "length": 128, "runs": 10, "autocast": false, "parts": 1,
"precision": "highest"}, {"what": "decode", "weights": "f32", "count": 1, "length": 128, "runs": 3, "precision":
"highest"}. Answers have tokens_per_second, the median of the runs, and peak_mib: on a GPU what the process took of its
memory besides the driver's own, else the most it had resident. A training batch that does not fit is tried in parts.
"""

import argparse
import array
import gc
import json
import statistics
import sys
from pathlib import Path

import measure

MIB = 1 << 20
MOST_PARTS = 16


def say(**answer):
    print(json.dumps(answer), flush=True)


try:
    measure.clean_environment()
    import torch
    import pytorch_work
except ImportError as e:
    say(problem=f"{sys.executable} has not what is needed: {e}")
    sys.exit(1)


class Peer:
    def __init__(self, folder, device):
        self.folder = Path(folder)
        self.device = device
        if device == "cuda":
            torch.cuda.init()
            torch.ones(1, device=device)
            torch.cuda.empty_cache()
            self.free_before = torch.cuda.mem_get_info()[0]

    def load(self, weights):
        return pytorch_work.load(self.folder / weights, weights, self.device)

    def peak_mib(self):
        """Empties the cache, in which PyTorch keeps freed memory."""
        if self.device == "cuda":
            return (self.free_before - torch.cuda.mem_get_info()[0]) / MIB
        return measure.peak_memory_mib()

    def release(self):
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def answer(self, request):
        torch.manual_seed(42)
        torch.set_float32_matmul_precision(request.get("precision", "highest"))
        try:
            return dict(check=self.check, training=self.training, decode=self.decode)[request["what"]](request)
        finally:
            self.release()

    def check(self, _):
        expected = array.array("f")
        expected.frombytes((self.folder / "logits.f32").read_bytes())
        expected = torch.tensor(expected)
        vocabulary = len(expected)
        tokens = torch.tensor([[(i * 7919 + 13) % vocabulary for i in range(64)]], device=self.device)
        with torch.inference_mode():
            logits = self.load("f32").eval()(tokens).logits[0, -1].float().cpu()
        error = float((logits - expected).norm() / expected.norm())
        versions = ", ".join(f"{name} {version}" for name, version in pytorch_work.versions().items())
        if not error < 1e-3:
            return dict(problem=f"{versions}: logits differ by {error:.1e} of their norm")
        return dict(error=error, versions=versions)

    def training(self, request):
        parts = request["parts"]
        while True:
            try:
                speeds, _ = pytorch_work.train(
                    self.load("f32"), request["count"], request["length"], request["runs"], warmup=3,
                    autocast=request["autocast"], fused=self.device == "cuda", parts=parts,
                )
                return dict(tokens_per_second=statistics.median(speeds), peak_mib=self.peak_mib(), parts=parts)
            except torch.OutOfMemoryError:
                if parts >= MOST_PARTS or request["count"] % (2 * parts) != 0:
                    return dict(problem=f"out of memory, also in {parts} parts")
                parts *= 2
            self.release()  # after the exception is released, which refers to tensors

    def decode(self, request):
        model = self.load(request["weights"]).eval()
        prompt = torch.randint(0, model.config.vocab_size - 1, (1, 16), device=self.device)
        count, length = request["count"], request["length"]
        pytorch_work.generate(model, prompt, count, min(length, 8), sample=False)
        speeds = [
            count * length / pytorch_work.generate(model, prompt, count, length, sample=False)
            for _ in range(request["runs"])
        ]
        return dict(tokens_per_second=statistics.median(speeds), peak_mib=self.peak_mib())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--device", choices=["cpu", "cuda"], required=True)
    options = arguments.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        say(problem=f"PyTorch {torch.__version__} sees no CUDA device")
        sys.exit(1)
    peer = Peer(options.model, options.device)
    say(versions=pytorch_work.versions())
    for line in sys.stdin:
        try:
            say(**peer.answer(json.loads(line)))
        except Exception as e:
            say(problem=f"{type(e).__name__}: {e}"[:400])


if __name__ == "__main__":
    main()
