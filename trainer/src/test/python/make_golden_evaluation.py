"""Writes evaluation.json: loss and accuracy of the model `odd` over texts, without dropout, as the Trainer of transformers
(eval_loss) and the SFTTrainer of TRL (mean_token_accuracy) define them, and the decisions of EarlyStoppingCallback over
random losses. Run with torch and transformers installed: python make_golden_evaluation.py"""
import json
import pathlib
import random
from types import SimpleNamespace

import torch
from transformers import EarlyStoppingCallback, GPT2LMHeadModel, TrainerControl, TrainerState

from make_golden_trainer import DOCUMENTS, MODEL, encode

OUT = pathlib.Path(__file__).parent / "../resources/golden/evaluation.json"


def evaluate(length):
    model = GPT2LMHeadModel.from_pretrained(MODEL, attn_implementation="eager").eval()
    loss = correct = labels = 0
    with torch.no_grad():
        for text in DOCUMENTS:
            ids = torch.tensor([encode(text)[:length]])
            if ids.shape[1] < 2:
                continue
            logits = model(ids).logits[0, :-1].double()
            wanted = ids[0, 1:]
            loss += torch.nn.functional.cross_entropy(logits, wanted, reduction="sum").item()
            correct += (logits.argmax(-1) == wanted).sum().item()
            labels += len(wanted)
    return {"length": length, "loss": loss / labels, "accuracy": correct / labels, "labels": labels}


def tokens():
    """Half of the tokens are the most likely ones, so that the accuracy is neither 0 nor 1."""
    model = GPT2LMHeadModel.from_pretrained(MODEL, attn_implementation="eager").eval()
    ids = [1]
    with torch.no_grad():
        while len(ids) < 60:
            likely = model(torch.tensor([ids])).logits[0, -1].argmax().item()
            ids.append(likely if random.random() < 0.5 else random.randrange(1003))
        logits = model(torch.tensor([ids])).logits[0, :-1].double()
    wanted = torch.tensor(ids[1:])
    loss = torch.nn.functional.cross_entropy(logits, wanted, reduction="sum").item()
    return {"ids": ids, "loss": loss, "correct": (logits.argmax(-1) == wanted).sum().item()}


def early_stopping(patience, threshold, losses):
    """The evaluation after which transformers stops, counted from 1; 0 if it does not."""
    callback = EarlyStoppingCallback(patience, threshold)
    args = SimpleNamespace(metric_for_best_model="eval_loss", greater_is_better=False)
    state, control = TrainerState(), TrainerControl()
    for i, loss in enumerate(losses):
        callback.on_evaluate(args, state, control, metrics={"eval_loss": loss})
        if state.best_metric is None or loss < state.best_metric:
            state.best_metric = loss
        if control.should_training_stop:
            return i + 1
    return 0


def main():
    random.seed(5)
    stops = []
    for _ in range(40):
        losses = [round(3 - 0.05 * i + random.uniform(-0.3, 0.3), 2) for i in range(15)]
        patience, threshold = random.randint(1, 4), random.choice([0.0, 0.0, 0.1])
        stop = early_stopping(patience, threshold, losses)
        stops.append({"patience": patience, "threshold": threshold, "losses": losses, "stop": stop})
    golden = {
        "documents": DOCUMENTS,
        "evaluations": [evaluate(n) for n in (64, 24)],
        "tokens": tokens(),
        "early_stopping": stops,
    }
    OUT.write_text(json.dumps(golden, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
