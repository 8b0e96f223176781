"""Documents of a small yard, and dialogues over them whose second question leaves words out."""

from collections.abc import Sequence
from typing import NamedTuple

from citewell.engine.answering.base import Passage
from tests.engine.answering.passages import passage


class Dialogue(NamedTuple):
    """Questions in their order; the last one is judged."""

    questions: tuple[str, ...]
    expected: str | None
    """Pattern of the answer to the last one; None where the documents hold none."""
    forbidden: str = r"(?!)"
    """Pattern of what was the answer before."""


_SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("en", "Hire of equipment", "Radios",
     "The handheld radio costs 12 euros a day. The satellite phone costs 45 euros a day. All "
     "batteries are charged before they are handed out."),
    ("en", "Hire of equipment", "Deposits",
     "The deposit for a tent is 60 euros. The deposit for a stove is 25 euros. Deposits are paid "
     "back when the equipment is returned clean."),
    ("en", "Staff rules", "Extra leave",
     "Employees with 5 years of service get 2 extra days of leave. Employees with 10 years of "
     "service get 4 extra days of leave. Extra days are not carried over."),
    ("en", "Staff rules", "Gates and parking",
     "The north gate opens at 6:15. The south gate opens at 8:30. Parking is free for bicycles. "
     "Motorbikes pay 2 euros a day."),
    ("en", "Staff rules", "Workshops",
     "Mira Lindqvist leads the sail loft. Tom Bakker leads the joinery. Both report to the yard "
     "manager."),
    ("en", "Maintenance book", "Warranty",
     "The warranty on the crane is 36 months. The warranty on the compressor is 18 months. Repairs "
     "by others end the warranty."),
    ("en", "Maintenance book", "First aid",
     "On the ground floor the first aid kit hangs beside the lift. On the second floor the first "
     "aid kit is in the tea kitchen."),
    ("en", "Meeting rooms", "Rooms",
     "| Room | Seats | Floor |\n| Alder | 12 | 1 |\n| Birch | 30 | 2 |\n| Cedar | 8 | 2 |"),
    ("en", "Freight agreement with Marlow", "Term",
     "This agreement starts on 1 March 2025. It ends on 28 February 2028 unless it is renewed in "
     "writing."),
    ("en", "Training plan", "Courses",
     "The splicing course lasts three days. The welding course lasts two weeks. Both courses are "
     "free for staff."),
    ("vi", "Tài liệu đào tạo", "Sổ tay",
     "Sổ tay bằng tiếng Anh có 84 trang. Sổ tay bằng tiếng Việt có 96 trang. Sổ tay được phát cho "
     "mọi nhân viên mới."),
    ("vi", "Quy định phụ cấp", "Phụ cấp trực",
     "Phụ cấp trực đêm là 150.000 đồng một ca. Phụ cấp trực ngày lễ là 320.000 đồng một ca. Phụ "
     "cấp được trả cùng lương."),
    ("vi", "Quy định nghỉ phép", "Thâm niên",
     "Nhân viên có 5 năm thâm niên được nghỉ thêm 1 ngày. Nhân viên có 10 năm thâm niên được nghỉ "
     "thêm 3 ngày."),
    ("vi", "Sổ tay kho bãi", "Phân công",
     "Bà Nguyễn Thị Sen phụ trách kho A. Ông Lê Văn Khôi phụ trách kho B. Chìa khóa để ở phòng bảo "
     "vệ."),
    ("vi", "Nội quy tòa nhà", "Giờ mở cửa",
     "Thư viện mở cửa lúc 7 giờ 30. Phòng tập mở cửa lúc 5 giờ 45. Bãi xe mở cửa cả ngày."),
    ("vi", "Bảng giá dịch vụ", "Thuê xe",
     "| Loại xe | Giá thuê một ngày (VND) |\n| Xe máy | 180.000 |\n| Xe đạp | 50.000 |\n"
     "| Xe điện | 240.000 |"),
    ("vi", "Lịch câu lạc bộ", "Lớp học",
     "Lớp bơi học vào thứ ba. Lớp vẽ học vào thứ sáu. Học phí do công ty trả."),
    ("vi", "Nội quy ký túc xá", "Đặt cọc",
     "Tiền đặt cọc cho phòng đơn là 2.000.000 đồng. Tiền đặt cọc cho phòng đôi là 3.500.000 đồng."),
    ("vi", "Sổ tay thiết bị", "Bảo hành",
     "Máy in được bảo hành 24 tháng. Máy quét được bảo hành 12 tháng. Phiếu bảo hành do phòng vật "
     "tư giữ."),
    ("vi", "Hợp đồng vận chuyển với Hải Vân", "Thời hạn",
     "Hợp đồng có hiệu lực từ ngày 01/04/2025. Hợp đồng hết hạn vào ngày 31/03/2027."),
)  # fmt: skip

TUNED: tuple[Dialogue, ...] = (
    Dialogue(("What does the handheld radio cost?", "What about the satellite one?"),
             r"45", r"\b12\b"),
    Dialogue(("How many extra days of leave do employees with 5 years of service get?",
              "And with 10 years of service?"), r"\b4 extra", r"\b2 extra"),
    Dialogue(("How many extra days of leave do employees with 5 years of service get?",
              "And with 20 years?"), None),
    Dialogue(("When does the north gate open?", "And the south gate?"), r"8:30", r"6:15"),
    Dialogue(("Who leads the sail loft?", "And the joinery?"), r"Bakker", r"Lindqvist"),
    Dialogue(("Sổ tay bằng tiếng Anh có bao nhiêu trang?", "Còn bằng tiếng Việt?"),
             r"96", r"84"),
    Dialogue(("Phụ cấp trực đêm là bao nhiêu?", "Thế còn trực ngày lễ?"), r"320\.000",
             r"150\.000"),
    Dialogue(("Nhân viên có 5 năm thâm niên được nghỉ thêm bao nhiêu ngày?",
              "Còn 10 năm thì sao?"), r"3 ngày", r"1 ngày"),
    Dialogue(("Ai phụ trách kho A?", "Thế còn kho C?"), None),
    Dialogue(("Thư viện mở cửa lúc mấy giờ?", "Còn phòng tập?"), r"5 giờ 45", r"7 giờ"),
)  # fmt: skip

OTHERS: tuple[Dialogue, ...] = (
    Dialogue(("How long is the warranty on the crane?", "And on the compressor?"),
             r"18 months", r"36"),
    Dialogue(("Is parking free for bicycles?", "What about motorbikes?"), r"2 euros", r"^Yes"),
    Dialogue(("What is the deposit for a tent?", "And for a kayak?"), None),
    Dialogue(("How many seats does the Alder room have?", "What about Birch?"), r"\b30\b",
             r"\b12\b"),
    Dialogue(("When does the agreement with Marlow end?", "And when did it start?"),
             r"1 March 2025"),
    Dialogue(("Giá thuê xe máy một ngày là bao nhiêu?", "Còn xe đạp?"), r"50\.000",
             r"180\.000"),
    Dialogue(("Lớp bơi học vào thứ mấy?", "Thế còn lớp vẽ?"), r"thứ sáu", r"thứ ba"),
    Dialogue(("Tiền đặt cọc cho phòng đơn là bao nhiêu?", "Thế còn phòng ba?"), None),
    Dialogue(("Máy in được bảo hành bao lâu?", "Còn máy quét thì sao?"), r"12 tháng", r"24"),
    Dialogue(("Hợp đồng với Hải Vân hết hạn khi nào?", "Thế còn có hiệu lực từ khi nào?"),
             r"01/04/2025"),
)  # fmt: skip


def documents(sections: Sequence[tuple[str, str, str, str]] = _SECTIONS) -> list[Passage]:
    """Every section as a passage of its own: language, title, heading and text."""
    return [
        passage(text, name=f"{title} {heading}", title=title, heading=[heading], language=language)
        for language, title, heading, text in sections
    ]
