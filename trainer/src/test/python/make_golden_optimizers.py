"""Writes optimizers.json: the losses of 100 steps of two of java-api's golden models by each optimizer. Run with
transformers and torch installed: python make_golden_optimizers.py

Lion is written here by its paper's formula (arXiv:2302.06675), because PyTorch has none. The Newton-Schulz iterations of
torch.optim.Muon run in bfloat16; here they run in float32, as in ggml4j. Muon's rate depends on the shape (out, in), and
weights of transformers' Conv1D are (in, out): they are transposed for it."""
import json
import pathlib

import torch
import transformers
from torch.optim import _muon
from transformers import GPT2LMHeadModel
from transformers.optimization import Adafactor

HERE = pathlib.Path(__file__).parent
MODELS = HERE / "../../../../java-api/src/test/resources/golden/models"
OUT = HERE / "../resources/golden/optimizers.json"
STEPS = 100


def newton_schulz(grad, coefficients, steps, eps):
    a, b, c = coefficients
    x = grad.clone()
    if grad.size(0) > grad.size(1):
        x = x.T
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if grad.size(0) > grad.size(1) else x


_muon._zeropower_via_newtonschulz = newton_schulz


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * torch.sign(beta1 * m + (1 - beta1) * p.grad))
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


class Muon:
    def __init__(self, params, **options):
        self.params = params
        self.buffers = [torch.zeros_like(p.T) for p in params]
        self.options = options

    @torch.no_grad()
    def step(self):
        _muon._single_tensor_muon(
            [p.data.T for p in self.params], [p.grad.T for p in self.params], self.buffers,
            ns_coefficients=(_muon.DEFAULT_A, _muon.DEFAULT_B, _muon.DEFAULT_C), ns_steps=_muon.DEFAULT_NS_STEPS,
            eps=_muon.EPS, has_complex=False, **self.options)


def named(model):
    return [(name.removeprefix("transformer."), p) for name, p in model.named_parameters()]


def select(model, chosen):
    return [p for name, p in named(model) if chosen(name, p)]


def is_matrix(_, p):
    return p.dim() == 2


def is_vector(_, p):
    return p.dim() == 1


def is_embedding(name, _):
    return name.startswith(("wte", "wpe"))


def in_block(name, p):
    return name.startswith("h.") and p.dim() == 2


def decayed(model, decay):
    """Hugging Face's groups: no weight decay of vectors."""
    return [dict(params=select(model, is_matrix), weight_decay=decay), dict(params=select(model, is_vector), weight_decay=0.0)]


def others(model, lr):
    params = select(model, lambda name, p: not in_block(name, p))
    return torch.optim.AdamW(params, lr=lr, eps=1e-6, weight_decay=0)


def adamw_torch(model):
    return [torch.optim.AdamW(model.parameters(), lr=1e-3, eps=1e-6)]


def groups(model):
    rest = select(model, lambda name, p: not is_embedding(name, p) and not name.startswith("h.1."))
    second = select(model, lambda name, p: name.startswith("h.1."))
    return [
        torch.optim.AdamW([
            dict(params=select(model, is_embedding), lr=5e-5, weight_decay=0.0),
            dict(params=rest, lr=2e-4, weight_decay=0.1, betas=(0.8, 0.95)),
        ], eps=1e-6),
        torch.optim.SGD(second, lr=3e-4, momentum=0.9),
    ]


def lion(model):
    return [Lion(decayed(model, 0.1), lr=5e-5, betas=(0.9, 0.99), weight_decay=0)]


def adafactor(model):
    return [Adafactor(decayed(model, 0.05), lr=3e-5, scale_parameter=False, relative_step=False)]


def muon(model):
    matrices = select(model, in_block)
    return [Muon(matrices, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, adjust_lr_fn=None), others(model, 5e-4)]


def muon_rms(model):
    matrices = select(model, in_block)
    options = dict(lr=1e-3, weight_decay=0.0, momentum=0.9, nesterov=False, adjust_lr_fn="match_rms_adamw")
    return [Muon(matrices, **options), others(model, 5e-4)]


def train(folder, make, dtype):
    batches = json.loads((folder / "golden.json").read_text())["training"]["batches"]
    batches = [{name: torch.tensor(rows) for name, rows in batch.items()} for batch in batches]
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").train()
    optimizers = make(model)
    losses = []
    for step in range(STEPS):
        loss = model(**batches[step % len(batches)]).loss
        loss.backward()
        losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad()
    return losses


torch.set_num_threads(1)
runs = []
for name in ["odd", "untied"]:
    for make in [adamw_torch, groups, lion, adafactor, muon, muon_rms]:
        losses = train(MODELS / name, make, torch.float32)
        exact = train(MODELS / name, make, torch.float64)
        # How far rounding alone moves the losses: the rates are low enough that it is far less than 1e-4.
        noise = max(abs(a - b) / abs(b) for a, b in zip(losses, exact))
        print(f"{name} {make.__name__}: {losses[0]:.3f} to {losses[-1]:.3f}, noise {noise:.1e}")
        runs.append(dict(model=name, optimizer=make.__name__, noise=noise, losses=losses))
out = dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__, runs=runs)
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
