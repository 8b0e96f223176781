"""The official client against a running server."""

import base64
import struct
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from citewell.features.openai_api.dialogue import MAX_DIALOGUE_CHARS
from citewell.features.openai_api.embeddings import MAX_TEXTS
from tests.features.openai_api.conftest import QUESTION, House

DIALOGUE: list[Any] = [
    {"role": "system", "content": "You answer politely."},
    {"role": "user", "content": [{"type": "text", "text": "Where are bicycles parked?"}]},
    {"role": "assistant", "content": "In the yard. [1]"},
    {"role": "user", "content": QUESTION},
]
UNKNOWN: list[Any] = [{"role": "user", "content": "Which zebra won the chess cup of Peru in 1931?"}]


@pytest.fixture
def client(house: House) -> Iterator[OpenAI]:
    with house.openai() as opened:
        yield opened


def by_chat(client: OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(
        **{"model": "citewell", "messages": [{"role": "user", "content": QUESTION}], **more}
    )


class TestChat:
    def test_answer_is_cited_to_the_passage(self, client: OpenAI, house: House) -> None:
        reply = by_chat(client, messages=DIALOGUE, temperature=0.2, user="somebody", seed=1)
        (choice,) = reply.choices
        assert choice.finish_reason == "stop"
        content = choice.message.content
        assert "Otis Berger" in content
        (annotation,) = choice.message.annotations
        cited = annotation.url_citation
        assert content[cited.start_index : cited.end_index] == "[1]"
        assert (cited.number, cited.title, cited.version) == (1, "House rules", 1)
        assert "Otis Berger" in cited.quote
        # The page of the web application at that passage; its words are in the API.
        link = httpx.URL(cited.url)
        page = httpx.get(link)
        assert page.status_code in (200, 404)  # 404: the pages are not built here
        content = link.copy_with(path=f"/api/v1{link.path}/content", params=link.params)
        passage = httpx.get(content, headers={"Authorization": f"Bearer {house.key}"}).json()
        assert passage["text"] == cited.quote
        assert passage["document_id"] == cited.document_id
        facts = reply.citewell
        assert facts["grounded"] is True
        assert facts["confidence"]["level"] == "high"
        assert [one["grade"] for one in facts["sentences"]] == ["quoted"]
        assert reply.usage.total_tokens == 0  # no model was asked

    def test_stream_gives_the_same_with_citations_in_its_last_chunk(self, client: OpenAI) -> None:
        whole = by_chat(client)
        stream = by_chat(client, stream=True, stream_options={"include_usage": True})
        chunks: list[ChatCompletionChunk] = list(stream)
        said = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
        assert said == whole.choices[0].message.content
        assert len({each.id for each in chunks}) == 1
        *_, last, counted = chunks
        assert counted.choices == []
        assert counted.usage is not None
        assert last.choices[0].finish_reason == "stop"
        delta: Any = last.choices[0].delta
        shown = [each.model_dump() for each in whole.choices[0].message.annotations]
        assert delta.annotations == shown
        assert last.model_extra is not None
        assert last.model_extra["citewell"]["confidence"] == whole.citewell["confidence"]
        assert all(each.usage is None for each in list(by_chat(client, stream=True)))

    def test_what_is_not_in_the_documents_is_said(self, client: OpenAI) -> None:
        reply = by_chat(client, messages=UNKNOWN)
        assert reply.citewell["abstained"] is True
        assert reply.choices[0].message.annotations == []

    def test_follow_up_is_understood_from_the_questions_before(self, client: OpenAI) -> None:
        said: list[Any] = [
            {"role": "user", "content": "Where are bicycles parked?"},
            {"role": "assistant", "content": "In the yard. [1]"},
            {"role": "user", "content": "Why are they parked there?"},
            {"role": "assistant", "content": "The documents do not say."},
            {"role": "user", "content": "Who repairs the lift?"},
            {"role": "assistant", "content": "Otis Berger. [1]"},
            {"role": "user", "content": "And who repairs it at any hour?"},
        ]
        reply = by_chat(client, messages=said)
        assert "lift" in reply.choices[0].message.content.lower()

    def test_scope_of_the_library_is_respected(self, client: OpenAI) -> None:
        elsewhere = {"citewell": {"filters": {"title": "Another document"}}}
        reply = by_chat(client, extra_body=elsewhere)
        assert reply.citewell["abstained"] is True

    async def test_async_client_streams(self, house: House) -> None:
        async with house.async_openai() as client:
            names = [each.id async for each in client.models.list()]
            assert "citewell" in names
            stream = await client.chat.completions.create(
                model="citewell", messages=[{"role": "user", "content": QUESTION}], stream=True
            )
            pieces = [each.choices[0].delta.content or "" async for each in stream]
            assert "Otis Berger" in "".join(pieces)

    def test_answers_are_kept_like_those_of_query(self, client: OpenAI, house: House) -> None:
        reply = by_chat(client)
        headers = {"Authorization": f"Bearer {house.key}"}
        path = f"{house.server.address}/api/v1/queries/{reply.citewell['query_id']}"
        assert httpx.get(path, headers=headers).json()["query"] == QUESTION


class TestResponses:
    def test_answer_is_cited(self, client: OpenAI) -> None:
        reply: Any = client.responses.create(model="citewell", input=QUESTION, instructions="Hi")
        assert "Otis Berger" in reply.output_text
        (annotation,) = reply.output[0].content[0].annotations
        assert (annotation.type, annotation.number) == ("url_citation", 1)
        assert reply.status == "completed"
        again: Any = client.responses.create(model="citewell", input=DIALOGUE)
        assert again.output_text == reply.output_text

    def test_stream_ends_with_the_whole_reply(self, client: OpenAI) -> None:
        with client.responses.stream(model="citewell", input=QUESTION) as stream:
            events = list(stream)
            final: Any = stream.get_final_response()
        assert [each.sequence_number for each in events if hasattr(each, "sequence_number")] == (
            list(range(len(events)))
        )
        kinds = [each.type for each in events]
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        assert "response.output_text.annotation.added" in kinds
        assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == (
            final.output_text
        )
        assert final.output[0].content[0].annotations[0].number == 1


class TestModels:
    def test_models_are_listed_and_shown(self, client: OpenAI) -> None:
        names = [each.id for each in client.models.list()]
        assert names[:2] == ["citewell", "citewell-embedding"]
        assert "agent:researcher" in names
        assert client.models.retrieve("citewell").owned_by == "citewell"


class TestEmbeddings:
    def test_floats_and_bytes_are_the_same_vectors(self, client: OpenAI, house: House) -> None:
        texts = ["The lift is out of order.", "Bicycles are parked in the yard."]
        floats = client.embeddings.create(
            model="citewell-embedding", input=texts, encoding_format="float"
        )
        # The client asks for bytes by itself and turns them into numbers.
        coded = client.embeddings.create(model="citewell-embedding", input=texts)
        for one, other in zip(floats.data, coded.data, strict=True):
            assert one.embedding == pytest.approx(other.embedding)
            assert sum(value * value for value in one.embedding) == pytest.approx(1, abs=1e-3)
        assert floats.usage.total_tokens > 5
        body = {"model": "citewell-embedding", "input": texts[0], "encoding_format": "base64"}
        headers = {"Authorization": f"Bearer {house.key}"}
        raw = httpx.post(f"{house.url}/embeddings", json=body, headers=headers).json()
        bytes_ = base64.b64decode(raw["data"][0]["embedding"])
        assert len(struct.unpack(f"<{len(bytes_) // 4}f", bytes_)) == len(floats.data[0].embedding)

    def test_questions_are_embedded_as_searches_do(self, client: OpenAI) -> None:
        for kind in ("passage", "query"):
            made = client.embeddings.create(
                model="citewell-embedding", input=QUESTION, extra_body={"input_type": kind}
            )
            assert len(made.data) == 1


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
LONG = [{"role": "user", "content": "x" * (MAX_DIALOGUE_CHARS // 2)}] * 3
ANSWERED = [*DIALOGUE, {"role": "assistant", "content": "Otis."}]

CHAT_ERRORS: tuple[tuple[dict[str, Any], str | None, str | None], ...] = (
    ({"messages": LONG}, "context_length_exceeded", "messages"),
    ({"messages": [{"role": "user", "content": "x" * 4001}]}, "context_length_exceeded",
     "messages"),
    ({"messages": ANSWERED}, "invalid_messages", "messages"),
    ({"messages": [{"role": "user", "content": " "}]}, "invalid_messages", "messages"),
    ({"messages": [{"role": "user", "content": "?!"}]}, "query_without_words", None),
    ({"messages": [{"role": "user", "content": [IMAGE]}]}, "unsupported_parameter",
     "messages[0].content[0]"),
    ({"messages": [*DIALOGUE, {"role": "tool", "content": "9", "tool_call_id": "c9"}]},
     "invalid_messages", "messages"),
    ({"messages": []}, None, "messages"),
    ({"n": 2}, "unsupported_parameter", "n"),
    ({"response_format": {"type": "json_object"}}, "unsupported_parameter", "response_format"),
    ({"tools": [TOOL]}, "tools_need_model", "tools"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "unsupported_parameter", "tools[0]"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
     "unsupported_parameter", "tool_choice"),
    ({"messages": [*DIALOGUE, {"role": "assistant", "tool_calls": [CALL]},
                   {"role": "tool", "content": "9", "tool_call_id": "c1"}]},
     "tools_need_model", "tools"),
    ({"extra_body": {"citewell": {"filters": {"nothing": 1}}}}, "unknown_filter", None),
)  # fmt: skip


class TestErrors:
    def test_what_cannot_be_done_is_a_bad_request_that_names_the_field(
        self, client: OpenAI
    ) -> None:
        for more, code, field in CHAT_ERRORS:
            for is_streamed in (False, True):
                with pytest.raises(openai.BadRequestError) as caught:
                    by_chat(client, stream=is_streamed, **more)
                assert (caught.value.code, caught.value.param) == (code, field), more
                assert caught.value.type == "invalid_request_error"
                assert caught.value.request_id

    def test_each_error_is_the_class_that_clients_know(self, client: OpenAI, house: House) -> None:
        foreign = "00000000-0000-7000-8000-000000000000"
        texts = ["x"] * (MAX_TEXTS + 1)
        embed = client.embeddings.create
        cases: tuple[tuple[Callable[[], object], type[openai.APIStatusError], str | None], ...] = (
            (lambda: by_chat(client, model="gpt-9"), openai.NotFoundError, "model_not_found"),
            (lambda: client.models.retrieve("x"), openai.NotFoundError, "model_not_found"),
            (
                lambda: by_chat(client, model="agent:nobody"),
                openai.NotFoundError,
                "model_not_found",
            ),
            (
                lambda: client.responses.create(model="x", input="y"),
                openai.NotFoundError,
                "model_not_found",
            ),
            (
                lambda: client.responses.create(
                    model="citewell", input="y", previous_response_id="resp_1"
                ),
                openai.BadRequestError,
                "unsupported_parameter",
            ),
            (
                lambda: by_chat(client, extra_body={"citewell": {"collection_ids": [foreign]}}),
                openai.NotFoundError,
                "collection_not_found",
            ),
            (lambda: embed(model="x", input="y"), openai.NotFoundError, "model_not_found"),
            (lambda: embed(model="citewell-embedding", input=texts), openai.BadRequestError, None),
            (
                lambda: embed(model="citewell-embedding", input="x", dimensions=7),
                openai.BadRequestError,
                "unsupported_parameter",
            ),
            (
                lambda: embed(model="citewell-embedding", input="x" * 40_000),
                openai.BadRequestError,
                "context_length_exceeded",
            ),
            (
                lambda: embed(model="citewell-embedding", input=[[1, 2]]),
                openai.BadRequestError,
                None,
            ),
            (
                lambda: client.post("/nothing", cast_to=object),
                openai.NotFoundError,
                "not_found",
            ),
        )
        for call, kind, code in cases:
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.code == code
        with house.openai("cw_wrong") as stranger:
            for ask in (lambda: by_chat(stranger), lambda: stranger.models.list()):
                with pytest.raises(openai.AuthenticationError) as refused:
                    ask()
                assert refused.value.code == "invalid_api_key"
