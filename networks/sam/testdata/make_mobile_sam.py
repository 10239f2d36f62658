#!/usr/bin/python3
"""Makes the golden file of MobileSAM anew with the original's own code.

  git clone https://github.com/ChaoningZhang/MobileSAM original
  git -C original checkout 34bbbfd
  networks/sam/testdata/make_mobile_sam.py original made

Writes mobile_sam into the folder `made` and compares with what is stored, as
networks/testdata/make_golden.py does. Needs PyTorch and NumPy.
"""

import functools
import pathlib
import sys
import types

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "testdata"))
import make_golden as golden  # noqa: E402


def import_original(folder):
    """Its networks, with stand-ins for what only training and programs need."""
    package = types.ModuleType("mobile_sam")
    package.__path__ = [folder + "/mobile_sam"]
    layers = types.ModuleType("timm.models.layers")
    layers.DropPath = torch.nn.Identity
    layers.to_2tuple = lambda x: (x, x)
    layers.trunc_normal_ = torch.nn.init.trunc_normal_
    registry = types.ModuleType("timm.models.registry")
    registry.register_model = lambda function: function
    sys.modules.update(
        {
            "mobile_sam": package,
            "timm": types.ModuleType("timm"),
            "timm.models": types.ModuleType("timm.models"),
            "timm.models.layers": layers,
            "timm.models.registry": registry,
        }
    )
    from mobile_sam.build_sam import build_sam_vit_t
    from mobile_sam.modeling.tiny_vit_sam import TinyViT

    class AnySize(TinyViT):
        """With the side of the last map in the place of the 64 written there."""

        def forward_features(self, x):
            side = x.shape[-1] // 16
            x = self.patch_embed(x)
            for layer in self.layers:
                x = layer(x)
            x = x.unflatten(1, (side, side)).permute(0, 3, 1, 2)
            return self.neck(x)

    def encoder(size, weights):
        net = AnySize(
            img_size=size,
            embed_dims=[64, 128, 160, 320],
            depths=[2, 2, 6, 2],
            num_heads=[2, 4, 5, 10],
            window_sizes=[7, 7, 14, 7],
            drop_path_rate=0.0,
        )
        net.load_state_dict(weights)
        return net

    return build_sam_vit_t, encoder


def encode(net, images, prefix, named):
    """The maps behind the start and behind each stage, and the embedding."""
    modules = {"patch_embed": net.patch_embed}
    modules.update({"layers.%d" % i: layer for i, layer in enumerate(net.layers)})
    hooks = [
        module.register_forward_hook(
            lambda _module, _input, output, name=name: named.update(
                {prefix + name: output}
            )
        )
        for name, module in modules.items()
    ]
    with torch.no_grad():
        named[prefix + "image_embedding"] = net(images)
    for hook in hooks:
        hook.remove()


def prompt(sam, embedding, tag, points, labels):
    """What prompt encoder and mask decoder make of points."""
    points = points.clone().requires_grad_()
    sparse, dense = sam.prompt_encoder((points, labels), None, None)
    positions = sam.prompt_encoder.get_dense_pe()
    decoder = sam.mask_decoder
    first = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([first.expand(len(sparse), -1, -1), sparse], 1)
    tokens_out, _ = decoder.transformer(
        embedding.expand(len(sparse), -1, -1, -1) + dense,
        positions.expand(len(sparse), -1, -1, -1),
        tokens,
    )
    masks, ious = decoder.predict_masks(embedding, positions, sparse, dense)
    named = {
        "sparse_embeddings": sparse,
        "tokens_out": tokens_out,
        "low_res_masks_multi": masks[:, 1:],
        "iou_multi": ious[:, 1:],
        "low_res_mask_single": masks[:, :1],
        "iou_single": ious[:, :1],
    }
    cotangent = golden.signed("cot/mask_%s." % tag, masks[:, 1:].shape)
    loss = golden.contract(tokens_out, "tok_%s." % tag)
    loss = loss + (masks[:, 1:] * cotangent.to(masks.dtype)).mean()
    named["grad_points"] = golden.gradient(loss, points)
    return {tag + "." + key: value for key, value in named.items()}


def compute(build_sam, build_encoder, stored, metadata, dtype):
    sam = golden.fill("sam/", build_sam()).eval()
    weights = sam.image_encoder.state_dict()
    named = {}
    image = golden.leaf(2 * golden.signed("input/sam", (1, 3, 1024, 1024)), dtype)
    # `ab`, the biases for each two places, is made from the weights by eval().
    encode(sam.image_encoder.to(dtype).eval(), image, "", named)
    for size in (160, 224):
        shape = (2, 3, size, size)
        images = golden.leaf(2 * golden.signed("input/sam_%d" % size, shape), dtype)
        net = build_encoder(size, weights).to(dtype).eval()
        encode(net, images, "%d." % size, named)
    if dtype == torch.float64:
        return named  # the prompt encoder computes in float32 only
    points = (1024 * golden.uniform("points/sam", (3, 1, 2))).to(dtype)
    named["points"], named["labels"] = points, torch.ones(3, 1, dtype=torch.int64)
    named["points_joint"] = points.view(1, 3, 2)
    named["labels_joint"] = torch.tensor([[-1, 0, 1]])
    for tag, suffix in (("each", ""), ("joint", "_joint")):
        given = named["points" + suffix], named["labels" + suffix]
        named.update(prompt(sam, named["image_embedding"], tag, *given))
    return named


def files(original):
    return {
        HERE / "mobile_sam.safetensors": functools.partial(
            compute, *import_original(original)
        )
    }


if __name__ == "__main__":
    sys.exit(golden.run(__doc__, files))
