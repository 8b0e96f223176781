"""Errors of sessions."""

from citewell.core.errors import AppError, ConflictError, ForbiddenError, UnauthorizedError


class SignInError(UnauthorizedError):
    """E-mail address and password do not belong together, or not to an active user."""

    code = "invalid_credentials"
    title = "Not signed in"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class RefreshError(UnauthorizedError):
    """The refresh token is missing, wrong, spent, ended or expired; which is not told."""

    def __init__(self) -> None:
        super().__init__("This session has ended; sign in again.")


class TooManyAttemptsError(AppError):
    """Too many wrong passwords, for one account or from one address."""

    code = "too_many_attempts"
    status = 429
    title = "Too many attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts; try again in {retry_after} seconds.")
        self.retry_after = retry_after


class TenantNeededError(ConflictError):
    """The same address and password sign in to several tenants."""

    code = "tenant_needed"
    title = "Which organisation?"

    def __init__(self) -> None:
        super().__init__("You have accounts in several organisations; send `tenant` as well.")


class RegistrationClosedError(ForbiddenError):
    """The tenant takes new users by invitation only, or is not there."""

    code = "registration_closed"
    title = "Registration is closed"

    def __init__(self) -> None:
        super().__init__("Ask an administrator of your organisation for an invitation.")


class InvitationError(ForbiddenError):
    """The invitation is wrong, used, expired or for another address; which is not told."""

    code = "invalid_invitation"
    title = "The invitation cannot be used"

    def __init__(self) -> None:
        super().__init__(
            "The invitation is not valid for this address any more; ask for a new one."
        )


class SetupTokenError(ForbiddenError):
    """The set-up token is wrong, used or expired, or the installation is in use; not told which."""

    code = "invalid_setup_token"
    title = "The set-up token cannot be used"

    def __init__(self) -> None:
        super().__init__(
            "The token is not valid, or this installation is in use already. Its operator makes a "
            "new token with `citewell setup`, or an account with `citewell user create`."
        )


class ForeignOriginError(ForbiddenError):
    """A page of another site used the browser's cookie."""

    code = "foreign_origin"
    title = "Not from here"

    def __init__(self) -> None:
        super().__init__(
            "The cookie is accepted from Citewell's own pages only; for other addresses set "
            "CITEWELL_PUBLIC_URL or CITEWELL_CORS_ORIGINS."
        )


class NoSessionError(ForbiddenError):
    """An API key was used where a signed-in user is needed."""

    code = "session_needed"
    title = "Sign in first"

    def __init__(self) -> None:
        super().__init__("An API key cannot do this; sign in with e-mail address and password.")
