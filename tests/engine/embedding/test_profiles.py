import pytest

from citewell.engine.embedding.profiles import ModelProfile, profile_of


class TestProfileOf:
    @pytest.mark.parametrize(
        ("model", "covers_vietnamese", "query_prefix"),
        [
            ("intfloat/multilingual-e5-large", True, "query: "),
            ("intfloat/e5-base-v2", False, "query: "),
            ("nomic-embed-text:latest", False, "search_query: "),
            ("nomic-ai/nomic-embed-text-v2-moe", True, "search_query: "),
            ("all-minilm", False, ""),
            ("BAAI/bge-m3", True, ""),
            ("BAAI/bge-small-en-v1.5", False, "Represent this sentence"),
            ("snowflake-arctic-embed2", True, "query: "),
            ("snowflake/snowflake-arctic-embed-l-v2.0", True, "query: "),
            ("snowflake/snowflake-arctic-embed-m", False, "Represent this sentence"),
            ("text-embedding-3-small", True, ""),
            ("thenlper/gte-large", False, ""),
        ],
    )
    def test_known_model_has_its_traits(
        self, model: str, covers_vietnamese: bool, query_prefix: str
    ) -> None:
        profile = profile_of(model)
        assert (profile.languages is None) is covers_vietnamese
        assert profile.query_prefix.startswith(query_prefix)
        assert bool(profile.query_prefix) is bool(query_prefix)

    def test_unknown_model_is_taken_as_multilingual(self) -> None:
        assert profile_of("acme/embedder-9") == ModelProfile(None, 512, "", "")
