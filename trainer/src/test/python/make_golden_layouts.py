"""Writes layouts.json: which files of a repository Hugging Face's datasets takes for which split.

Made with datasets 5.2.0:
    python make_golden_layouts.py
"""

import json
import os
import tempfile
from pathlib import Path

from datasets import load_dataset_builder

OUT = Path(__file__).parent.parent / "resources" / "golden" / "layouts.json"
SHARDS = [f"data/{split}-{i:05d}-of-00002.parquet" for split in ("train", "test", "extra") for i in range(2)]


def card(text):
    return f"---\nlicense: mit\n{text}\n---\n# A dataset\n"


CASES = [
    ("shards", SHARDS, None, None),
    ("shards with hash", ["data/train-00000-of-00001-abcdef.parquet", "data/validation-00000-of-00001-0123.parquet"], None, None),
    ("single file", ["books.jsonl"], None, None),
    ("files with other files", ["a.csv", "b.csv", "LICENSE", "img/x.bin", ".hidden.csv", "__cache/y.csv", "README.md"], "# none\n", None),
    ("names", ["train.csv", "test.csv", "valid.csv"], None, None),
    ("names within", ["my-train-set.csv", "my_dev.csv", "eval_1.csv", "other.csv"], None, None),
    ("names in folders", ["x/train.jsonl.gz", "x/y/val_2.jsonl.gz"], None, None),
    ("folders", ["train/a.txt", "train/deep/b.txt", "testing/c.txt", "validation-set/d.txt", "loose.txt"], None, None),
    ("folders within", ["en-train/a.csv", "en_test/b.csv"], None, None),
    ("no keyword", ["training2.csv", "trainer.csv", "contest.csv"], None, None),
    ("mixed formats", ["a.csv", "b.csv", "c.jsonl"], None, None),
    ("a draw", ["a.csv", "c.parquet"], None, None),
    ("tsv", ["train.tsv", "test.tsv"], None, None),
    ("card: string", ["a.csv", "b.csv"], card("configs:\n- config_name: default\n  data_files: b.csv"), None),
    ("card: list", ["a.csv", "b.csv", "c.csv"], card("configs:\n- config_name: default\n  data_files:\n  - b.csv\n  - a.csv"), None),
    (
        "card: splits",
        ["x/1.csv", "x/2.csv", "y/3.csv", "y/z/4.csv"],
        card("configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: x/*\n  - split: test\n    path:\n    - y/*.csv\n    - y/z/*"),
        None,
    ),
    (
        "card: configs",
        ["en/train-0.parquet", "fr/train-0.parquet"],
        card("configs:\n- config_name: en\n  data_files: en/*\n- config_name: fr\n  data_files: fr/*"),
        "fr",
    ),
    (
        "card: default config",
        ["en/train-0.parquet", "fr/train-0.parquet"],
        card("configs:\n- config_name: en\n  data_files: en/*\n- config_name: fr\n  default: true\n  data_files: fr/*"),
        None,
    ),
    ("card: folder", ["en/train.csv", "en/test.csv", "fr/train.csv"], card("configs:\n- config_name: fr\n  data_dir: fr\n- config_name: en\n  data_dir: en"), "en"),
    ("card: deep", ["d/a.jsonl", "d/e/b.jsonl", "c.jsonl"], card("configs:\n- config_name: default\n  data_files: 'd/**'"), None),
    ("card: name at root only", ["a.csv", "d/a.csv"], card("configs:\n- config_name: default\n  data_files: '*.csv'"), None),
    ("card: no configs", ["train.csv", "test.csv"], card("tags:\n- code"), None),
]


def main():
    results = []
    for name, files, readme, config in CASES:
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
            for file in files:
                path = Path(folder, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("text\nx\n")
            if readme is not None:
                Path(folder, "README.md").write_text(readme)
            builder = load_dataset_builder(folder, config, cache_dir=cache)
            splits = {
                str(split): [os.path.relpath(file, os.path.realpath(folder)) for file in found]
                for split, found in builder.config.data_files.items()
            }
        results.append({"name": name, "files": files, "readme": readme, "config": config, "splits": splits})
    OUT.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
