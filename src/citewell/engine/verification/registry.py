"""Which verifiers there are; a new one is its file and a line here."""

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.llm.base import LanguageModel
from citewell.engine.verification.asking import ModelVerifier
from citewell.engine.verification.base import Verifier
from citewell.engine.verification.rules import RulesVerifier

RULES, MODEL, ONNX = "rules", "model", "onnx"


async def open_verifier(name: str, *, llm: LanguageModel | None = None) -> Verifier:
    """Make the verifier of CITEWELL_VERIFIER ready.

    Args:
        name: `rules`, `model` or `onnx:FOLDER`.
        llm: The model that `model` asks; without one only rules are left.

    Raises:
        ProviderConfigurationError: The name is unknown, or the folder cannot be used.
    """
    kind, _, folder = name.partition(":")
    if kind == ONNX and folder:
        from citewell.engine.verification.onnx import open_onnx  # noqa: PLC0415 - 40 MB

        return await open_onnx(folder)
    if name == MODEL:
        return RulesVerifier() if llm is None else ModelVerifier(llm)
    if name == RULES:
        return RulesVerifier()
    raise ProviderConfigurationError(
        f"CITEWELL_VERIFIER must be one of {RULES}, {MODEL}, {ONNX}:FOLDER; not {name!r}."
    )
