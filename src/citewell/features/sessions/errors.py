"""Errors of sessions."""

from citewell.core.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)


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


class ResetTokenError(ForbiddenError):
    """The token sets no password for this address."""

    code = "reset_invalid"

    def __init__(self) -> None:
        super().__init__(
            "This token is not valid for this e-mail address: it may have been used, replaced or "
            "expired. Ask for another."
        )


class EmailTokenError(ForbiddenError):
    """The token confirms no address: wrong, used, void or expired, or the address is taken."""

    code = "email_token_invalid"

    def __init__(self) -> None:
        super().__init__(
            "This link does not work any more: it may have been used, replaced or expired, or the "
            "address is another account's. Ask for a new one under “Your account”."
        )


class EmailUnchangedError(ConflictError):
    """The address is the user's own already."""

    code = "email_unchanged"

    def __init__(self) -> None:
        super().__init__("This is your e-mail address already.")


class PasswordMissingError(ConflictError):
    """The user signs in at a provider only, which is where their address belongs."""

    code = "password_missing"

    def __init__(self) -> None:
        super().__init__(
            "Your account has no password: you sign in at a provider, and your address is its "
            "matter."
        )


class SecondFactorNeededError(UnauthorizedError):
    """The password is right, and a code of the user's app has to stand beside it."""

    code = "second_factor_needed"
    title = "A code is needed"

    def __init__(self) -> None:
        super().__init__("Send `code` as well: of your authenticator app, or a recovery code.")


class SecondFactorSetupError(ForbiddenError):
    """The organisation asks for a second factor that the user does not have yet."""

    code = "second_factor_setup_needed"
    title = "A second factor is needed"

    def __init__(self) -> None:
        super().__init__(
            "Your organisation asks for a second factor: set it up with `POST "
            "/auth/second-factor/begin`, then sign in with a code of your authenticator app."
        )


class SecondFactorInvalidError(ForbiddenError):
    """The code is wrong, too old, or was used before; which is not told."""

    code = "second_factor_invalid"
    title = "The code cannot be used"

    def __init__(self) -> None:
        super().__init__(
            "The code is wrong or was used before: wait for the next one, and check that the "
            "clock of your device is right."
        )


class CodeNeededError(ForbiddenError):
    """A signed-in user wants what takes both their factors, and has shown one."""

    code = "code_needed"
    title = "A code is needed"

    def __init__(self) -> None:
        super().__init__("Send `code` as well: of your authenticator app, or a recovery code.")


class SignInAgainError(ForbiddenError):
    """A user without a password wants what takes a proof, long after they signed in."""

    code = "sign_in_again"
    title = "Sign in again"

    def __init__(self) -> None:
        super().__init__("Sign in once more, then do this within ten minutes.")


class SecondFactorPresentError(ConflictError):
    """The user has a second factor already."""

    code = "second_factor_present"

    def __init__(self) -> None:
        super().__init__("There is a second factor already; remove it first.")


class SecondFactorMissingError(ConflictError):
    """The user has no second factor, or none was offered."""

    code = "second_factor_missing"

    def __init__(self) -> None:
        super().__init__("There is no second factor.")


class SecondFactorRequiredError(ConflictError):
    """The organisation asks for the second factor, so it stays."""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__("Your organisation asks for a second factor; it cannot be removed.")


class ProviderNotFoundError(NotFoundError):
    """The installation has no provider of that name."""

    code = "provider_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no provider `{name}`.")


class ProviderUnavailableError(AppError):
    """A provider does not answer, or not as one does."""

    code = "provider_unavailable"
    status = 503
    title = "The provider does not answer"

    def __init__(self) -> None:
        super().__init__("The provider of single sign-on does not answer; try again in a moment.")


class ProviderRefusedError(ForbiddenError):
    """Somebody who comes from a provider is not let in."""

    code = "provider_refused"
    title = "Not signed in"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The sign-in at the provider cannot be used: {reason}.")


class CeremonyError(ForbiddenError):
    """A sign-in was not begun here, is over, or is of another browser; which is not told."""

    code = "sign_in_expired"
    title = "Begin again"

    def __init__(self) -> None:
        super().__init__("This sign-in was not begun here, or took too long; begin again.")


class PasskeyInvalidError(ForbiddenError):
    """The passkey is of nobody here, or not for this site and sign-in; which is not told."""

    code = "passkey_invalid"
    title = "The passkey cannot be used"

    def __init__(self) -> None:
        super().__init__("The passkey cannot be used here; try again, or sign in otherwise.")


class PasskeyNotFoundError(NotFoundError):
    """The caller has no such passkey."""

    code = "passkey_not_found"

    def __init__(self, passkey_id: object) -> None:
        super().__init__(f"There is no passkey `{passkey_id}`.")


class TooManyPasskeysError(ConflictError):
    """The user has as many passkeys as one may have."""

    code = "too_many_passkeys"

    def __init__(self) -> None:
        super().__init__("You have 20 passkeys; remove one that you do not use.")


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
