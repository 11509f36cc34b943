#!/usr/bin/env python3
"""Round trips between ggml4j and the real transformers, safetensors, llama.cpp and huggingface_hub. See README.md."""
import argparse
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
sys.dont_write_bytecode = True

import suite

GROUPS = ["transformers", "tokenizer", "published", "llama", "quantization", "hub", "perplexity", "mutation"]


def main():
    environment = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama-bin", type=Path, default=environment("LLAMA_BIN"), help="folder with llama.cpp's tools and libraries")
    parser.add_argument("--llama-source", type=Path, default=environment("LLAMA_SOURCE"), help="llama.cpp's sources, of the same version")
    parser.add_argument("--exact-cpu", type=Path, default=environment("LLAMA_EXACT_CPU"),
                        help="a libggml-cpu.so.0 of llama.cpp that computes GELU instead of looking it up")
    parser.add_argument("--text", type=Path, default=environment("INTEROP_TEXT"), help="an English text of at least 200 kB, for perplexity and imatrix")
    parser.add_argument("--tf-python", type=Path, default=environment("TF_PYTHON"), help="a Python with tensorflow, to write OpenAI's checkpoints")
    parser.add_argument("--mutants", type=int, default=1000, help="how often each kind of file is damaged; default: %(default)s")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS", help="only cases whose name has these words")
    parser.add_argument("--groups", default=",".join(GROUPS), help="default: %(default)s")
    parser.add_argument("--large", action="store_true", help="also GPT-2 of the published sizes (8 GB of memory)")
    parser.add_argument("--work", type=Path, help="a folder to leave all files in; default: a temporary one")
    options = parser.parse_args()

    if options.llama_source:  # Its own package gguf knows all of its types
        sys.path.insert(0, str(options.llama_source / "gguf-py"))
    work = options.work or Path(tempfile.mkdtemp(prefix="interop-"))
    work.mkdir(parents=True, exist_ok=True)
    rows = []
    try:
        with open(work / "log.txt", "a") as log:
            ggml4j = suite.Ggml4j(Path(__file__).resolve().parent.parent, log)
            ggml4j.work = work
            tools = suite.Tools(ggml4j, work, sys.executable, options.llama_bin, options.llama_source, options.exact_cpu, options.text, options.tf_python, options.mutants)
            groups = options.groups.split(",")
            for group in groups:
                importlib.import_module(group + "_cases")
            rows = suite.run_all(tools, groups, options.only, options.large, show)
            ggml4j.close()
    finally:
        if options.work is None:
            shutil.rmtree(work, ignore_errors=True)
    counts = {word: sum(row[2] == word for row in rows) for word in ("pass", "FAIL", "skip")}
    print(f"\n{counts['pass']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    sys.exit(1 if counts["FAIL"] or not counts["pass"] else 0)


def show(row):
    print(f"{row[2]} | {row[0]} | {row[1]} | {row[3]} | {row[4]:.1f} s", flush=True)


if __name__ == "__main__":
    main()
