"""Training steps and generation with PyTorch, on the CPU or a GPU."""

import math
import time

import torch
import transformers
from transformers import GPT2LMHeadModel, get_linear_schedule_with_warmup

DTYPES = dict(f32=torch.float32, bf16=torch.bfloat16)


def versions():
    return dict(torch=torch.__version__, transformers=transformers.__version__)


def load(folder, dtype="f32", device="cpu", attention="sdpa"):
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=DTYPES[dtype], attn_implementation=attention)
    return model.to(device)


def finish(device):
    """Waits until the GPU has finished its queue."""
    if device == "cuda":
        torch.cuda.synchronize()


def train(model, batch_size, length, steps, warmup, autocast=False, fused=None, parts=1):
    """Tokens per second of each step after the warmup, and all losses.

    A step is forward, backward, clipping to norm 1, AdamW and the learning rate schedule, with the model's own dropout
    (0.1), on random tokens; with parts, their gradients are added up. The first loss must be that of an untrained model
    and later ones lower.
    """
    device = model.device.type
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5, eps=1e-6, weight_decay=0.0, fused=fused or None)
    schedule = get_linear_schedule_with_warmup(optimizer, 1, 1000)
    tokens = torch.randint(0, model.config.vocab_size, (batch_size, length), device=device)
    losses, speeds = [], []
    for step in range(warmup + steps):
        finish(device)
        start = time.perf_counter()
        total = 0
        for part in tokens.chunk(parts):
            with torch.autocast(device, torch.bfloat16, enabled=autocast):
                loss = model(input_ids=part, labels=part).loss / parts
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float(total))
        finish(device)
        if step >= warmup:
            speeds.append(tokens.numel() / (time.perf_counter() - start))
    expected = math.log(model.config.vocab_size)
    assert abs(losses[0] - expected) < 1 and losses[-1] < losses[0], (losses, expected)
    return speeds, losses


@torch.inference_mode()
def generate(model, prompt, sequences, count, sample):
    """Generates and returns the time in seconds."""
    device = model.device.type
    finish(device)
    start = time.perf_counter()
    # Greedy search returns one sequence for each row of the batch
    prompts = prompt.expand(1 if sample else sequences, -1)
    output = model.generate(
        prompts, attention_mask=torch.ones_like(prompts), do_sample=sample, max_new_tokens=count,
        num_return_sequences=sequences if sample else 1, eos_token_id=None, pad_token_id=0,
    )
    finish(device)
    seconds = time.perf_counter() - start
    assert output.shape == (sequences, prompt.shape[1] + count), output.shape
    return seconds
