"""The cache of Python's huggingface_hub, filled by either side and read by the other, offline."""
import hashlib
import http.server
import json
import os
import shutil
import threading
import urllib.parse

import fixtures
from published_cases import COMMON, SPECIAL, sizes, small, tokenizer_files
from suite import case, check, difference
from transformers_cases import LIMIT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "somebody/a-gpt2"


class FakeHub(http.server.ThreadingHTTPServer):
    """Speaks as much of the Hub's protocol as huggingface_hub asks for; files ending with .safetensors are LFS files."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.requests = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def storage(self):
        """Large files are on another host, as the Hub has them; redirects to the same one are followed when asking for names."""
        return f"http://localhost:{self.server_address[1]}"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        files = {str(p.relative_to(self.server.folder)): p for p in sorted(self.server.folder.rglob("*")) if p.is_file()}
        if path in (f"/api/models/{REPO}", f"/api/models/{REPO}/revision/main", f"/api/models/{REPO}/revision/{COMMIT}"):
            return self.answer(200, json.dumps({"_id": "1", "id": REPO, "modelId": REPO, "sha": COMMIT, "private": False, "gated": False, "disabled": False, "tags": [],
                                                "downloads": 0, "likes": 0, "siblings": [{"rfilename": name} for name in files]}).encode(), {"Content-Type": "application/json"})
        if path.startswith(f"/api/models/{REPO}/tree/"):
            entries = []
            for name, file in files.items():
                entry = {"type": "file", "oid": git_oid(file.read_bytes()), "size": file.stat().st_size, "path": name}
                if name.endswith(".safetensors"):
                    entry["lfs"] = {"oid": sha256(file.read_bytes()), "size": entry["size"], "pointerSize": 134}
                entries.append(entry)
            return self.answer(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})
        for revision in ("main", COMMIT):
            prefix = f"/{REPO}/resolve/{revision}/"
            if path.startswith(prefix):
                return self.resolve(files.get(path[len(prefix):]), path[len(prefix):])
        if path.startswith("/lfs/"):
            return self.content(files[path[len("/lfs/"):]].read_bytes(), {"ETag": '"storage"'})
        self.answer(404, b'{"error":"Repository not found"}', {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})

    def resolve(self, file, name):
        if file is None:
            return self.answer(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found", "X-Repo-Commit": COMMIT})
        data = file.read_bytes()
        if name.endswith(".safetensors"):
            return self.answer(302, b"", {"Location": f"{self.server.storage}/lfs/{name}", "X-Repo-Commit": COMMIT, "X-Linked-Size": str(len(data)),
                                          "X-Linked-Etag": f'"{sha256(data)}"', "ETag": f'"{sha256(data)}"'})
        self.content(data, {"X-Repo-Commit": COMMIT, "ETag": f'"{git_oid(data)}"'})

    def content(self, data, headers):
        wanted = self.headers.get("Range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data) - 1), len(data) - 1)
            return self.answer(206, data[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}", "Accept-Ranges": "bytes"})
        self.answer(200, data, {**headers, "Accept-Ranges": "bytes"})

    def answer(self, status, body, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def hub(tools):
    def make():
        made, folder = small(tools), tools.folder("hub-repository")
        (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made)}))
        fixtures.save_safetensors(folder, fixtures.state(made, buffers=None))
        tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"))
        (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
        (folder / "onnx").mkdir(exist_ok=True)
        (folder / "onnx" / "model.onnx").write_bytes(b"large, and needed by nobody here" * 1000)
        return FakeHub(folder)

    return tools.once("hub", make)


def environment(home, endpoint=None):
    """What both sides are told, and nothing else of the Hub's."""
    values = {"HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0" if endpoint else "1"}
    return {**values, "HF_ENDPOINT": endpoint or "http://127.0.0.1:9"}


def python(tools, home, endpoint, script, *arguments):
    return tools.run([tools.python, "-c", script, *arguments], env={**os.environ, **environment(home, endpoint)})


def tree(home):
    root = home / "hub" / ("models--" + REPO.replace("/", "--"))
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = "-> " + os.readlink(path)
        elif path.parent.name == "trees":  # JSON, written with and without spaces
            found[str(path.relative_to(root))] = json.dumps(json.loads(path.read_text()), sort_keys=True)
        elif path.is_file():
            found[str(path.relative_to(root))] = sha256(path.read_bytes())
    return found


def fresh(tools, name):
    home = tools.work / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    return home


@case("huggingface_hub", "Python fills the cache, ggml4j reads it by name, offline")
def python_first(tools):
    server, home = hub(tools), fresh(tools, "home-python")
    python(tools, home, server.url, f"import huggingface_hub as h; print(h.snapshot_download({REPO!r}))")
    before = tree(home)
    out = tools.ggml4j.command("summary", "--model", REPO, environment=environment(home))
    made = small(tools)
    check(f"{made.num_parameters():,}" in out, out[-300:])
    check(tree(home) == before, "the cache was changed")
    tools.ggml4j.command("generate", "--model", REPO, "--prompt", "The sea", "--max-new-tokens", "3", environment=environment(home))
    # A path of the snapshot works as well, for its symbolic links
    path = tools.ggml4j.command("download", REPO, environment=environment(home)).strip()
    ids = fixtures.ids(made.config)
    return difference(tools.ggml4j.logits(path, ids), fixtures.logits(made, ids), LIMIT) + f", {len(before)} entries untouched"


@case("huggingface_hub", "ggml4j fills the cache, Python and transformers read it, offline")
def ours_first(tools):
    server, home = hub(tools), fresh(tools, "home-ours")
    server.requests.clear()
    path = tools.ggml4j.command("download", REPO, environment=environment(home, server.url)).strip()
    check(path.endswith(COMMIT), path)
    check(not any("onnx" in r and "resolve" in r for r in server.requests), "what nobody needs was downloaded")
    script = f"""
import json, sys
import huggingface_hub as h, torch, transformers
# Without patterns Python says what is missing of the whole repository
path = h.snapshot_download({REPO!r}, local_files_only=True, allow_patterns=["*.json", "*.txt", "*.safetensors"])
try:
    whole = h.snapshot_download({REPO!r}, local_files_only=True)
except h.errors.LocalEntryNotFoundError as e:
    assert "README.md, onnx/model.onnx" in str(e), e
file = h.hf_hub_download({REPO!r}, "model.safetensors")
cache = h.scan_cache_dir()
model = transformers.AutoModelForCausalLM.from_pretrained({REPO!r})
tokenizer = transformers.AutoTokenizer.from_pretrained({REPO!r})
with torch.no_grad():
    row = model(torch.tensor([tokenizer("The sea")["input_ids"]])).logits[0, -1]
print(json.dumps([path, file, [str(w) for w in cache.warnings], [(r.repo_id, sorted(r.refs), r.nb_files) for r in cache.repos], row[:5].tolist()]))
"""
    answer = json.loads(python(tools, home, None, script).strip().splitlines()[-1])
    check(answer[0] == path and answer[2] == [] and answer[3][0][:2] == [REPO, ["main"]], str(answer))
    return f"{answer[3][0][2]} files, no warnings"


@case("huggingface_hub", "both fill the cache with the same files and links")
def same(tools):
    server, theirs, mine = hub(tools), fresh(tools, "home-theirs"), fresh(tools, "home-mine")
    python(tools, theirs, server.url, f"import huggingface_hub as h; print(h.snapshot_download({REPO!r}))")
    tools.ggml4j.command("download", REPO, "--all", environment=environment(mine, server.url))
    a, b = ({k: v for k, v in tree(home).items() if not k.startswith(".") and not k.endswith(".lock")} for home in (mine, theirs))
    check(a == b, f"ggml4j alone {sorted(set(a.items()) - set(b.items()))[:4]}, Python alone {sorted(set(b.items()) - set(a.items()))[:4]}")
    return f"{len(a)} entries equal"


@case("huggingface_hub", "an interrupted download of Python's is finished by ggml4j, and the reverse")
def resumed(tools):
    server, home = hub(tools), fresh(tools, "home-resumed")
    python(tools, home, server.url, f"import huggingface_hub as h; print(h.hf_hub_download({REPO!r}, 'config.json'))")
    server.requests.clear()
    tools.ggml4j.command("download", REPO, environment=environment(home, server.url))
    again = [r for r in server.requests if r.startswith("GET") and "resolve" in r and r.endswith("config.json") and "tokenizer" not in r]
    check(not again, f"downloaded again: {again}")
    server.requests.clear()
    python(tools, home, server.url, f"import huggingface_hub as h; print(h.snapshot_download({REPO!r}, allow_patterns=['*.json', '*.txt', '*.safetensors']))")
    again = [r for r in server.requests if r.startswith("GET") and ("resolve" in r or "lfs" in r)]
    check(not again, f"Python downloads again {again}")
    return "neither downloads what the other has"


@case("huggingface_hub", "offline and not cached, not found: exit code 1 and a remedy")
def missing(tools):
    server, home = hub(tools), fresh(tools, "home-missing")
    code, out, errors = tools.ggml4j.command("summary", "--model", REPO, environment=environment(home), code=None)
    check(code == 1 and out == "" and "HF_HUB_OFFLINE" in errors, f"exit code {code}, {errors}")
    code, out, other = tools.ggml4j.command("download", "somebody/nothing", environment=environment(home, server.url), code=None)
    check(code == 1 and out == "" and "somebody/nothing" in other, f"exit code {code}, {other}")
    return f"{errors.strip()[:150]}; {other.strip()[:150]}"
