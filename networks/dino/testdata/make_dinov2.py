#!/usr/bin/python3
"""Makes the golden files of DINOv2 anew with the original's own code.

  git clone https://github.com/facebookresearch/dinov2 original
  git -C original checkout b8931f7
  networks/dino/testdata/make_dinov2.py original made

Writes dinov2_* into the folder `made` and compares with what is stored, as
networks/testdata/make_golden.py does. Needs PyTorch and NumPy.
"""

import functools
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "testdata"))
import make_golden as golden  # noqa: E402

PATCH = 14
REGISTERS = {
    "num_register_tokens": 4,
    "interpolate_antialias": True,
    "interpolate_offset": 0.0,
}


def build(model):
    """One of small, vits14 and vitb14, or of these with _reg."""
    from dinov2.hub import backbones
    from dinov2.layers import MemEffAttention, NestedTensorBlock
    from dinov2.models import vision_transformer

    name, _, registers = model.partition("_")
    settings = dict(REGISTERS) if registers else {}
    if name == "small":
        return vision_transformer.DinoVisionTransformer(
            img_size=56,
            patch_size=PATCH,
            embed_dim=48,
            depth=3,
            num_heads=3,
            init_values=1.0,
            block_chunks=0,
            block_fn=functools.partial(NestedTensorBlock, attn_class=MemEffAttention),
            **settings
        )
    return getattr(backbones, "dinov2_" + model)(pretrained=False)


def self_similarity(keys):
    norms = keys.norm(dim=-1, keepdim=True)
    products = (norms @ norms.transpose(1, 2)).clamp_min(1e-8)
    return keys @ keys.transpose(1, 2) / products


def features(net, image):
    """What the files hold of an image."""
    seen = {}
    last = len(net.blocks) - 1
    hooks = [
        module.register_forward_hook(
            lambda _module, _input, output, name=name: seen.update({name: output})
        )
        for name, module in (
            ("block0_out", net.blocks[0]),
            ("block_last_out", net.blocks[last]),
            ("qkv", net.blocks[last].attn.qkv),
        )
    ]
    named = {"cls": net(image)}
    for hook in hooks:
        hook.remove()
    qkv = seen.pop("qkv")
    named.update(seen)
    keys = qkv.unflatten(2, (3, -1))[:, :, 1]
    named["keys"] = keys
    named["self_sim"] = self_similarity(keys)
    patches = (image.shape[2] // PATCH) * (image.shape[3] // PATCH)
    like = torch.zeros(1, 1 + patches, keys.shape[2], dtype=image.dtype)
    named["pos_embed_used"] = net.interpolate_pos_encoding(like, *image.shape[2:])
    return named


def picture(name, size, dtype):
    shape = (1, 3, *map(int, size.split("x")))
    return golden.leaf(2 * golden.signed("input/%s_%s" % (name, size), shape), dtype)


def compute(model, stored, metadata, dtype):
    net = build(model)
    net.mask_token.data.zero_()  # only training uses it
    for key, tensor in net.state_dict().items():
        if key != "mask_token":
            value = golden.value_of("dino/", key, tuple(tensor.shape))
            tensor.copy_(value.to(torch.float32))
    net.to(dtype).eval()
    named = {}
    for size in sorted({key.partition(".")[0] for key in stored}):
        image = picture("dino", size, dtype)
        of_size = features(net, image)
        if size + ".mse_to_B" in stored:
            other = features(net, picture("dinoB", size, dtype))["self_sim"]
            loss = (of_size["self_sim"] - other.detach()).square().mean()
            of_size["mse_to_B"] = loss.view(1)
            of_size["grad_input"] = golden.gradient(loss, image)
        named.update({size + "." + key: value for key, value in of_size.items()})
    return named


def files(original):
    sys.path.insert(0, original)
    prefix = "dinov2_"
    return {
        path: functools.partial(compute, path.stem[len(prefix) :])
        for path in sorted(HERE.glob(prefix + "*.safetensors"))
    }


if __name__ == "__main__":
    sys.exit(golden.run(__doc__, files))
