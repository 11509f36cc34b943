"""Writes the tables in src/test/resources/golden/tables, and beside them, as JSON, what Hugging Face's datasets reads.

Made with pyarrow 26.0.1, datasets 5.2.0, pandas 3.1.1 and zstandard:
    python make_golden_tables.py
"""

import gzip
import json
import random
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import load_dataset

OUT = Path(__file__).parent.parent / "resources" / "golden" / "tables"
LANGUAGES = ["Python", "Java", "C", "Go"]
PIECES = ["def f(x):\n", "    return x", "naïve café", "\u4e2d\u6587", "\U0001f600", '"quoted"', "a,b;c\t", "\r\n", "'", ""]


def rows(count, seed):
    r = random.Random(seed)
    return [
        {
            "code": None if r.random() < 0.05 else "".join(r.choice(PIECES) for _ in range(r.randrange(1, 30))),
            "language": r.choice(LANGUAGES),
            "size": r.randrange(1 << 40),
            "stars": None if r.random() < 0.2 else r.randrange(100),
            "score": round(r.random(), 6),  # of a JSON array, datasets keeps 10 digits
            "fork": r.random() < 0.5,
        }
        for _ in range(count)
    ]


SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("language", pa.string()),
        ("size", pa.int64()),
        ("stars", pa.int32()),
        ("score", pa.float64()),
        ("fork", pa.bool_()),
    ]
)


def parquet():
    table = pa.Table.from_pylist(rows(300, 1), schema=SCHEMA)
    variants = {
        "snappy": dict(compression="snappy"),
        "zstd": dict(compression="zstd"),
        "gzip": dict(compression="gzip"),
        "brotli": dict(compression="brotli"),
        "lz4": dict(compression="lz4"),
        "plain": dict(compression="none", use_dictionary=False),
        "v2": dict(compression="snappy", data_page_version="2.0", version="2.6"),
        "index": dict(compression="zstd", write_page_index=True, write_page_checksum=True),
        "delta": dict(
            compression="none",
            use_dictionary=False,
            column_encoding={"code": "DELTA_LENGTH_BYTE_ARRAY", "language": "DELTA_BYTE_ARRAY", "size": "DELTA_BINARY_PACKED"},
        ),
    }
    for name, options in variants.items():
        pq.write_table(table, OUT / f"code-{name}.parquet", row_group_size=70, data_page_size=700, **options)
    nested = pa.table(
        {
            "id": pa.array([1, 2]),
            "tags": pa.array([["a"], ["b", "c"]]),
            "repo": pa.array([{"name": "x"}, {"name": "y"}]),
            "text": pa.array(["one", "two"]),
            "when": pa.array([b"0123456789ab", b"ba9876543210"], pa.binary(12)),
        }
    )
    pq.write_table(nested, OUT / "nested.parquet")
    pq.write_table(table.slice(0, 0), OUT / "empty.parquet")


def large():
    """40 row groups, uncompressed and compressible as a whole: 20 MB that take little place here."""
    line = "value = compute(value, other) # repeated\n"
    count = 2000
    table = pa.table(
        {
            "junk": [f"{i} " + "." * 5000 for i in range(count)],
            "code": [f"# {i}\n" + line * 120 for i in range(count)],
            "language": ["Python" if i % 3 == 0 else "Java" for i in range(count)],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.parquet")
        pq.write_table(table, path, row_group_size=50, compression="none", use_dictionary=["language"])
        (OUT / "large.parquet.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def csv_and_json():
    table = pa.Table.from_pylist(rows(60, 2), schema=SCHEMA).to_pandas()
    table.to_csv(OUT / "code.csv", index=False)
    table.to_csv(OUT / "code.tsv", index=False, sep="\t")
    lines = "".join(json.dumps(row, ensure_ascii=i % 2 == 0) + "\n" for i, row in enumerate(rows(60, 3)))
    (OUT / "code.jsonl").write_text(lines, encoding="utf-8")
    (OUT / "array.json").write_text(json.dumps(rows(20, 4), ensure_ascii=False, indent=1), encoding="utf-8")
    (OUT / "lines.txt").write_bytes("first\n\nthird ü\r\nlast without end".encode())
    (OUT / "code.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    import zstandard

    (OUT / "code.jsonl.zst").write_bytes(zstandard.compress(lines.encode()))


def read(kind, name, **options):
    with tempfile.TemporaryDirectory() as cache:
        data = load_dataset(kind, data_files=str(OUT / name), split="train", cache_dir=cache, **options)
        return data.to_list()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    parquet()
    large()
    csv_and_json()
    expected = {
        "code.parquet": read("parquet", "code-snappy.parquet"),
        "code.csv": read("csv", "code.csv"),
        "code.tsv": read("csv", "code.tsv", sep="\t"),
        "code.jsonl": read("json", "code.jsonl"),
        "array.json": read("json", "array.json"),
        "lines.txt": read("text", "lines.txt"),
    }
    (OUT / "expected.json").write_text(json.dumps(expected, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
