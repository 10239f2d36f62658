#!/usr/bin/python3
"""Makes golden files of networks/testdata anew with the original's own code.

  git clone https://github.com/DevilPG/AAAI2024-CPABMM original
  git -C original checkout ca32dc2
  networks/testdata/make_golden.py original made

Writes hourglass, avd, inpainting_mm? and dense_motion_mm? into the folder `made`,
and says for each tensor how far it is from the stored one, in units of the stored
tensor's mean absolute value. The same processor, PyTorch and number of threads
give the same bytes; others differ by rounding. Ends with 1 if any tensor is off
by more than 1e-4, gradients by more than 1e-2 (a ReLU that opens or closes by
rounding), with the same tolerances as networks_golden_test.

Needs PyTorch and NumPy, as Debian's python3-torch. bg_predictor and
vgg_perceptual also need torchvision and are not made here: README.md says how.
"""

import argparse
import functools
import json
import os
import pathlib
import struct
import sys
import types

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-2


# --- The fill of networks/testing/fill.h


def fnv1a64(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def uniform(name, shape):
    """u(name, .) in float64, which holds every value."""
    with np.errstate(over="ignore"):
        x = np.uint64(fnv1a64(name)) + np.arange(np.prod(shape), dtype=np.uint64)
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return torch.from_numpy((x >> np.uint64(40)).astype(np.float64) / 2**24).view(*shape)


def signed(name, shape):
    return 2 * uniform(name, shape) - 1


def value_of(prefix, key, shape):
    """The rules of FillValue that golden networks need; None keeps a value."""
    last = key.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if key == "down.weight" or key.endswith(".down.weight"):
        return None
    if last == "running_mean":
        return 0.1 * signed(prefix + key, shape)
    if last == "running_var":
        return 1 + 0.5 * uniform(prefix + key, shape)
    if last == "positional_encoding_gaussian_matrix":
        return np.sqrt(3) * signed(prefix + key, shape)
    if last in ("weight", "gamma") and len(shape) == 1:
        return 1 + 0.1 * signed(prefix + key, shape)
    if last == "bias":
        return 0.05 * signed(prefix + key, shape)
    if last in ("pos_embed", "cls_token", "register_tokens"):
        return 0.05 * signed(prefix + key, shape)
    if last == "attention_biases":
        return signed(prefix + key, shape)
    if last == "weight":
        return np.sqrt(3 / np.prod(shape[1:])) * signed(prefix + key, shape)
    raise ValueError("no rule fills " + key)


def fill(prefix, module):
    for key, tensor in module.state_dict().items():
        value = value_of(prefix, key, tuple(tensor.shape))
        if value is not None:
            tensor.copy_(value.to(torch.float32) if value.is_floating_point() else value)
    return module


# --- Safetensors, and the layout of networks/testing/golden.h

DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}


def read(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"])
    return tensors, metadata


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    for name, array in tensors.items():
        content = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": names[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def stats(x):
    x = x.astype(np.float64)
    return np.array([x.mean(), x.std(), np.abs(x).mean(), x.min(), x.max()])


# --- The networks: each gives its outputs by name, in float32 or float64


def contract(value, cotangent):
    return (value * signed("cot/" + cotangent, value.shape).to(value.dtype)).sum()


def gradient(loss, x):
    return torch.autograd.grad(loss, x, retain_graph=True)[0]


def norm(x):
    return x.norm().view(1)


def warp_gradient(loss, x):
    """The norm, 0 where the loss does not depend on x: its features are detached."""
    found = torch.autograd.grad(loss, x, retain_graph=True, allow_unused=True)[0]
    return torch.zeros(1, dtype=x.dtype) if found is None else norm(found)


def leaf(x, dtype):
    return x.to(torch.float32).to(dtype).requires_grad_()


def hourglass(original, stored, metadata, dtype):
    settings = {
        name: int(metadata[name])
        for name in ("block_expansion", "in_features", "num_blocks", "max_features")
    }
    net = fill(metadata["fill_prefix"], original.util.Hourglass(**settings)).to(dtype)
    x = leaf(signed("input/hg", (2, 10, 32, 32)), dtype)
    outputs = net(x, mode=1)
    loss = sum(contract(out, "hg%d" % i) for i, out in enumerate(outputs))
    named = {"out%d" % i: out for i, out in enumerate(outputs)}
    named["grad_input"] = gradient(loss, x)
    weight = dict(net.named_parameters())["encoder.down_blocks.0.conv.weight"]
    named["grad_enc0_conv_l2"] = norm(gradient(loss, weight))
    return named


def avd(original, stored, metadata, dtype):
    named = {}
    for mode in ("eval", "train"):
        net = original.avd_network.AVDNetwork(
            int(metadata["num_cpab"]),
            int(metadata["id_bottle_size"]),
            int(metadata["pose_bottle_size"]),
        )
        fill(metadata["fill_prefix"], net).to(dtype).train(mode == "train")
        source = leaf(signed("input/avd_source", (4, 50, 2)), dtype)
        random = leaf(signed("input/avd_random", (4, 50, 2)), dtype).detach()
        out = net({"fg_kp": source}, {"fg_kp": random})["fg_kp"]
        loss = (out - random).abs().mean()
        named[mode + ".fg_kp"] = out
        named[mode + ".l1_to_random"] = loss.view(1)
        named[mode + ".grad_source"] = gradient(loss, source)
        weight = dict(net.named_parameters())["decoder.0.weight"]
        named[mode + ".grad_decoder0_weight_l2"] = norm(gradient(loss, weight))
    return named


def inpainting(original, stored, metadata, dtype):
    multi_mask = metadata["multi_mask"] == "True"
    net = original.inpainting_network.InpaintingNetwork(
        num_channels=3,
        block_expansion=int(metadata["block_expansion"]),
        max_features=int(metadata["max_features"]),
        num_down_blocks=int(metadata["num_down_blocks"]),
        multi_mask=multi_mask,
    )
    fill(metadata["fill_prefix"], net).eval().to(dtype)
    source = leaf(uniform("input/source", (2, 3, 64, 64)), dtype)
    driving = leaf(uniform("input/driving", (2, 3, 64, 64)), dtype).detach()
    deformation = leaf(torch.from_numpy(stored["deformation"].copy()), dtype)
    occlusion = [
        leaf(uniform("input/occ%d" % i, (2, 1, side, side)), dtype)
        for i, side in enumerate((8, 16, 32, 64) if multi_mask else (16,))
    ]
    motion = {
        "contribution_maps": None,
        "deformed_source": None,
        "deformation": deformation,
        "occlusion_map": occlusion,
    }
    out = net(source, motion)
    named = {
        "deformation": deformation,
        "prediction": out["prediction"],
        "deformed": out["deformed"],
    }
    for i, value in enumerate(out["warped_encoder_maps"]):
        named["warped_encoder_maps.%d" % i] = value
    loss = contract(out["prediction"], "pred")
    named["pred_grad_source_l2"] = norm(gradient(loss, source))
    named["pred_grad_deformation"] = gradient(loss, deformation)
    for i, value in enumerate(occlusion):
        named["pred_grad_occ%d_l2" % i] = norm(gradient(loss, value))
    named["pred_grad_first_conv_weight"] = gradient(loss, net.first.conv.weight)
    if multi_mask:
        maps = net.get_encode(driving, occlusion)
        named.update({"get_encode.%d" % i: value for i, value in enumerate(maps)})
        # "warp loss" of GeneratorFullModel, with a weight of 1.
        warped = out["warped_encoder_maps"]
        loss = sum((a - b).abs().mean() for a, b in zip(maps, reversed(warped)))
        named["warp_loss_unweighted"] = loss.view(1)
        named["warp_grad_deformation"] = gradient(loss, deformation)
        named["warp_grad_first_weight_l2"] = warp_gradient(loss, net.first.conv.weight)
    return named


class Given(torch.nn.Module):
    """In the place of a module: gives the same whatever it is asked."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, *_):
        return self.value


def dense_motion(original, stored, metadata, dtype):
    """With the grids of the file in the place of fitted CPAB transformations."""
    settings = {
        name: int(metadata[name])
        for name in ("num_cpab", "block_expansion", "max_features", "num_blocks")
    }
    given = ("grid_partial", "grid_global", "bg_param", "dropout_rand", "kp_source")
    named = {name: torch.from_numpy(stored[name].copy()).to(dtype) for name in given}
    named["kp_driving"] = torch.from_numpy(stored["kp_driving"].copy()).to(dtype)
    rand = torch.rand
    for variant in ("bg", "nobg", "drop"):
        net = original.dense_motion.DenseMotionNetwork(
            num_channels=3,
            scale_factor=float(metadata["scale_factor"]),
            multi_mask=metadata["multi_mask"] == "True",
            **settings
        )
        fill(metadata["fill_prefix"], net).eval().to(dtype)
        net.CPAB_transformation_partial = Given(named["grid_partial"])
        net.CPAB_transformation_global = Given(named["grid_global"])
        source = leaf(uniform("input/source", (2, 3, 64, 64)), dtype)
        driving = named["kp_driving"].detach().clone().requires_grad_()
        torch.rand = lambda *_: named["dropout_rand"]  # of dropout_softmax
        out = net(
            source,
            {"fg_kp": driving},
            {"fg_kp": named["kp_source"]},
            bg_param=None if variant == "nobg" else named["bg_param"],
            dropout_flag=variant == "drop",
            dropout_p=float(metadata["dropout_p"]),
        )
        torch.rand = rand
        parts = {
            name: out[name]
            for name in ("deformation", "contribution_maps", "deformed_source")
        }
        for i, value in enumerate(out["occlusion_map"]):
            parts["occlusion_map.%d" % i] = value
        loss = sum(contract(value, "dm_" + name) for name, value in parts.items())
        parts["grad_source_l2"] = norm(gradient(loss, source))
        parts["grad_kp_driving"] = gradient(loss, driving)
        parts["grad_maps_weight_l2"] = norm(gradient(loss, net.maps.weight))
        parts["grad_maps_bias"] = gradient(loss, net.maps.bias)
        named.update({variant + "." + name: value for name, value in parts.items()})
    return named


FILES = {
    "hourglass": hourglass,
    "avd": avd,
    "inpainting_mm0": inpainting,
    "inpainting_mm1": inpainting,
    "dense_motion_mm0": dense_motion,
    "dense_motion_mm1": dense_motion,
}


# --- One file


def import_original(folder):
    """Its modules, with a stand-in for libcpab, whose kernels need a GPU."""
    cpab = types.ModuleType("libcpab.cpab")
    cpab.Cpab = lambda *_, **__: None
    sys.modules["libcpab"] = types.ModuleType("libcpab")
    sys.modules["libcpab.cpab"] = cpab
    sys.path.insert(0, folder)
    from modules import avd_network, dense_motion, inpainting_network, util

    return types.SimpleNamespace(
        avd_network=avd_network,
        dense_motion=dense_motion,
        inpainting_network=inpainting_network,
        util=util,
    )


def make(path, compute, folder):
    """Makes the file at `path` anew in `folder`.

    compute(stored, metadata, dtype) gives its outputs by name. Returns the largest
    share of a tolerance that a tensor is off.
    """
    stored, metadata = read(path)
    single, double = (
        {
            key: value.detach().numpy()
            for key, value in compute(stored, metadata, dtype).items()
        }
        for dtype in (torch.float32, torch.float64)
    )
    tensors, made, worst = {}, dict(metadata), 0
    for key in stored:
        base, _, kind = key.rpartition(".")
        if kind == "slice":
            stride = int(metadata[base + ".stride"])
            tensors[key] = single[base].reshape(-1)[::stride].copy()
        elif kind == "stats":
            tensors[key] = stats(single[base])
        else:
            tensors[key] = single[key]
        scale = np.abs(stored[key]).mean() or 1
        off = np.abs(tensors[key] - stored[key]).max() / scale
        allowed = GRADIENT_TOLERANCE if "grad" in key else TOLERANCE
        worst = max(worst, off / allowed)
        print("%-18s %-34s %.1e" % (path.stem, key, off))
        plain = base if kind in ("slice", "stats") else key
        if plain + ".f32_vs_f64_maxabs" in metadata:
            difference = np.abs(single[plain] - double[plain]).max()
            made[plain + ".f32_vs_f64_maxabs"] = "%.3g" % difference
    write(folder / path.name, tensors, made)
    return worst


def run(description, files):
    """The program: files(original) gives what `make` takes, by path.

    original: the absolute path of a checkout of the original's code.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("original", help="a checkout of the original's code")
    parser.add_argument("folder", help="for the files; made if it is not there")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    folder = pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = files(os.path.abspath(arguments.original)).items()
    worst = max(make(path, compute, folder) for path, compute in made)
    print("the largest difference is %.2g of what is allowed" % worst)
    return 0 if worst <= 1 else 1


def files_of(original):
    modules = import_original(original)
    return {
        HERE / (name + ".safetensors"): functools.partial(compute, modules)
        for name, compute in FILES.items()
    }


if __name__ == "__main__":
    sys.exit(run(__doc__, files_of))
