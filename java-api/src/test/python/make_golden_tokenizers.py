"""Writes the golden tokenizers: small vocabularies trained with Hugging Face's tokenizers, and what transformers
makes of texts with them.

    python make_golden_tokenizers.py CORPUS.txt OUTPUT_FOLDER

trained/  1,003 tokens, saved by transformers, with added tokens of every kind
legacy/   the same vocabulary as vocab.json and merges.txt only
ranks/    ids in another order than the ranks of the merges
prefix/   add_prefix_space, offsets trimmed, a beginning-of-text token from the post-processor
partial/  a vocabulary without most bytes, unknown ones become a token
dropped/  the same, unknown ones are dropped
"""

import json
import random
import sys
from pathlib import Path

import tokenizers
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, GPT2Tokenizer, PreTrainedTokenizerFast

END = "<|endoftext|>"
PIECES = [
    "the", " the", " and", "Hello", "'s", "'ll", "'", " ", "  ", "\n", "\t", "\u00a0", "12", "3", "!", "...",
    "\u00e9", "\u4f60\u597d", "\U0001f600", "e\u0301", END, "<|pad|>", "<|user|>", " <|user|> ", "mask", "[mask]",
    "unmasked", "mask mask", "<left>", "  <left>  ", "<right>", "  <right>  \n", "\u2003<left>", "na\u00efve", "tok",
    "<|endof", "_mask", "mask\u00e9", "\U0001d54fmask", "x<|pad|>y",
]


def texts(seed, count):
    rng = random.Random(seed)
    yield from ["", " ", "Hello, world!", "the end" + END, END + END, "  <left>  x  <right>  y", "mask"]
    for _ in range(count):
        yield "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 14)))


def trained(corpus, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus.splitlines(keepends=True), trainer)
    state = json.loads(tokenizer.to_str())["model"]
    return state["vocab"], [tuple(merge) for merge in state["merges"]]


def utf16(text, index):
    return len(text[:index].encode("utf-16-le")) // 2


def encoded(tokenizer, text, **arguments):
    batch = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, **arguments)
    return {
        "text": text,
        "ids": batch["input_ids"],
        "mask": batch["attention_mask"],
        "special": batch["special_tokens_mask"],
        "offsets": [[utf16(text, a), utf16(text, b)] for a, b in batch["offset_mapping"]],
        "decoded": tokenizer.decode(batch["input_ids"], clean_up_tokenization_spaces=False),
        "skipped": tokenizer.decode(
            batch["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False
        ),
    }


def batches(tokenizer, seed):
    lines = [text for text in texts(seed, 5) if text]
    result = []
    for arguments in [
        {"padding": "longest"},
        {"padding": "longest", "padding_side": "left"},
        {"padding": "longest", "pad_to_multiple_of": 8},
        {"truncation": True, "max_length": 5},
        {"truncation": True, "max_length": 5, "truncation_side": "left"},
        {"truncation": True, "max_length": 7, "padding": "max_length", "padding_side": "left"},
        {"truncation": True, "max_length": 8, "padding": "max_length", "pad_to_multiple_of": 4},
    ]:
        settings = dict(arguments)
        tokenizer.truncation_side = settings.pop("truncation_side", "right")
        tokenizer.padding_side = settings.get("padding_side", "right")
        batch = tokenizer(lines, **settings)
        result.append(
            {
                "arguments": arguments,
                "texts": lines,
                "ids": batch["input_ids"],
                "mask": batch["attention_mask"],
            }
        )
    tokenizer.truncation_side = tokenizer.padding_side = "right"
    return result


def golden(folder, tokenizer, seed, with_batches=True, plain=False):
    cases = [encoded(tokenizer, text) for text in texts(seed, 40)]
    split = []
    if not plain:
        for text in texts(seed + 1, 20):
            split.append(encoded(tokenizer, text, split_special_tokens=True))
    result = {
        "made_with": {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__},
        "size": len(tokenizer),
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
        "cases": cases,
        "split_special": split,
        "batches": batches(tokenizer, seed + 2) if with_batches else [],
    }
    (folder / "golden.json").write_text(json.dumps(result, indent=None, ensure_ascii=True) + "\n")


def main():
    corpus = Path(sys.argv[1]).read_text(encoding="utf-8")[:300_000]
    out = Path(sys.argv[2])
    vocab, merges = trained(corpus, 999)

    folder = out / "trained"
    tokenizer = GPT2Tokenizer(vocab=vocab, merges=merges)
    tokenizer.add_special_tokens({"pad_token": AddedToken("<|pad|>", special=True, normalized=False)})
    tokenizer.add_tokens(
        [
            AddedToken("mask", single_word=True, normalized=True),
            AddedToken("<left>", lstrip=True, normalized=False),
            AddedToken("<right>", rstrip=True, normalized=False),
        ]
    )
    tokenizer.save_pretrained(folder)
    golden(folder, AutoTokenizer.from_pretrained(folder), 1)

    folder = out / "legacy"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    golden(folder, GPT2Tokenizer.from_pretrained(folder), 11, with_batches=False)

    folder = out / "ranks"
    ids = list(range(len(vocab)))
    random.Random(5).shuffle(ids)
    shuffled = {token: ids[i] for token, i in vocab.items()}
    tokenizer = GPT2Tokenizer(vocab=shuffled, merges=merges)
    tokenizer.save_pretrained(folder)
    golden(folder, AutoTokenizer.from_pretrained(folder), 21, with_batches=False)

    folder = out / "prefix"
    inner = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken(END, normalized=False)])
    inner.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True, add_prefix_space=False),
            processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, vocab[END])]),
        ]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token=END, eos_token=END, pad_token=END)
    tokenizer.save_pretrained(folder)
    golden(folder, PreTrainedTokenizerFast.from_pretrained(folder), 31)

    small = {c: i for i, c in enumerate("abcdehlotw.!" + "\u0120")}
    small.update({"<unk>": 13, "\u0120t": 14, "he": 15, "\u0120the": 16, "ll": 17})
    for name, unknown in [("partial", "<unk>"), ("dropped", None)]:
        folder = out / name
        inner = Tokenizer(
            models.BPE(
                vocab=small,
                merges=[("\u0120", "t"), ("h", "e"), ("\u0120t", "he"), ("l", "l")],
                unk_token=unknown,
                fuse_unk=name == "partial",
            )
        )
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)
        tokenizer.save_pretrained(folder)
        golden(folder, PreTrainedTokenizerFast.from_pretrained(folder), 41, with_batches=False, plain=True)


if __name__ == "__main__":
    main()
