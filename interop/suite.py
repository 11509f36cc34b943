"""What all cases share: the tools, ggml4j as a partner, measured differences, and the table."""
import dataclasses
import json
import os
import subprocess
import time
import traceback
from pathlib import Path

import numpy as np

CASES = []


@dataclasses.dataclass
class Case:
    group: str
    name: str
    run: object
    needs: tuple = ()
    large: bool = False


def case(group, name, needs=(), large=False):
    """Registers a function of the tools that returns what it measured, and raises when that is wrong."""

    def register(function):
        CASES.append(Case(group, name, function, tuple(needs), large))
        return function

    return register


class Wrong(Exception):
    """A difference beyond what the case allows."""


def check(condition, message):
    if not condition:
        raise Wrong(message)


def difference(ours, theirs, limit, what="logits"):
    """The largest difference relative to the largest value (at least 1), checked against a limit."""
    check(ours.shape == theirs.shape, f"{what} of shape {ours.shape}, expected {theirs.shape}")
    check(np.isfinite(ours).all(), f"{what} that are not finite")
    scale = max(1.0, float(np.abs(theirs).max()))
    largest = float(np.abs(ours.astype(np.float64) - theirs).max()) / scale
    text = f"{what} differ by {largest:.1e} of {scale:.2g}"
    check(largest <= limit, f"{text}, at most {limit:.0e} allowed")
    return text


class Ggml4j:
    """ggml4j: its command line, and Probe.java in a process that stays."""

    def __init__(self, root, log):
        self.root = root
        self.log = log
        self.process = None
        subprocess.run([self.launcher, "version"], check=True, stdout=subprocess.DEVNULL)

    @property
    def launcher(self):
        return str(self.root / "ggml4j")

    def command(self, *arguments, environment=None, code=0, stdin=None):
        """Runs the command line; returns standard output, or with code None (code, output, errors)."""
        result = subprocess.run(
            [self.launcher, *map(str, arguments)],
            capture_output=True,
            text=True,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            errors="replace",
            env={**os.environ, **(environment or {})},
        )
        if code is None:
            return result.returncode, result.stdout, result.stderr
        check(result.returncode == code, f"ggml4j {' '.join(map(str, arguments))}: exit code {result.returncode}, {result.stderr.strip()[-300:]}")
        return result.stdout

    def start(self):
        work = self.root / "target" / "launcher"
        java = (work / "jdk").read_text().strip() + "/bin/java"
        natives = (work / "built").read_text().strip()
        self.process = subprocess.Popen(
            [java, "--enable-native-access=ALL-UNNAMED", "-Xmx1g", "-XX:+UseSerialGC", f"-Dggml4j.native.dir={natives}",
             "-Dstdout.encoding=UTF-8", "-cp", str(work / "app" / "*"), str(Path(__file__).with_name("Probe.java"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def ask(self, *fields):
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.process.stdin.write("\t".join(map(str, fields)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        check(answer, f"ggml4j ended with {self.process.wait() if not answer else 0} while asked for {fields[0]}")
        status, rest = answer.rstrip("\n").split("\t", 1)
        if status != "ok":
            raise Wrong(rest)
        return rest

    def refusal(self, *fields):
        """The message with which a request is refused."""
        try:
            self.ask(*fields)
        except Wrong as e:
            return str(e)
        raise Wrong(f"{fields[0]} was not refused")

    def logits(self, model, ids, kind="logits"):
        file = Path(self.work) / "logits.bin"
        shape = self.ask(kind, model, file, ",".join(map(str, ids))).split("\t")
        return np.fromfile(file, "<f4").reshape(int(shape[0]), int(shape[1]))

    def encode(self, model, text):
        file = Path(self.work) / "text.txt"
        file.write_bytes(text.encode())
        answer = self.ask("encode", model, file)
        return [int(i) for i in answer.split(",")] if answer else []

    def decode(self, model, ids):
        file = Path(self.work) / "text.txt"
        self.ask("decode", model, ",".join(map(str, ids)), file)
        return file.read_bytes().decode()

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


@dataclasses.dataclass
class Tools:
    """Everything a case may use. What was not given is None, and cases that need it are skipped."""

    ggml4j: Ggml4j
    work: Path
    python: str
    llama_bin: Path | None = None
    llama_source: Path | None = None
    exact_cpu: Path | None = None
    text: Path | None = None
    tf_python: Path | None = None
    mutants: int = 1000
    made: dict = dataclasses.field(default_factory=dict)

    def folder(self, name):
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def once(self, key, make):
        """The value of make(), made at the first call."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def run(self, command, **more):
        """Runs a tool; returns its output and errors together."""
        result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, text=True, errors="replace", **more)
        check(result.returncode == 0, f"{Path(str(command[0])).name} failed: {result.stdout.strip()[-300:]}")
        return result.stdout

    def llama(self, tool, *arguments):
        return self.run([self.llama_bin / tool, *arguments])

    def llama_logits(self, gguf, ids, step=False):
        """llama.cpp's logits; with GELU computed, not looked up, where such a library was given."""
        helper = self.once("llama_logits", self.build_llama_logits)
        file = self.work / "llama.bin"
        command = [helper, gguf, ",".join(map(str, ids)), file] + (["--step"] if step else [])
        out = self.run(command, env=self.llama_environment())
        vocabulary = json.loads(out.strip().splitlines()[-1])["vocabulary"]
        return np.fromfile(file, "<f4").reshape(-1, vocabulary)

    def llama_environment(self):
        more = {"LD_PRELOAD": str(self.exact_cpu)} if self.exact_cpu else {}
        return {**os.environ, "LD_LIBRARY_PATH": str(self.llama_bin), **more}

    def build_llama_logits(self):
        helper = self.work / "llama_logits"
        self.run(["g++", "-std=c++17", "-O1", "-o", helper, Path(__file__).with_name("llama_logits.cpp"),
                  f"-I{self.llama_source}/include", f"-I{self.llama_source}/ggml/include", f"-L{self.llama_bin}",
                  "-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{self.llama_bin}", f"-Wl,-rpath-link,{self.llama_bin}"])
        return helper

    @property
    def exact_limit(self):
        """What llama.cpp's table of GELU costs, unless it computes."""
        return 2e-5 if self.exact_cpu else 5e-3


def run_all(tools, groups, only, large, report):
    """Runs the cases, prints a line for each, and returns the rows of the table."""
    rows = []
    for one in CASES:
        label = f"{one.group}: {one.name}"
        if one.run.__module__.removesuffix("_cases") not in groups:
            continue
        if only and not any(word in label for word in only):
            continue
        began = time.monotonic()
        missing = [need for need in one.needs if getattr(tools, need) is None]
        if missing:
            result, measured = "skip", "needs --" + ", --".join(missing).replace("_", "-")
        elif one.large and not large:
            result, measured = "skip", "needs --large"
        else:
            try:
                measured = one.run(tools) or ""
                result = "pass"
            except Exception as e:
                result = "FAIL"
                measured = str(e) if isinstance(e, Wrong) else f"{type(e).__name__}: {e}"
                if not isinstance(e, Wrong):
                    traceback.print_exc(file=tools.ggml4j.log)
        row = (one.group, one.name, result, " ".join(measured.split())[:400], time.monotonic() - began)
        rows.append(row)
        report(row)
    return rows
