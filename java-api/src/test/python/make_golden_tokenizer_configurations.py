"""Writes resources/golden/tokenizers/configurations: one small vocabulary in many folders, and what transformers'
AutoTokenizer makes of texts with each.

    python make_golden_tokenizer_configurations.py resources/golden/tokenizers/configurations

configurations.json holds
  vocabulary, merges    of the small model; the string "@vocab" or "@merges" in a file stands for them, "@model" for
                        the member "model" of tokenizer.json
  folders               for each: name, files (by name: text, or JSON), and what transformers says: size (the highest
                        id plus one), bos, eos and pad (ids or null), and cases: text, ids, special (the mask of special
                        tokens), offsets (in code points), decoded, skipped (decoded without special tokens)
"""

import copy
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import tokenizers
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

END = "<|endoftext|>"
TEXT = """Once upon a time there was a small town near the sea. The people of the town were happy, and the sea was blue.
In the year 1998 a ship came with 240 people; they were not happy. It's late, they'd said, and we'll stay the night."""
TEXTS = [
    "",
    "the sea",
    " the sea",
    "Once upon a time, in 1998, there were 240 ships: it's true.",
    "  two  spaces\n\nand lines \t",
    f"the end{END}the start {END} ",
    "a<pad>b <pad> c  <pad>  d<pad>e",
    "<s>text</s> <unk> <mask>",
    "<x>one<x> <x>  two <x> x<x>x",
    "<y>one<y> <y>  two <y> y<y>y <z> z<z>",
    "caf\u00e9 \u4f60\u597d \U0001f600 \u0661\u0662\u00bd7",
    "123 4567 8\u00b29 x1y22z",
]
GPT2_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
CONFIG = {"model_type": "gpt2"}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}


def trained():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=312, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return {**model["vocab"], END: len(model["vocab"])}, [" ".join(merge) for merge in model["merges"]]


def added(id, content, **flags):
    token = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {**token, **flags}


def typed(content, **flags):
    """A token as tokenizer_config.json holds it."""
    token = {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    return {**token, **flags}


def plain(content, **flags):
    """A token as special_tokens_map.json and added_tokens_decoder hold it."""
    token = typed(content, **flags)
    del token["__type"]
    return token


def tokenizer_json(**changes):
    whole = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(312, END)],
        "normalizer": None,
        "pre_tokenizer": BYTE_LEVEL,
        "post_processor": None,
        "decoder": BYTE_LEVEL,
        "model": "@model",
    }
    return {**whole, **changes}


def model(**changes):
    """The member "model" with changes; the vocabulary stays a reference."""
    options = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": "@vocab", "merges": "@merges",
    }
    return {**options, **changes}


def folders(vocabulary):
    """Name and files of every folder."""

    def with_json(name, config=None, json_changes=None, model_config=CONFIG, **files):
        made = {"tokenizer.json": tokenizer_json(**(json_changes or {})), "config.json": model_config}
        if config is not None:
            made["tokenizer_config.json"] = config
        return name, {**made, **files}

    def with_vocabulary(name, config=None, vocab="@vocab", **files):
        made = {"vocab.json": vocab, "merges.txt": "@merges", "config.json": CONFIG}
        if config is not None:
            made["tokenizer_config.json"] = config
        return name, {**made, **files}

    gpt2 = {"tokenizer_class": "GPT2Tokenizer"}
    no_end = {token: id for token, id in vocabulary.items() if token != END}
    holes = {token: id + (id > 290) + 3 * (id > 300) for token, id in vocabulary.items()}
    five = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}

    # Special tokens that the vocabulary lacks
    yield with_json("pad", {**gpt2, "pad_token": "<pad>"})
    yield with_json("pad of the fast class", {**FAST, "pad_token": "<pad>"})
    yield with_json("pad in the map", gpt2, **{"special_tokens_map.json": {"pad_token": "<pad>"}})
    yield with_json("the map takes precedence", {**gpt2, "pad_token": "<x>"}, **{"special_tokens_map.json": {"pad_token": "<pad>"}})
    yield with_json("the map alone", None, **{"special_tokens_map.json": {"pad_token": "<pad>", "bos_token": "<s>"}})
    yield with_json("five tokens", {**gpt2, **five})
    yield with_json("five tokens of the fast class", {**FAST, **five})
    yield with_vocabulary("five tokens beside vocab.json", {**gpt2, **five})
    yield with_vocabulary("five tokens in the map beside vocab.json", None, **{"special_tokens_map.json": five})
    yield with_json("null tokens", {**gpt2, "bos_token": None, "eos_token": None, "unk_token": None, "pad_token": None})
    yield with_vocabulary("no end of text in the vocabulary", gpt2, no_end)
    yield with_vocabulary("no end of text, other tokens", {**gpt2, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<s>"}, no_end)
    yield with_json("a token of the model's own", {**gpt2, "image_token": "<x>", "pad_token": "<pad>"})
    for key in ("additional_special_tokens", "extra_special_tokens"):
        yield with_json(f"{key} in a list", {**gpt2, key: ["<x>", "<y>", "as"]})
        yield with_json(f"{key} of the fast class", {**FAST, key: ["<x>", "<y>"]})
        yield with_json(f"{key} as objects", {**gpt2, key: [typed("<x>", lstrip=True, special=True), typed("<y>", rstrip=True)]})
        yield with_json(f"{key} in the map", {**gpt2, "pad_token": "<pad>"}, **{"special_tokens_map.json": {key: ["<x>", "<y>"]}})
    yield with_json("both lists", {**gpt2, "additional_special_tokens": ["<x>"], "extra_special_tokens": ["<y>"]})
    yield with_json("an empty list and another", {**gpt2, "additional_special_tokens": ["<x>"], "extra_special_tokens": []})
    yield with_json("extra_special_tokens by name", {**gpt2, "extra_special_tokens": {"image_token": "<x>", "video_token": "<y>"}})
    yield with_json("extra_special_tokens by name in the map", gpt2, **{"special_tokens_map.json": {"extra_special_tokens": {"image_token": "<x>"}}})
    decoder = {"312": plain(END, special=True), "313": plain("<x>", lstrip=True, special=True), "314": plain("<y>", rstrip=True, normalized=True, special=False)}
    yield with_json("added_tokens_decoder", {**gpt2, "added_tokens_decoder": decoder, "pad_token": "<x>"})
    yield with_json("added_tokens_decoder of the fast class", {**FAST, "added_tokens_decoder": decoder, "pad_token": "<y>"})
    yield with_json("added_tokens_decoder hides the map", {**gpt2, "added_tokens_decoder": decoder}, **{"special_tokens_map.json": {"pad_token": "<pad>"}})
    yield with_vocabulary("added_tokens_decoder beside vocab.json", {**gpt2, "added_tokens_decoder": decoder, "eos_token": "<y>"})
    yield with_vocabulary("added_tokens_decoder out of order", {**gpt2, "added_tokens_decoder": {key: decoder[key] for key in ("314", "312", "313")}})
    yield with_vocabulary("added_tokens.json", {**gpt2, "pad_token": "<pad>"}, **{"added_tokens.json": {"<x>": 313, "<pad>": 314, "as": vocabulary["as"]}})
    tokens = [added(312, END), added(313, "<x>", lstrip=True), added(314, "<y>", normalized=True, special=False), added(315, "<z>", single_word=True, special=False)]
    yield with_json("added tokens", {**gpt2, "pad_token": "<x>"}, {"added_tokens": tokens})
    yield with_json("added tokens of the fast class", {**FAST, "eos_token": END, "pad_token": "<y>"}, {"added_tokens": tokens})

    # Flags of tokens that are given as objects
    for flag in ("lstrip", "rstrip", "single_word", "normalized"):
        yield with_json(f"{flag} in the config", {**gpt2, "pad_token": typed("<pad>", **{flag: True})})
        yield with_json(f"{flag} in the config of the fast class", {**FAST, "pad_token": typed("<pad>", **{flag: True})})
        yield with_vocabulary(f"{flag} in the map", None, **{"special_tokens_map.json": {"pad_token": plain("<pad>", **{flag: True}), "unk_token": END}})
    yield with_vocabulary("flags of a token of the vocabulary", {**gpt2, "eos_token": typed(END, lstrip=True, rstrip=True)})
    words = typed("in", lstrip=True, rstrip=True, single_word=True)
    yield with_json("the last form counts: a text", {**gpt2, "eos_token": typed("in"), "sep_token": words, "extra_special_tokens": ["in"]})
    yield with_json("the last form counts: an object", {**gpt2, "eos_token": "in", "sep_token": words, "extra_special_tokens": ["in"]})
    yield with_json("flags where tokenizer.json has others", {**gpt2, "pad_token": typed("<x>", rstrip=True)}, {"added_tokens": tokens})

    # A space before the text
    space = {"pre_tokenizer": {**BYTE_LEVEL, "add_prefix_space": True}}
    yield with_json("prefix space in tokenizer.json only", gpt2, space)
    yield with_json("prefix space in tokenizer.json only, no config", None, space)
    yield with_json("prefix space in tokenizer.json only, fast class", FAST, space)
    yield with_json("prefix space in tokenizer.json, false in the config", {**FAST, "add_prefix_space": False}, space)
    yield with_json("prefix space in the config only", {**gpt2, "add_prefix_space": True})
    yield with_json("prefix space in the config only, fast class", {**FAST, "add_prefix_space": True})
    yield with_vocabulary("prefix space beside vocab.json", {**gpt2, "add_prefix_space": True})
    yield with_json("the class in config.json", None, space, {**CONFIG, "tokenizer_class": "PreTrainedTokenizerFast"})
    yield with_json("the class of transformers 5", {"tokenizer_class": "TokenizersBackend"}, space)
    yield with_json("a class with Fast", {"tokenizer_class": "GPT2TokenizerFast"}, space)

    # Beginning and end of text
    for bos in (False, True):
        for eos in (False, True):
            flags = {"add_bos_token": bos, "add_eos_token": eos}
            yield with_vocabulary(f"add_bos_token {bos}, add_eos_token {eos}", {**gpt2, **flags, "bos_token": "<s>"})
    yield with_json("add_bos_token beside tokenizer.json", {**gpt2, "add_bos_token": True, "add_eos_token": True})
    yield with_vocabulary("add_bos_token without a token", {**gpt2, "add_bos_token": True, "bos_token": None})

    # Members of tokenizer.json
    words = {"type": "Split", "pattern": {"Regex": GPT2_WORDS}, "behavior": "Isolated", "invert": False}
    bytes_only = {**BYTE_LEVEL, "use_regex": False}
    digits = {"type": "Digits", "individual_digits": False}
    pre_tokenizers_ = {
        "a sequence of one": [BYTE_LEVEL],
        "a sequence in a sequence": [{"type": "Sequence", "pretokenizers": [BYTE_LEVEL]}],
        "split": [words, bytes_only],
        "split, inverted": [{**words, "behavior": "Removed", "invert": True}, bytes_only],
        "split and words": [words, BYTE_LEVEL],
        "split with a prefix space": [words, {**bytes_only, "add_prefix_space": True}],
        "digits": [digits, BYTE_LEVEL],
        "each digit": [{**digits, "individual_digits": True}, BYTE_LEVEL],
        "each digit without words": [{**digits, "individual_digits": True}, bytes_only],
        "each digit with a prefix space": [{**digits, "individual_digits": True}, {**BYTE_LEVEL, "add_prefix_space": True}],
        "split and digits": [words, digits, bytes_only],
    }
    for name, parts in pre_tokenizers_.items():
        yield with_json(name, FAST, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": parts}})
    yield with_json("each digit of GPT2Tokenizer", gpt2, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": pre_tokenizers_["each digit"]}})
    yield with_json("no normalizers", FAST, {"normalizer": {"type": "Sequence", "normalizers": []}})
    yield with_json("a normalizer of GPT2Tokenizer", gpt2, {"normalizer": {"type": "Lowercase"}})
    ends = {"sep": [END, 312], "cls": ["<x>", 313]}
    start = [added(312, END), added(313, "<x>")]
    roberta = {"type": "RobertaProcessing", **ends, "trim_offsets": True, "add_prefix_space": False}
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<x>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<x>": {"id": "<x>", "ids": [313], "tokens": ["<x>"]}},
    }
    processors = {
        "byte level": {**BYTE_LEVEL, "add_prefix_space": True},
        "template": template,
        "roberta": roberta,
        "roberta, offsets as they are": {**roberta, "trim_offsets": False},
        "roberta, first space kept": {**roberta, "add_prefix_space": True},
        "bert": {"type": "BertProcessing", **ends},
        "no processors": {"type": "Sequence", "processors": []},
        "byte level and template": {"type": "Sequence", "processors": [BYTE_LEVEL, template]},
    }
    for name, processor in processors.items():
        for config in (gpt2, FAST):
            yield with_json(f"{name}, {config['tokenizer_class']}", config, {"post_processor": processor, "added_tokens": start})
    for dropout in (0, 0.0):
        yield with_json(f"dropout {dropout!r}", FAST, {"model": model(dropout=dropout)})
    yield with_json("dropout of GPT2Tokenizer", gpt2, {"model": model(dropout=0.5)})
    yield with_json("ignore_merges", FAST, {"model": model(ignore_merges=True, merges=[])})
    yield with_json("ignore_merges of GPT2Tokenizer", gpt2, {"model": model(ignore_merges=True, merges=[])})
    few = {token: id for id, token in enumerate(t for t in vocabulary if t not in "dz" and vocabulary[t] < 256)}
    few["<unk>"] = len(few)
    few[END] = len(few)
    for config in (gpt2, FAST):
        for fuse in (False, True):
            changes = {"model": model(vocab=few, merges=[], unk_token="<unk>", fuse_unk=fuse), "added_tokens": []}
            yield with_json(f"unknown bytes, fuse_unk {fuse}, {config['tokenizer_class']}", config, changes)
    padding = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 313, "pad_type_id": 0, "pad_token": "<x>"}
    yield with_json("padding of the fast class", FAST, {"padding": padding, "added_tokens": start})
    yield with_json("padding of GPT2Tokenizer", gpt2, {"padding": padding, "added_tokens": start})
    yield with_json("split_special_tokens", {**gpt2, "split_special_tokens": True, "pad_token": "<pad>"}, {"added_tokens": tokens})

    # Ids without a token
    yield with_vocabulary("holes in vocab.json", {**gpt2, "pad_token": END}, holes)
    yield with_json("holes in tokenizer.json", {**gpt2, "pad_token": END}, {"model": model(vocab=holes), "added_tokens": [added(holes[END], END)]})
    yield with_json("holes, fast class", {**FAST, "eos_token": END}, {"model": model(vocab=holes), "added_tokens": [added(holes[END], END)]})


def filled(value, vocabulary, merges):
    """A file's content with the references replaced."""
    if isinstance(value, dict):
        return {key: filled(item, vocabulary, merges) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, vocabulary, merges) for item in value]
    if isinstance(value, str) and value in ("@vocab", "@merges", "@model"):
        return {"@vocab": vocabulary, "@merges": merges, "@model": {**model(), "vocab": vocabulary, "merges": merges}}[value]
    return copy.deepcopy(value)


def write(folder, files, vocabulary, merges):
    for name, content in files.items():
        content = filled(content, vocabulary, merges)
        text = "#version: 0.2\n" + "\n".join(content) + "\n" if name == "merges.txt" else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")


def expected(tokenizer):
    cases = []
    for text in TEXTS:
        batch = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
        cases.append(
            {
                "text": text,
                "ids": batch["input_ids"],
                "special": batch["special_tokens_mask"],
                "offsets": [i for pair in batch["offset_mapping"] for i in pair],
                "decoded": tokenizer.decode(batch["input_ids"]),
                "skipped": tokenizer.decode(batch["input_ids"], skip_special_tokens=True),
            }
        )
    return {
        "size": max(tokenizer.get_vocab().values()) + 1,
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
        "cases": cases,
    }


def main():
    target = Path(sys.argv[1])
    vocabulary, merges = trained()
    written = []
    for name, files in folders(vocabulary):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), files, vocabulary, merges)
            try:
                written.append({"name": name, "files": files, **expected(AutoTokenizer.from_pretrained(folder))})
            except Exception as e:
                raise SystemExit(f"{name}: {type(e).__name__}: {e}") from e
    whole = {
        "made_with": {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__},
        "vocabulary": vocabulary,
        "merges": merges,
    }
    lines = ",\n".join(json.dumps(folder, separators=(",", ":")) for folder in written)
    head = json.dumps(whole, separators=(",", ":"))[:-1]
    target.mkdir(parents=True, exist_ok=True)
    (target / "configurations.json").write_text(head + ',"folders":[\n' + lines + "\n]}\n", encoding="utf-8")
    print(f"{len(written)} folders")


if __name__ == "__main__":
    main()
