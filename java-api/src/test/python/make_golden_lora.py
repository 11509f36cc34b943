"""Writes golden LoRA adapters: what PEFT saves, and the logits of transformers with them.

    python make_golden_lora.py MODELS_FOLDER OUTPUT_FOLDER

MODELS_FOLDER is ../resources/golden/models; the adapters are for its model "odd". Each adapter has A and B drawn at random.
expected.json   ids, the logits of the last one without an adapter, and for each adapter the logits of PEFT with it and after merging it
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import GPT2LMHeadModel

ADAPTERS = {
    "c_attn": dict(target_modules=["c_attn"]),
    "all": dict(target_modules=["c_attn", "c_proj", "c_fc"], r=5, lora_alpha=16),
    "patterns": dict(
        target_modules=["c_attn", "c_fc"], r=4, rank_pattern={"c_fc": 2, r"h\.1\.attn\.c_attn": 7},
        alpha_pattern={"c_fc": 3.5},
    ),
    "rslora": dict(target_modules=["c_attn", "mlp.c_proj"], r=6, lora_alpha=12, use_rslora=True, layers_to_transform=[0, 2]),
    "regex": dict(target_modules=r"transformer\.h\.[01]\.(attn|mlp)\.c_proj", r=3),
    "excluded": dict(target_modules=["c_attn", "c_proj"], exclude_modules=["mlp.c_proj"], r=1),
}


def main(models, output):
    torch.set_num_threads(1)
    ids = torch.tensor([[7, 300, 12, 1002, 0, 55, 421]])

    def base():
        return GPT2LMHeadModel.from_pretrained(models / "odd").eval()

    def logits(model):
        with torch.no_grad():
            return [round(value, 6) for value in model(ids).logits[0, -1].tolist()]

    expected = {"ids": ids[0].tolist(), "base": logits(base()), "adapters": {}}
    for seed, (name, options) in enumerate(ADAPTERS.items()):
        torch.manual_seed(seed)
        model = get_peft_model(base(), LoraConfig(task_type="CAUSAL_LM", fan_in_fan_out=True, **options))
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(output / name)
        (output / name / "README.md").unlink()
        config = output / name / "adapter_config.json"
        state = json.loads(config.read_text())
        state["base_model_name_or_path"] = "odd"
        if isinstance(state["target_modules"], list):
            state["target_modules"].sort()
        config.write_text(json.dumps(state, indent=2, sort_keys=True) + "\n")
        loaded = PeftModel.from_pretrained(base(), output / name).eval()
        with_adapter = logits(loaded)
        difference = (torch.tensor(with_adapter) - torch.tensor(expected["base"])).abs().max()
        assert difference > 1e-2, (name, difference)
        expected["adapters"][name] = {"logits": with_adapter, "merged": logits(loaded.merge_and_unload())}
    (output / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
