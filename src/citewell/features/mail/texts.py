"""Words of messages, in every language that the web application speaks."""

from dataclasses import dataclass
from enum import StrEnum

from citewell.models.notices import NoticeKind


class MailLanguage(StrEnum):
    """Languages of messages."""

    EN = "en"
    VI = "vi"


@dataclass(frozen=True, slots=True)
class LetterWords:
    """One message: `{organisation}`, `{when}` and `{until}` are filled in."""

    subject: str
    lines: tuple[str, ...]
    action: str | None = None
    """Words of the link, which stands behind the first line; None: there is none."""


TEST = "test"
"""Name of the message that tries the mail server out."""

NOT_YOU_EN = (
    "If you know nothing of it, somebody else may be in your account: set a new password with "
    "“Forgot your password?” on the sign-in page, and tell an administrator."
)
NOT_YOU_VI = (
    "Nếu bạn không biết việc này, có thể người khác đang dùng tài khoản của bạn: hãy đặt lại mật "
    "khẩu bằng “Quên mật khẩu?” ở trang đăng nhập và báo cho quản trị viên."
)
ALONE_EN = "If you did not ask for this, ignore this message: nothing has changed."
ALONE_VI = "Nếu bạn không yêu cầu việc này, hãy bỏ qua thư: chưa có gì thay đổi."

WORDS: dict[MailLanguage, dict[str, LetterWords]] = {
    MailLanguage.EN: {
        NoticeKind.INVITATION: LetterWords(
            "Invitation to {organisation} on Citewell",
            (
                "You are invited to {organisation} on Citewell, which answers questions from the "
                "organisation's documents. Make your account here:",
                "The link works once, until {until}.",
                "If you did not expect it, ignore this message.",
            ),
            "Make your account",
        ),
        NoticeKind.PASSWORD_RESET: LetterWords(
            "Set a new password",
            (
                "A new password was asked for, for your account at {organisation}. Set it here:",
                "The link works once, until {until}. All your sessions and passkeys end with it.",
                ALONE_EN,
            ),
            "Set a new password",
        ),
        NoticeKind.EMAIL_CONFIRMATION: LetterWords(
            "Confirm your new e-mail address",
            (
                "This address is to be the one of an account at {organisation}. Confirm it here:",
                "The link works once, until {until}. Until then the former address stays.",
                ALONE_EN,
            ),
            "Confirm the address",
        ),
        NoticeKind.EMAIL_CHANGE_ASKED: LetterWords(
            "Your e-mail address is to be changed",
            (
                "At {when} another e-mail address was asked for, for your account at "
                "{organisation}. It becomes yours once it was confirmed there; until then nothing "
                "has changed.",
                "If that was not you, change your password now: that voids the new address. Then "
                "tell an administrator.",
            ),
        ),
        NoticeKind.EMAIL_CHANGED: LetterWords(
            "Your e-mail address was changed",
            (
                "At {when} the e-mail address of your account at {organisation} was changed. "
                "Messages go to the new one from now on, and you sign in with it.",
                "If that was not you, tell an administrator at once.",
            ),
        ),
        NoticeKind.PASSWORD_CHANGED: LetterWords(
            "Your password was changed",
            (
                "At {when} the password of your account at {organisation} was changed. Other "
                "sessions have ended.",
                NOT_YOU_EN,
            ),
        ),
        NoticeKind.SECOND_FACTOR_REMOVED: LetterWords(
            "Your second factor was removed",
            (
                "At {when} the second factor of your account at {organisation} was removed.",
                NOT_YOU_EN,
            ),
        ),
        NoticeKind.PASSKEY_ADDED: LetterWords(
            "A passkey was added to your account",
            (
                "At {when} a passkey was added to your account at {organisation}. It signs in "
                "without the password.",
                "If that was not you, remove it under “Your account”, change your password, and "
                "tell an administrator.",
            ),
        ),
        TEST: LetterWords(
            "Citewell sends mail",
            ("This message tries out the mail server of Citewell. It has arrived.",),
        ),
    },
    MailLanguage.VI: {
        NoticeKind.INVITATION: LetterWords(
            "Lời mời vào {organisation} trên Citewell",
            (
                "Bạn được mời vào {organisation} trên Citewell, nơi trả lời câu hỏi từ tài liệu "
                "của tổ chức. Hãy tạo tài khoản tại đây:",
                "Liên kết dùng được một lần, đến {until}.",
                "Nếu bạn không chờ lời mời này, hãy bỏ qua thư.",
            ),
            "Tạo tài khoản",
        ),
        NoticeKind.PASSWORD_RESET: LetterWords(
            "Đặt mật khẩu mới",
            (
                "Có yêu cầu đặt mật khẩu mới cho tài khoản của bạn tại {organisation}. Hãy đặt tại "
                "đây:",
                "Liên kết dùng được một lần, đến {until}. Mọi phiên đăng nhập và khóa truy cập của "
                "bạn sẽ kết thúc.",
                ALONE_VI,
            ),
            "Đặt mật khẩu mới",
        ),
        NoticeKind.EMAIL_CONFIRMATION: LetterWords(
            "Xác nhận địa chỉ e-mail mới",
            (
                "Địa chỉ này sẽ là địa chỉ của một tài khoản tại {organisation}. Hãy xác nhận tại "
                "đây:",
                "Liên kết dùng được một lần, đến {until}. Trước đó địa chỉ cũ vẫn giữ nguyên.",
                ALONE_VI,
            ),
            "Xác nhận địa chỉ",
        ),
        NoticeKind.EMAIL_CHANGE_ASKED: LetterWords(
            "Có yêu cầu đổi địa chỉ e-mail của bạn",
            (
                "Lúc {when} có yêu cầu đổi địa chỉ e-mail của tài khoản của bạn tại "
                "{organisation}. Địa chỉ mới chỉ có hiệu lực sau khi được xác nhận; hiện chưa có "
                "gì thay đổi.",
                "Nếu không phải bạn, hãy đổi mật khẩu ngay: việc đó hủy địa chỉ mới. Sau đó báo "
                "cho quản trị viên.",
            ),
        ),
        NoticeKind.EMAIL_CHANGED: LetterWords(
            "Địa chỉ e-mail của bạn đã đổi",
            (
                "Lúc {when} địa chỉ e-mail của tài khoản của bạn tại {organisation} đã được đổi. "
                "Từ nay thư được gửi đến địa chỉ mới và bạn đăng nhập bằng địa chỉ đó.",
                "Nếu không phải bạn, hãy báo ngay cho quản trị viên.",
            ),
        ),
        NoticeKind.PASSWORD_CHANGED: LetterWords(
            "Mật khẩu của bạn đã đổi",
            (
                "Lúc {when} mật khẩu của tài khoản của bạn tại {organisation} đã được đổi. Các "
                "phiên đăng nhập khác đã kết thúc.",
                NOT_YOU_VI,
            ),
        ),
        NoticeKind.SECOND_FACTOR_REMOVED: LetterWords(
            "Lớp bảo vệ thứ hai của bạn đã bị gỡ",
            (
                "Lúc {when} lớp bảo vệ thứ hai của tài khoản của bạn tại {organisation} đã bị gỡ.",
                NOT_YOU_VI,
            ),
        ),
        NoticeKind.PASSKEY_ADDED: LetterWords(
            "Một khóa truy cập đã được thêm vào tài khoản của bạn",
            (
                "Lúc {when} một khóa truy cập (passkey) đã được thêm vào tài khoản của bạn tại "
                "{organisation}. Khóa này đăng nhập không cần mật khẩu.",
                "Nếu không phải bạn, hãy xóa khóa đó trong “Tài khoản của bạn”, đổi mật khẩu và "
                "báo cho quản trị viên.",
            ),
        ),
        TEST: LetterWords(
            "Citewell gửi được thư",
            ("Thư này thử máy chủ thư của Citewell. Thư đã đến nơi.",),
        ),
    },
}
