"""Shapes of identity."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from citewell.access.policy import Scope
from citewell.engine.answering.prompting import FORM, RULES
from citewell.engine.retrieval.base import Technique
from citewell.kit.bodies import RequestBody
from citewell.kit.clock import utc_now
from citewell.kit.storable import StorableText
from citewell.kit.visible import VISIBLE_LINE
from citewell.models.tenancy import ApiKey

# Ten years: long enough for software that is set up once, and no key lives for ever by mistake.
MAX_KEY_DAYS = 3650

ScopeName = Literal["read", "write", "admin"]
Name = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="Short name: lower-case letters, digits and hyphens.",
    ),
]
Region = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Plan = Annotated[StorableText, Field(max_length=100)]
AnswerDays = Annotated[
    int,
    Field(
        ge=0,
        le=3_650,
        description="How long answers are kept; 0: not at all, null: as the installation says.",
    ),
]
ConversationDays = Annotated[
    int,
    Field(
        ge=1,
        le=3_650,
        description="How long conversations are kept after their last question; null: as the "
        "installation says.",
    ),
]
TrashDays = Annotated[
    int,
    Field(
        ge=0,
        le=3_650,
        description="How long deleted documents can be restored; 0: they are removed at once, "
        "null: as the installation says.",
    ),
]
QuestionLog = Annotated[
    Literal["full", "anonymous", "off"],
    Field(
        description="What managers see of the questions of others: all (`full`), not who asked "
        "(`anonymous`), or nothing (`off`). A looser setting holds for later questions alone."
    ),
]
MailLanguageName = Annotated[
    Literal["en", "vi"],
    Field(description="Of mails to users who have chosen none."),
]
VerifierName = Annotated[
    Literal["rules", "model"],
    Field(description="Second reading of what a model wrote; null: as the installation says."),
]


def _with_form(prompts: dict[str, str]) -> dict[str, str]:
    for name, text in prompts.items():
        wanted = 1 if name in RULES else 0
        if text.count(FORM) != wanted:
            where = "once, where the form of the reply goes" if wanted else "nowhere"
            raise ValueError(f"the prompt {name} must hold {FORM} {where}")
    return prompts


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _once(techniques: list[Technique]) -> list[Technique]:
    return list(dict.fromkeys(techniques))


SecondFactorFor = Annotated[
    list[Literal["guest", "employee", "manager", "director", "admin"]],
    AfterValidator(_unique),
    Field(
        max_length=10,
        description="Roles, and `admin` for administrators, that sign in with a second factor or a "
        "passkey only.",
    ),
]
PromptText = Annotated[StorableText, Field(min_length=1, max_length=20_000)]
Prompts = Annotated[
    dict[Literal["answer.en", "answer.vi"] | Technique, PromptText],
    AfterValidator(_with_form),
    Field(description="Own texts of prompts, all of them at once; those left out are as shipped."),
]
QueryRewriting = Annotated[
    list[Technique],
    AfterValidator(_once),
    Field(
        max_length=10,
        description="Questions that a model writes besides each one that is asked; empty: none, "
        "null: as the installation says.",
    ),
]
Limits = Annotated[
    # 2**53: the largest integer that JSON readers with doubles (JavaScript) take in exactly.
    dict[StorableText, Annotated[int, Field(ge=0, le=2**53)] | None],
    Field(max_length=50, description="Of this tenant alone, instead of its plan's; null: none."),
]


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made; `secret` is shown once and never stored."""

    id: uuid.UUID
    name: str
    secret: str


class _Body(RequestBody):
    model_config = ConfigDict(str_strip_whitespace=True)


class ApiKeyCreate(_Body):
    """A key to make."""

    name: Name
    scopes: list[ScopeName] = Field(default=["read"], min_length=1, max_length=3)
    expires_in_days: int | None = Field(default=None, ge=1, le=MAX_KEY_DAYS)
    expires_at: AwareDatetime | None = None
    service: bool = Field(
        default=False,
        description="For the organisation's own software instead of yourself; it reads everything.",
    )

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if self.expires_in_days is not None and self.expires_at is not None:
            raise ValueError("give `expires_in_days` or `expires_at`, not both")
        now = utc_now()
        if self.expires_at is not None and not (
            now < self.expires_at <= now + timedelta(days=MAX_KEY_DAYS)
        ):
            raise ValueError(f"`expires_at` must lie in the next {MAX_KEY_DAYS:,} days")
        return self

    def end(self) -> datetime | None:
        """Expiry of the key; None: it never expires."""
        if self.expires_in_days is not None:
            return utc_now() + timedelta(days=self.expires_in_days)
        return self.expires_at


class ApiKeyRead(BaseModel):
    """A key as the API shows it, without what opens anything."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    scopes: list[Scope]
    user_id: uuid.UUID | None = Field(
        description="User whose rights it has; null: the organisation's own key."
    )
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyMade(ApiKeyRead):
    """A key just made."""

    key: str = Field(description="Secret to send as bearer token; shown only now.")

    @classmethod
    def of(cls, made: NewApiKey, key: ApiKey) -> Self:
        """The key with its secret as shown."""
        return cls.model_validate(
            {**ApiKeyRead.model_validate(key).model_dump(), "key": made.secret}
        )


Redaction = Literal["off", "personal"]


class TenantCreate(_Body):
    """A tenant to make."""

    slug: Slug
    name: Name
    plan: Plan = "unlimited"
    limits: Limits = Field(default_factory=dict)
    region: Region | None = None
    has_open_registration: bool = False


class TenantUpdate(_Body):
    """Changes to a tenant; the fields from `plan` on need the operator."""

    name: Name | None = None
    has_open_registration: bool | None = None
    answer_days: AnswerDays | None = None
    conversation_days: ConversationDays | None = None
    verifier: VerifierName | None = None
    prompts: Prompts | None = None
    query_rewriting: QueryRewriting | None = None
    redaction: Redaction | None = None
    log_redaction: Redaction | None = None
    trash_days: TrashDays | None = None
    question_log: QuestionLog | None = None
    has_cache: bool | None = None
    second_factor_for: SecondFactorFor | None = None
    language: MailLanguageName | None = None
    plan: Plan | None = None
    limits: Limits | None = None
    region: Region | None = None
    status: Literal["active", "suspended"] | None = None


class TenantDetails(BaseModel):
    """A tenant as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    slug: str
    name: str
    status: Literal["active", "suspended"]
    plan: str
    limits: dict[str, int | None]
    region: str | None
    has_open_registration: bool
    answer_days: int | None
    conversation_days: int | None
    verifier: Literal["rules", "model"] | None
    prompts: dict[str, str]
    query_rewriting: list[Technique] | None
    redaction: Redaction
    log_redaction: Redaction
    trash_days: int | None
    question_log: Literal["full", "anonymous", "off"]
    has_cache: bool
    second_factor_for: list[str]
    language: MailLanguageName
    created_at: datetime
    updated_at: datetime


class TenantMade(TenantDetails):
    """A tenant just made."""

    key: str = Field(description="Its first API key, for its own software; shown this once.")
