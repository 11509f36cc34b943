"""Writes resources/golden/tokenizers/variants: a small tokenizer and what Hugging Face's tokenizers make of texts.

    python make_tokenizer_variants.py CORPUS.txt resources/golden/tokenizers/variants

CORPUS.txt is any English text; the files at hand were made from Shakespeare's plays.

model.json       a BPE model of 1,003 tokens, as the member "model" of tokenizer.json
variants.json    for each variant the other members of tokenizer.json, and cases: texts, options and results

A case has: texts; add_special_tokens, split_special_tokens; truncation (max_length, side) or null; padding (length or
null for the longest, side, multiple, id, token) or null; and for each text ids, attention_mask,
special_tokens_mask, offsets (in code points, as Python's), decoded and decoded_without_special.
"""
import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

END = "<|endoftext|>"


def train(corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train(
        [corpus],
        trainers.BpeTrainer(
            vocab_size=1003,
            special_tokens=[END],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return tokenizer


TEXTS = [
    "",
    " ",
    "   ",
    "\n",
    "Hello, world!",
    " Hello  world \n\n end  ",
    "I'll say it's what they've said; we're 'd'accord', I'm not.",
    "1234567 + 89 = \u00bd \u2167 \u0661\u0662",
    "na\u00efve caf\u00e9 \u00fcber \u0416\u0438\u0437\u043d\u044c \u4f60\u597d\u4e16\u754c",
    "emoji \U0001f600\U0001f44d\U0001f3fd family \U0001f468\u200d\U0001f469\u200d\U0001f467 end",
    "\U0001f600",
    "\u00e9",
    "\u3000wide\u3000space\u00a0hard\u2028line",
    "tab\tand\r\nline",
    f"one{END}two {END} three{END}{END}",
    f"{END}",
    f"  {END}  ",
    "a [X] b[X]c  [X]  d [X][X] e",
    "word<w>word <w> word<w>. <w>, (<w>) \u00e9<w> <w>\u00e9 _<w> 1<w>",
    "  <l>  <l>x<l> <r>  x<r>x <r>   <b>   <b>  y",
    "<long> <longer> <long><longer>er <lon>",
    "x\u00dfy \u00df\u00df <\u00e9t\u00e9> \u00e9t\u00e9",
    "<s>in text</s> [PAD]",
    "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "theththeandthetheofthehthethandtheirtheseththeththethetheandthetheoftheththethandtheirthesethththeth",
]


def variants(base):
    def variant(name, added=(), prefix=False, regex=True, post=None):
        tokenizer = Tokenizer.from_str(base.to_str())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
        for token, special in added:
            (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])
        if post is not None:
            tokenizer.post_processor = post(tokenizer)
        return name, tokenizer

    flags = [
        (AddedToken("[X]"), False),
        (AddedToken("<w>", single_word=True), False),
        (AddedToken("<l>", lstrip=True, normalized=False), False),
        (AddedToken("<r>", rstrip=True), False),
        (AddedToken("<b>", lstrip=True, rstrip=True), True),
        (AddedToken("<long>", normalized=False), False),
        (AddedToken("<longer>", normalized=False), False),
        (AddedToken("\u00df"), False),
        (AddedToken("<\u00e9t\u00e9>"), True),
        (AddedToken("be, or"), False),
        (AddedToken("the", single_word=True), False),
    ]
    ends = [(AddedToken("<s>"), True), (AddedToken("</s>"), True), (AddedToken("[PAD]"), True)]

    def template(tokenizer):
        return processors.TemplateProcessing(
            single="<s> $A </s>",
            special_tokens=[("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))],
        )

    yield variant("plain")
    yield variant("prefix", prefix=True)
    yield variant("no-regex", regex=False)
    yield variant("flags", added=flags)
    yield variant("flags-prefix", added=flags, prefix=True)
    yield variant("trim", post=lambda t: processors.ByteLevel(trim_offsets=True, add_prefix_space=False))
    yield variant(
        "trim-prefix", prefix=True, post=lambda t: processors.ByteLevel(trim_offsets=True, add_prefix_space=True)
    )
    yield variant(
        "trim-flags",
        added=flags,
        prefix=True,
        post=lambda t: processors.ByteLevel(trim_offsets=True, add_prefix_space=False),
    )
    yield variant("keep", post=lambda t: processors.ByteLevel(trim_offsets=False, add_prefix_space=True))
    yield variant("template", added=ends, post=template)


def cases(tokenizer, rnd):
    pad_token = "[PAD]" if tokenizer.token_to_id("[PAD]") is not None else END
    pad_id = tokenizer.token_to_id(pad_token)

    def case(texts, add=True, split=False, truncation=None, padding=None):
        tokenizer.encode_special_tokens = split
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if truncation:
            tokenizer.enable_truncation(truncation["max_length"], direction=truncation["side"])
        if padding:
            tokenizer.enable_padding(
                direction=padding["side"],
                pad_id=pad_id,
                pad_token=pad_token,
                length=padding["length"],
                pad_to_multiple_of=padding["multiple"],
            )
        results = [
            {
                "ids": e.ids,
                "attention_mask": e.attention_mask,
                "special_tokens_mask": e.special_tokens_mask,
                "offsets": [i for pair in e.offsets for i in pair],
                "decoded": tokenizer.decode(e.ids, skip_special_tokens=False),
                "decoded_without_special": tokenizer.decode(e.ids, skip_special_tokens=True),
            }
            for e in tokenizer.encode_batch(texts, add_special_tokens=add)
        ]
        return {
            "texts": texts,
            "add_special_tokens": add,
            "split_special_tokens": split,
            "truncation": truncation,
            "padding": padding,
            "results": results,
        }

    yield case(TEXTS)
    yield case(TEXTS[14:23], split=True)
    yield case(TEXTS[4:8], add=False)
    for _ in range(6):
        texts = rnd.sample(TEXTS, 4)
        truncation = {"max_length": rnd.randrange(3, 24), "side": rnd.choice(["left", "right"])}
        padding = {
            "length": rnd.choice([None, truncation["max_length"]]),
            "side": rnd.choice(["left", "right"]),
            "multiple": rnd.choice([None, None, 8, 5]),
            "id": pad_id,
            "token": pad_token,
        }
        if padding["length"] is None:
            truncation = rnd.choice([truncation, None])
        yield case(texts, truncation=truncation, padding=rnd.choice([padding, padding, None]))
    tokenizer.encode_special_tokens = False
    tokenizer.no_truncation()
    tokenizer.no_padding()


def main():
    corpus, target = sys.argv[1], Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    base = train(corpus)
    model = json.loads(base.to_str())["model"]
    (target / "model.json").write_text(json.dumps(model, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    rnd = random.Random(4)
    written = []
    for name, tokenizer in variants(base):
        tested = list(cases(tokenizer, rnd))
        settings = json.loads(tokenizer.to_str())
        del settings["model"]
        written.append({"name": name, "settings": settings, "cases": tested})
    text = ",\n".join(json.dumps(v, ensure_ascii=True, separators=(",", ":")) for v in written)
    (target / "variants.json").write_text('{"variants":[\n' + text + "\n]}\n", encoding="utf-8")


main()
