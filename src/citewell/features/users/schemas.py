"""Shapes of users and groups."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from citewell.access.policy import Role
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText
from citewell.kit.visible import VISIBLE_LINE, VISIBLE_TEXT
from citewell.models.tenancy import Group, User, UserStatus

RoleName = Literal["guest", "employee", "manager", "director"]
LanguageName = Literal["en", "vi"]

EmailText = Annotated[StorableText, Field(max_length=1000)]
"""Checked by `normalise_email`, which does not repeat it."""

PersonName = Annotated[str, Field(max_length=200), VISIBLE_LINE]
GroupName = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
Description = Annotated[str, Field(max_length=2000), VISIBLE_TEXT]


def role_of(name: RoleName) -> Role:
    """The role of that name."""
    return Role[name.upper()]


class _Body(RequestBody):
    # Validation errors end up in replies and logs, which must not repeat addresses and names.
    model_config = ConfigDict(str_strip_whitespace=True, hide_input_in_errors=True)


class UserCreate(_Body):
    """A person to invite."""

    email: EmailText
    name: PersonName = ""
    role: RoleName = "employee"
    is_admin: bool = False


class UserUpdate(_Body):
    """Changes to a user; those who are no administrators change their own name and language."""

    name: PersonName | None = None
    language: LanguageName | None = None
    role: RoleName | None = None
    is_admin: bool | None = None
    status: Literal["active", "deactivated"] | None = None


class UserRead(BaseModel):
    """A user as the API shows them."""

    id: uuid.UUID
    email: str
    name: str
    role: RoleName
    is_admin: bool
    status: UserStatus
    language: LanguageName | None = Field(
        description="Of mails to the user; null: that of the organisation."
    )
    invitation_expires_at: datetime | None = Field(description="While the user is invited.")
    second_factor_at: datetime | None = Field(description="Since when they have one.")
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """The user as shown."""
        return cls.model_validate(user_fields(user))


def user_fields(user: User) -> dict[str, object]:
    """The fields of a user that replies show."""
    # The role is a number in the database and a name in replies.
    fields: dict[str, object] = {
        name: getattr(user, name) for name in UserRead.model_fields if name != "role"
    }
    return {**fields, "role": Role(user.role).name.lower()}


@dataclass(frozen=True, slots=True)
class Invited:
    """A user with the token of their invitation, which is not stored."""

    user: User
    token: str
    is_mailed: bool
    """Whether it goes to the user by mail, too."""


class InvitedRead(UserRead):
    """A user who was just invited."""

    invitation: str = Field(
        description="To register with, together with the e-mail address; shown this once."
    )
    is_mailed: bool = Field(description="Whether it is on its way to them by mail.")

    @classmethod
    def of_invited(cls, invited: Invited) -> Self:
        """The user and the token as shown."""
        more = {"invitation": invited.token, "is_mailed": invited.is_mailed}
        return cls.model_validate({**user_fields(invited.user), **more})


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """A user with the token to set a new password with, which is not stored."""

    user: User
    token: str
    expires_at: datetime


class PasswordResetRead(BaseModel):
    """A password that may be set anew."""

    user_id: uuid.UUID
    email: str
    token: str = Field(
        description="For `POST /auth/reset`, together with the e-mail address; shown this once."
    )
    expires_at: datetime

    @classmethod
    def of(cls, reset: PasswordReset) -> Self:
        """The reset as shown."""
        return cls(
            user_id=reset.user.id,
            email=reset.user.email,
            token=reset.token,
            expires_at=reset.expires_at,
        )


class GroupCreate(_Body):
    """A group to make."""

    name: GroupName
    description: Description = ""


class GroupUpdate(_Body):
    """Changes to a group."""

    name: GroupName | None = None
    description: Description | None = None


class GroupRead(BaseModel):
    """A group as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    description: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, group: Group) -> Self:
        """The group as shown."""
        return cls.model_validate(group)


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Criteria for a list of users; None: any."""

    status: UserStatus | None = None
    role: RoleName | None = None
    search: str | None = None
    """Part of the e-mail address or name."""
