"""Writes the two resources of the tokenizer package.

gpt2-merges.bin: GPT-2's 50,000 merges in order of rank, each as two little-endian uint16 token ids. The
vocabulary follows from them: ids 0 to 255 are the bytes in the order of the byte-to-character map, id 256 + r is
what merge r makes, and 50256 is <|endoftext|>.

character-classes.txt: the code points that Hugging Face's tokenizers take for letters (L), numbers (N) and white
space (S) when they split text into words, for word characters (W) and white space (T) around added tokens, and for
digits (D) in the pre-tokenizer Digits. The three come from different libraries with tables of their own.

    python make_tokenizer_tables.py VOCABULARY.gguf OUTPUT_FOLDER

VOCABULARY.gguf is llama.cpp's models/ggml-vocab-gpt-2.gguf.
"""

import struct
import sys
from pathlib import Path

import tokenizers
from gguf import GGUFReader
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def merges(vocabulary: Path, target: Path) -> None:
    fields = GGUFReader(vocabulary).fields

    def strings(key):
        return fields[key].contents()

    tokens = strings("tokenizer.ggml.tokens")
    ids = {token: i for i, token in enumerate(tokens)}
    pairs = [merge.split(" ") for merge in strings("tokenizer.ggml.merges")]
    assert len(tokens) == 50257 and len(pairs) == 50000
    for rank, (left, right) in enumerate(pairs):
        assert ids[left + right] == 256 + rank
    target.write_bytes(b"".join(struct.pack("<HH", ids[a], ids[b]) for a, b in pairs))


def ranges(points):
    first = last = None
    for c in points:
        if last is not None and c == last + 1:
            last = c
            continue
        if first is not None:
            yield first, last
        first = last = c
    if first is not None:
        yield first, last


def split_class(pattern: str):
    text = "".join(map(chr, POINTS))
    # "removed" keeps what does not match, with its offsets
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    kept = set()
    for _, (start, end) in split.pre_tokenize_str(text):
        kept.update(range(start, end))
    return [c for i, c in enumerate(POINTS) if i not in kept]


def digits():
    text = "".join(map(chr, POINTS))
    split = pre_tokenizers.Digits(individual_digits=True)
    pieces = split.pre_tokenize_str("a" + text.replace("a", "b"))
    single = [start - 1 for _, (start, end) in pieces if end == start + 1 and start > 0]
    return [c for c in (POINTS[i] for i in single) if len(split.pre_tokenize_str("a" + chr(c) + "a")) == 3]


def around_added(kind: str):
    """What the added-token matcher takes for a word character or for white space to strip."""
    model = models.BPE(vocab={"u": 0}, merges=[], unk_token="u")
    tokenizer = Tokenizer(model)
    mark = "\U0010fffd" if kind == "W" else "\U0010fffc"
    tokenizer.add_tokens([AddedToken(mark, single_word=kind == "W", rstrip=kind == "T", normalized=False)])
    result = []
    for c in POINTS:
        encoding = tokenizer.encode(mark + chr(c))
        if kind == "W":
            if chr(c) != mark and 1 not in encoding.ids:
                result.append(c)
        elif encoding.offsets[0] == (0, 2):
            result.append(c)
    return result


def classes(target: Path) -> None:
    with target.open("w", encoding="ascii", newline="\n") as out:
        out.write(f"# Made by make_tokenizer_tables.py with tokenizers {tokenizers.__version__}\n")
        found = [("L", split_class(r"\p{L}+")), ("N", split_class(r"\p{N}+")), ("S", split_class(r"\s+"))]
        found += [(kind, around_added(kind)) for kind in "WT"]
        found.append(("D", digits()))
        for name, points in found:
            for first, last in ranges(points):
                out.write(f"{name} {first:x}\n" if first == last else f"{name} {first:x} {last:x}\n")


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    merges(Path(sys.argv[1]), folder / "gpt2-merges.bin")
    classes(folder / "character-classes.txt")
