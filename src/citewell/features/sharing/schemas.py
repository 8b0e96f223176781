"""Shapes of rules, and of explanations why something can or cannot be read."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from citewell.access.policy import Effect
from citewell.features.users.schemas import (
    EmailText,
    GroupName,
    PersonName,
    RoleName,
    user_fields,
)
from citewell.kit.bodies import RequestBody
from citewell.models.tenancy import User, UserStatus


class GrantPut(RequestBody):
    """The rule of one user or group for an object; it replaces the one they had."""

    user_id: uuid.UUID | None = None
    group_id: uuid.UUID | None = None
    effect: Effect = Field(description="`write` includes `read`; `deny` beats everything.")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.user_id is None) == (self.group_id is None):
            raise ValueError("name either `user_id` or `group_id`")
        return self


class GrantRead(BaseModel):
    """A rule as the API shows it: ids, nothing of the object or of people."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    user_id: uuid.UUID | None
    group_id: uuid.UUID | None
    effect: Effect
    created_by: uuid.UUID | None
    """The user who made the rule; null: the operator, or software of the organisation."""
    created_at: datetime


class Person(RequestBody):
    """One line of the people of an organisation."""

    model_config = ConfigDict(str_strip_whitespace=True)

    email: EmailText
    name: PersonName = ""
    role: RoleName = "employee"
    departments: list[GroupName] = Field(default_factory=list, max_length=50)


class SeenRead(BaseModel):
    """Rights of a user in private collections, as every request decides."""

    email: str
    role: str
    is_admin: bool
    status: Literal["active", "invited", "deactivated"] = Field(
        description="`invited`: the rights hold once the invitation is accepted, not before."
    )
    reads: list[str]
    changes: list[str]


class DepartmentsReport(BaseModel):
    """Result of setting up departments, and the rights of everybody afterwards."""

    groups: list[str] = Field(default_factory=list)
    """Those that were made."""
    collections: list[str] = Field(default_factory=list)
    """Those that were made."""
    invitations: dict[str, str] = Field(default_factory=dict)
    """Token by e-mail address of those who were not users yet; shown this once."""
    seen: list[SeenRead] = Field(default_factory=list[SeenRead])
    """Every user of the tenant."""


class PeopleImport(BaseModel):
    """People of an organisation with their departments."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    people: list[Person] = Field(min_length=1, max_length=1_000)


class ReasonRead(BaseModel):
    """One rule or role that was considered for a verb."""

    code: str
    effect: str
    """`allows`, `denies`, or `none` if it was considered and does neither."""
    detail: str
    grant_id: uuid.UUID | None = None
    group_id: uuid.UUID | None = None
    """The group through which the rule names the user."""
    group_name: str | None = None


class VerdictRead(BaseModel):
    """Verdict on one verb with its reasons, decisive ones first."""

    allowed: bool
    reasons: list[ReasonRead]


class SubjectRead(BaseModel):
    """The user whose access is explained."""

    id: uuid.UUID | None
    """Null: software of the organisation, which acts for no user."""
    role: str
    status: str
    """Only an `active` user can sign in and use any of it."""


class AccessExplanation(BaseModel):
    """Rights of a user on a document, with the reasons."""

    document_id: uuid.UUID
    access_level: str
    user: SubjectRead
    read: VerdictRead
    write: VerdictRead


class AccountRead(BaseModel):
    """A user whose access is listed."""

    id: uuid.UUID
    email: str
    name: str
    role: RoleName
    is_admin: bool
    """Administrators give access, also to themselves; the right alone opens no document."""
    status: UserStatus
    """Only an `active` user can sign in and use any of it."""


class UserAccess(BaseModel):
    """Rights of one user on a document; the first of `reasons` decided."""

    user: AccountRead
    read: VerdictRead
    write: VerdictRead

    @classmethod
    def of(cls, user: User, read: VerdictRead, write: VerdictRead) -> Self:
        """The verdicts on a user."""
        person = AccountRead.model_validate(user_fields(user))
        return cls(user=person, read=read, write=write)


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Criteria for a list of people and their access to a document; None: any."""

    search: str | None = None
    """Part of the e-mail address or name."""
    can_read: bool | None = None


@dataclass(frozen=True, slots=True)
class ApplicableGrant:
    """A grant or denial on the document or its collection that names the user."""

    grant_id: uuid.UUID
    is_collection: bool
    effect: Effect
    group_id: uuid.UUID | None = None
    group_name: str | None = None
