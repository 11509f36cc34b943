"""Tokenizers: random folders of special tokens, flags and options against transformers' AutoTokenizer."""
import json
import random
import shutil
import sys
from pathlib import Path

from suite import Wrong, case, check

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "java-api" / "src" / "test" / "python"))
import make_golden_tokenizer_configurations as golden

CONTENTS = [golden.END, "<s>", "</s>", "<unk>", "<pad>", "<mask>", "<x>", "<y>", "<z>", "as", "in", "town", "1", "\u00e9"]
NAMES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
PIECES = [*CONTENTS, " ", "  ", "\n", "the", " people", "ship's", "1998", "\u00b2", "\u4f60", "\U0001f600", "_", "<", "a", "w"]
CLASSES = ["GPT2Tokenizer", "GPT2TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend", None]


def flags(rng):
    return {flag: rng.random() < 0.3 for flag in ("lstrip", "rstrip", "single_word", "normalized")}


def token(rng, typed=True):
    """A special token as text, as an object, or null."""
    content = rng.choice(CONTENTS)
    if rng.random() < 0.6:
        return content
    return golden.typed(content, **flags(rng)) if typed else golden.plain(content, **flags(rng))


def extra(rng):
    if rng.random() < 0.3:
        return {f"own_{i}_token": rng.choice(CONTENTS) for i in range(rng.randrange(1, 3))}
    return [token(rng) for _ in range(rng.randrange(0, 4))]


def pre_tokenizer(rng):
    byte_level = {**golden.BYTE_LEVEL, "add_prefix_space": rng.random() < 0.3, "use_regex": rng.random() < 0.8}
    words = {"type": "Split", "pattern": {"Regex": golden.GPT2_WORDS}, "behavior": "Isolated", "invert": rng.random() < 0.2}
    digits = {"type": "Digits", "individual_digits": rng.random() < 0.5}
    before = [part for part in (words, digits) if rng.random() < 0.25]
    rng.shuffle(before)
    return {"type": "Sequence", "pretokenizers": [*before, byte_level]} if before or rng.random() < 0.2 else byte_level


def post_processor(rng, tokens):
    pair = lambda: (lambda one: [one["content"], one["id"]])(rng.choice(tokens))
    byte_level = {**golden.BYTE_LEVEL, "add_prefix_space": rng.random() < 0.5, "trim_offsets": rng.random() < 0.5}
    roberta = {"type": "RobertaProcessing", "sep": pair(), "cls": pair(), "trim_offsets": rng.random() < 0.5, "add_prefix_space": rng.random() < 0.5}
    bert = {"type": "BertProcessing", "sep": pair(), "cls": pair()}
    return rng.choice([None, None, byte_level, roberta, bert, {"type": "Sequence", "processors": [byte_level, bert]}])


def folder_files(rng, vocabulary):
    """Random files of a tokenizer, whose added tokens have the ids that a tokenizer would give them."""
    files = {"config.json": dict(golden.CONFIG)}
    kind = rng.choice(CLASSES)
    size = len(vocabulary)
    tokens, next_id = [], size
    for content in rng.sample(CONTENTS, rng.randrange(1, 6)):
        known = vocabulary.get(content)
        tokens.append(golden.added(next_id if known is None else known, content, special=rng.random() < 0.6, **flags(rng)))
        next_id += known is None
    if rng.random() < 0.7:
        files["tokenizer.json"] = golden.tokenizer_json(
            added_tokens=sorted(tokens, key=lambda one: one["id"]),
            pre_tokenizer=pre_tokenizer(rng),
            post_processor=post_processor(rng, tokens),
            model=golden.model(ignore_merges=rng.random() < 0.1, dropout=rng.choice([None, 0, 0.0])),
        )
    else:
        files.update({"vocab.json": "@vocab", "merges.txt": "@merges"})
        kind = rng.choice(["GPT2Tokenizer", None])
        if rng.random() < 0.2:
            files["added_tokens.json"] = {one["content"]: one["id"] for one in tokens}
    config = {} if kind is None else {"tokenizer_class": kind}
    for name in NAMES:
        if rng.random() < 0.3:
            config[name] = rng.choice([None, token(rng), token(rng), token(rng)])
    for name in ("add_prefix_space", "add_bos_token", "add_eos_token", "split_special_tokens"):
        if rng.random() < 0.2:
            config[name] = rng.random() < 0.5
    for name in ("additional_special_tokens", "extra_special_tokens"):
        if rng.random() < 0.25:
            config[name] = extra(rng) if name.startswith("extra") else [token(rng) for _ in range(rng.randrange(0, 3))]
    if rng.random() < 0.25:
        config["added_tokens_decoder"] = {
            str(one["id"]): {key: value for key, value in one.items() if key != "id"} for one in rng.sample(tokens, rng.randrange(1, len(tokens) + 1))
        }
    if config:
        files["tokenizer_config.json"] = config
    if rng.random() < 0.3:
        files["special_tokens_map.json"] = {name: token(rng, False) for name in rng.sample(NAMES, rng.randrange(1, 4))}
    return files


def compare(ask, folder, rng, vocabulary, merges):
    """Writes one random folder and compares its texts; returns their number, 0 if one side refuses the folder."""
    from transformers import AutoTokenizer

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = folder_files(rng, vocabulary)
    golden.write(folder, files, vocabulary, merges)
    try:
        theirs = AutoTokenizer.from_pretrained(folder)
    except Exception:
        return 0
    texts = ["".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 12))) for _ in range(8)]
    expected = {
        "special": [theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id],
        "ids": [theirs(text)["input_ids"] for text in texts],
    }
    expected["decoded"] = [theirs.decode(ids, skip_special_tokens=True) for ids in expected["ids"]]
    (folder / "texts.json").write_text(json.dumps({"texts": texts}))
    (folder / "expected.json").write_text(json.dumps(expected))
    try:
        answer = ask("tokenizer-check", folder)
    except Wrong as refusal:
        if "post_processor names id" in str(refusal):
            return 0  # An id without a token, which transformers passes on to the model
        raise
    check(answer == "same", f"{folder}: {answer}; files {json.dumps(files)[:1500]}")
    return len(texts)


@case("tokenizers", "random special tokens, flags and options")
def random_folders(tools):
    vocabulary, merges = golden.trained()
    rng = random.Random(11)
    compared = refused = 0
    differences = []
    for number in range(3000):
        folder = tools.work / f"tokenizer-{number}"
        try:
            texts = compare(tools.ggml4j.ask, folder, rng, vocabulary, merges)
        except Wrong as difference:  # its folder is kept
            differences.append(str(difference))
            continue
        shutil.rmtree(folder)
        compared, refused = (compared + texts, refused) if texts else (compared, refused + 1)
    check(not differences, f"{len(differences)} folders differ: " + "; ".join(differences[:3]))
    return f"{compared} texts equal, {refused} folders refused"
