"""Texts that show what the cosines of a model mean: six passages and questions in two languages."""

from typing import Final, NamedTuple


class Probe(NamedTuple):
    """A passage and a question that it answers, in English and in Vietnamese."""

    passage: str
    question: str
    vietnamese_passage: str
    vietnamese_question: str


PROBES: Final = (
    Probe(
        "Every employee gets twenty days of annual leave. Leave that is not taken by the end of "
        "March of the following year lapses without compensation.",
        "How many days off work does a member of staff have each year?",
        "Mỗi nhân viên có hai mươi ngày nghỉ phép hằng năm. Ngày phép không dùng đến hết tháng Ba "
        "năm sau sẽ hết hiệu lực và không được bồi thường.",
        "Người lao động được nghỉ bao nhiêu ngày trong một năm?",
    ),
    Probe(
        "The pump is under warranty for two years from the date of delivery. Damage caused by dry "
        "running or by unsuitable liquids is excluded.",
        "For how long does the maker repair a broken pump free of charge?",
        "Máy bơm được bảo hành hai năm kể từ ngày giao hàng. Hư hỏng do chạy khô hoặc do dùng chất "
        "lỏng không phù hợp không được bảo hành.",
        "Nhà sản xuất sửa máy bơm hỏng miễn phí trong bao lâu?",
    ),
    Probe(
        "Invoices are paid within thirty days of receipt. A supplier who grants two percent "
        "discount is paid within ten days.",
        "When does a supplier receive the money for a bill?",
        "Hóa đơn được thanh toán trong vòng ba mươi ngày kể từ ngày nhận. Nhà cung cấp chiết khấu "
        "hai phần trăm được trả tiền trong mười ngày.",
        "Khi nào nhà cung cấp nhận được tiền của một hóa đơn?",
    ),
    Probe(
        "A forgotten password is reset at the service desk on the second floor. Bring an identity "
        "card; new credentials are valid at once.",
        "Where can I get access to my account again?",
        "Mật khẩu bị quên được đặt lại tại bàn hỗ trợ ở tầng hai. Vui lòng mang theo thẻ căn cước; "
        "thông tin đăng nhập mới có hiệu lực ngay.",
        "Tôi lấy lại quyền truy cập tài khoản ở đâu?",
    ),
    Probe(
        "In case of fire leave the building by the stairs and gather in the car park. The lifts "
        "must not be used until the fire brigade allows it.",
        "What should people do when the alarm rings because something burns?",
        "Khi có hỏa hoạn, hãy rời tòa nhà bằng cầu thang bộ và tập trung ở bãi đỗ xe. Không được "
        "dùng thang máy cho đến khi đội cứu hỏa cho phép.",
        "Mọi người phải làm gì khi chuông báo cháy reo?",
    ),
    Probe(
        "The laboratory keeps samples at minus eighty degrees for five years. Afterwards they are "
        "destroyed, and the destruction is entered in the register.",
        "At which temperature is biological material stored?",
        "Phòng thí nghiệm giữ mẫu ở nhiệt độ âm tám mươi độ trong năm năm. Sau đó mẫu được tiêu "
        "hủy và việc tiêu hủy được ghi vào sổ.",
        "Vật liệu sinh học được bảo quản ở nhiệt độ nào?",
    ),
)
