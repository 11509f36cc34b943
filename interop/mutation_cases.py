"""Damaged files of every format, through the whole of ggml4j in one process with little memory."""
import re
import shutil
import subprocess
from pathlib import Path

import torch

import fixtures
from suite import case, check
from transformers_cases import DTYPES


def tiny():
    return fixtures.model(41, fixtures.config(vocab_size=300, n_positions=40, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0))


def tokenizer(folder):
    import tokenizers
    from transformers import GPT2Tokenizer

    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator(fixtures.TEXTS * 20, vocab_size=300, min_frequency=2, special_tokens=["<|endoftext|>"])
    trained.save_model(str(folder))
    loaded = GPT2Tokenizer.from_pretrained(folder)
    loaded.save_pretrained(folder)
    trained.save_model(str(folder))


def fuzz(tools, folder, opened, names, limit_mb=96):
    work = tools.ggml4j.root / "target" / "launcher"
    java = (work / "jdk").read_text().strip() + "/bin/java"
    memory = Path("/dev/shm") / f"interop-{folder.name}"
    shutil.rmtree(memory, ignore_errors=True)
    shutil.copytree(folder, memory)
    try:
        result = subprocess.run(
            [java, "--enable-native-access=ALL-UNNAMED", "-Xmx96m", "-XX:+UseSerialGC", f"-Dggml4j.native.dir={(work / 'built').read_text().strip()}",
             "-cp", str(work / "app" / "*"), str(Path(__file__).with_name("Mutate.java")), str(memory), opened, ",".join(names), str(tools.mutants), "1"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=3600)
        for kept in memory.glob("*.mutant*"):
            shutil.copy(kept, tools.work)
    finally:
        shutil.rmtree(memory, ignore_errors=True)
    tools.ggml4j.log.write(result.stdout)
    check(result.returncode == 0, f"exit code {result.returncode}: {result.stdout.strip()[-350:]}")
    grown = int(re.search(r"grown by (-?\d+) MB", result.stdout)[1])
    check(grown < limit_mb, result.stdout)
    return result.stdout.strip()


def source(tools):
    def make():
        made, folder = tiny(), tools.folder("fuzz-source")
        made.save_pretrained(folder)
        tokenizer(folder)
        return folder, made

    return tools.once("fuzz", make)


def folder_case(name, names, write):
    @case("damaged files", name)
    def run(tools):
        folder, made = tools.folder("fuzz-" + re.sub(r"\W+", "-", name)), source(tools)[1]
        for path in source(tools)[0].iterdir():
            if path.suffix != ".safetensors" and path.name != "model.safetensors.index.json":
                shutil.copy(path, folder)
        write(folder, made)
        return fuzz(tools, folder, ".", names)


folder_case("safetensors", ["model.safetensors"], lambda folder, made: fixtures.save_safetensors(folder, fixtures.state(made)))
folder_case("safetensors in shards", ["model.safetensors.index.json", "model-00001-of-00003.safetensors"],
            lambda folder, made: fixtures.save_safetensors(folder, fixtures.state(made, torch.float16), 3))
folder_case("pytorch_model.bin, zip", ["pytorch_model.bin"], lambda folder, made: fixtures.save_torch(folder, fixtures.state(made, buffers=torch.uint8)))
folder_case("pytorch_model.bin, legacy", ["pytorch_model.bin"], lambda folder, made: fixtures.save_torch(folder, fixtures.state(made, torch.bfloat16), zipped=False))
folder_case("pytorch_model.bin in shards", ["pytorch_model.bin.index.json", "pytorch_model-00002-of-00003.bin"],
            lambda folder, made: fixtures.save_torch(folder, fixtures.state(made), 3))
folder_case("config.json", ["config.json", "generation_config.json"], lambda folder, made: fixtures.save_safetensors(folder, fixtures.state(made)))
folder_case("tokenizer.json", ["tokenizer.json", "tokenizer_config.json"], lambda folder, made: fixtures.save_safetensors(folder, fixtures.state(made)))


def no_tokenizer_json(folder, made):
    (folder / "tokenizer.json").unlink()
    fixtures.save_safetensors(folder, fixtures.state(made))


folder_case("vocab.json and merges.txt", ["vocab.json", "merges.txt"], no_tokenizer_json)


def file_case(name, opened, names, write):
    @case("damaged files", name)
    def run(tools):
        folder = tools.folder("fuzz-" + re.sub(r"\W+", "-", name))
        write(tools, folder)
        return fuzz(tools, folder, opened, names)


for dtype in ("f16", "q8_0", "q4_0", "iq4_nl"):
    file_case(f"GGUF, {dtype}", "model.gguf", ["model.gguf"], lambda tools, folder, dtype=dtype: tools.ggml4j.ask("save", source(tools)[0], folder / "model.gguf", dtype))


def golden(name):
    def write(tools, folder):
        shutil.copytree(tools.ggml4j.root / "java-api/src/test/resources/golden/readers" / name, folder, dirs_exist_ok=True)

    return write


file_case("TensorFlow checkpoint", ".", ["model.ckpt.index", "model.ckpt.data-00000-of-00001", "hparams.json", "checkpoint"], golden("tensorflow"))
file_case("TensorFlow checkpoint, compressed", ".", ["model-20.index"], golden("tensorflow-snappy"))
for version in (1, 3, 5):
    file_case(f"llm.c, version {version}", f"llmc-v{version}.bin", [f"llmc-v{version}.bin"],
              lambda tools, folder, version=version: shutil.copy(tools.ggml4j.root / f"java-api/src/test/resources/golden/readers/llmc-v{version}.bin", folder))


def imatrix(tools, folder):
    text = tools.work / "fuzz.txt"
    text.write_text(" ".join(fixtures.TEXTS[:3]) * 20)
    tools.ggml4j.command("imatrix", "--model", source(tools)[0], "--output", folder / "imatrix.gguf", "--context", "40", text)


file_case("importance matrix, GGUF", "imatrix.gguf", ["imatrix.gguf"], imatrix)
