"""Errors of users."""

from citewell.core.errors import ConflictError, NotFoundError


class UserNotFoundError(NotFoundError):
    """No such user in the tenant."""

    code = "user_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no user `{wanted}`.")


class GroupNotFoundError(NotFoundError):
    """No such group in the tenant."""

    code = "group_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no group `{wanted}`.")


class UserExistsError(ConflictError):
    """The tenant has a user with this address; told to administrators only, who see all users."""

    code = "user_exists"

    def __init__(self) -> None:
        super().__init__("There is a user with this e-mail address already.")


class UserInvitedError(ConflictError):
    """The user has no password yet, so they cannot be made active by somebody else."""

    code = "user_invited"

    def __init__(self) -> None:
        super().__init__(
            "This user has not accepted an invitation yet; give them a new one with `POST "
            "/users/{user_id}/invitation`."
        )


class InvitationAcceptedError(ConflictError):
    """The user has an account with a password; an invitation would be a way around it."""

    code = "invitation_accepted"

    def __init__(self) -> None:
        super().__init__("This user has accepted an invitation already.")


class UserInactiveError(ConflictError):
    """The user is invited or deactivated, so nobody can act as them."""

    code = "user_inactive"

    def __init__(self, wanted: object, status: str) -> None:
        way_on = (
            "They can be acted for once they have accepted their invitation."
            if status == "invited"
            else "Activate the account first."
        )
        super().__init__(f"The user `{wanted}` is {status}. {way_on}")


class NoSecondFactorError(ConflictError):
    """The user has neither a second factor nor a passkey that could be removed."""

    code = "second_factor_missing"

    def __init__(self) -> None:
        super().__init__("This user has neither a second factor nor a passkey.")


class LastAdministratorError(ConflictError):
    """Without this user nobody could administer the tenant."""

    code = "last_administrator"

    def __init__(self) -> None:
        super().__init__(
            "This is the last active administrator; give somebody else the right of "
            "administration first."
        )


class GroupExistsError(ConflictError):
    """The name is taken."""

    code = "group_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"A group `{name}` exists already.")


class MemberNotFoundError(NotFoundError):
    """The group does not have this user."""

    code = "member_not_found"

    def __init__(self, user_id: object) -> None:
        super().__init__(f"The user `{user_id}` is not in this group.")
