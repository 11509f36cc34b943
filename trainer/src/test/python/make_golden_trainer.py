"""Writes trainer.json: plain PyTorch training loops over texts, as the trainer should run them. Run with transformers
and torch installed: python make_golden_trainer.py"""
import json
import pathlib

import torch
import transformers
from transformers import GPT2LMHeadModel, get_linear_schedule_with_warmup

HERE = pathlib.Path(__file__).parent
MODEL = HERE / "../../../../java-api/src/test/resources/golden/models/odd"
OUT = HERE / "../resources/golden/trainer.json"

DOCUMENTS = [
    "Once upon a time there was a little fox.",
    "def sum(a, b):\n    return a + b\n",
    "x",
    "Short one",
    "",
    "Größe 😀",
    "The end of a long story, which is cut at the maximum length.",
    "ab",
    "for i in range(10): print(i)",
    "Nobody knows.",
]
EOS = 256


def byte_ids():
    """GPT-2's order of bytes: the printable ones first."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    order = printable + [b for b in range(256) if b not in printable]
    return {b: i for i, b in enumerate(order)}


def encode(text, ids=byte_ids()):
    return [ids[b] for b in text.encode()]


def sequences(case):
    length = case["max_sequence_length"]
    if case["packing"]:
        line = [id for text in DOCUMENTS if text for id in [EOS] + encode(text)]
        return [line[i : i + length] for i in range(0, len(line), length) if len(line) - i > 1]
    shortest = 1 if case["padding"] == "LEARNED" else 2
    return [encode(text)[:length] for text in DOCUMENTS if len(encode(text)) >= shortest]


def batch(rows, case):
    length = case["max_sequence_length"]
    ids = torch.tensor([row + [EOS] * (length - len(row)) for row in rows])
    if case["padding"] == "LEARNED":
        return ids, ids, None
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, ids.masked_fill(mask == 0, -100), mask


def train(case):
    model = GPT2LMHeadModel.from_pretrained(MODEL, dtype=torch.float32)
    model.eval()  # no dropout
    rows = sequences(case)
    batches = [batch(rows[i : i + case["batch_size"]], case) for i in range(0, len(rows), case["batch_size"])]
    accumulation = case["accumulation"]
    steps = [batches[i : i + accumulation] for i in range(0, len(batches), accumulation)] * case["epochs"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=case["learning_rate"], eps=1e-6, weight_decay=0)
    scheduler = get_linear_schedule_with_warmup(optimizer, case["warmup"], len(steps))
    for step in steps:
        labels = sum(int((batch[1][:, 1:] != -100).sum()) for batch in step)
        loss = 0
        for ids, targets, mask in step:
            logits = model(ids, attention_mask=mask).logits[:, :-1]
            part = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), targets[:, 1:].flatten(), reduction="sum") / labels
            part.backward()
            loss += part.item()
        case["losses"].append(loss)
        case["learning_rates"].append(scheduler.get_last_lr()[0])
        case["gradient_norms"].append(torch.nn.utils.clip_grad_norm_(model.parameters(), case["clip_norm"]).item())
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return case


def case(name, **changes):
    values = dict(name=name, max_sequence_length=24, batch_size=3, epochs=3, accumulation=1, padding="MASKED",
                  packing=False, learning_rate=1e-3, warmup=3, clip_norm=1.0,
                  losses=[], learning_rates=[], gradient_norms=[])
    return train(values | changes)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    cases = [
        case("masked"),
        case("learned", padding="LEARNED"),
        case("packed", packing=True, max_sequence_length=32),
        case("accumulated", batch_size=2, accumulation=3),
    ]
    OUT.write_text(json.dumps(dict(transformers=transformers.__version__, torch=torch.__version__,
                                   documents=DOCUMENTS, cases=cases), indent=1) + "\n")
    for c in cases:
        print(c["name"], len(c["losses"]), c["losses"][0], c["losses"][-1])


if __name__ == "__main__":
    main()
