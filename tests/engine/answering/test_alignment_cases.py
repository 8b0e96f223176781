"""How far the alignment can be trusted: own passages, sentences a model might write of them.

`true` sentences are lightly reworded; `altered` ones differ from the source in one number, unit,
date, code, name, opposite or negation; `unrelated` ones are about something else. What is measured
is printed by `pytest -s`; the floors are what the alignment reached when it was written.
"""

from dataclasses import dataclass
from typing import Literal

import pytest

from citewell.engine.answering.alignment import Alignment, align
from citewell.engine.answering.base import Passage

ENGLISH = [
    (
        "Staff handbook",
        "Annual leave",
        "Full-time employees are entitled to 24 working days of annual leave per calendar year. "
        "Up to 5 unused days may be carried over to the next year. Carried-over days lapse on "
        "31 March. Requests must be submitted in the portal at least two weeks in advance.",
    ),
    (
        "Staff handbook",
        "Remote work",
        "Employees may work remotely up to three days per week with the consent of their manager. "
        "Remote work from outside the country is not permitted. Managers must be on site every "
        "Tuesday.",
    ),
    (
        "Travel policy",
        "Reimbursement",
        "The daily meal allowance is EUR 45 for domestic trips and EUR 60 for international trips. "
        "Hotel costs are reimbursed up to EUR 140 per night. Receipts have to be handed in within "
        "30 days after the trip. Business class is allowed only for flights longer than 8 hours.",
    ),
    (
        "Service contract MC-2291",
        "Term and termination",
        "This contract starts on 1 July 2023 and runs for 36 months. Either party may terminate it "
        "with a notice period of 90 days. The supplier shall not assign the contract without the "
        "prior written approval of Borealis Foods.",
    ),
    (
        "Product manual",
        "Maintenance",
        "Replace the filter cartridge F-210 every six months. Before opening the housing, switch "
        "off the power supply. The tank holds 12.5 litres. The device must not be operated at "
        "temperatures below 5 °C.",
    ),
    (
        "Minutes of the board",
        "Decisions",
        "The board approved the budget of $1.2 million for the Rotterdam warehouse. Helena Brandt "
        "rejected the proposal to lease vehicles. The next meeting takes place on 14 November 2024 "
        "at 9:30.",
    ),
    (
        "Price list",
        "Subscriptions",
        "Plan | Seats | Price\nStarter | 5 | 19 USD per month\nTeam | 25 | 79 USD per month\n"
        "Enterprise | 200 | 390 USD per month",
    ),
    (
        "IT policy",
        "Passwords",
        "Passwords must have at least 14 characters. Accounts are locked after 6 failed attempts. "
        "Sharing a password with colleagues is prohibited. Lost devices are reported to the "
        "service desk within 4 hours.",
    ),
]

VIETNAMESE = [
    (
        "Sổ tay nhân viên",
        "Nghỉ phép năm",
        "Nhân viên chính thức được nghỉ 14 ngày phép mỗi năm. Ngày phép chưa dùng được chuyển sang "
        "năm sau tối đa 4 ngày. Đơn xin nghỉ phải nộp trước ít nhất 3 ngày làm việc.",
    ),
    (
        "Quy chế làm việc",
        "Điều 7. Giờ làm việc",
        "Giờ làm việc bắt đầu từ 8 giờ và kết thúc lúc 17 giờ 30 phút. Nhân viên không được hút "
        "thuốc trong toàn bộ khu vực văn phòng. Cuộc họp giao ban diễn ra vào sáng thứ hai hàng "
        "tuần.",
    ),
    (
        "Quy định công tác phí",
        "Điều 12. Mức chi",
        "Phụ cấp lưu trú là 300.000 đồng mỗi ngày đối với công tác trong nước. Tiền thuê phòng "
        "nghỉ không quá 1,2 triệu đồng một đêm. Hồ sơ thanh toán nộp cho phòng Kế toán trong vòng "
        "10 ngày sau chuyến đi.",
    ),
    (
        "Nghị định 86/2021/NĐ-QL",
        "Điều 3. Hiệu lực",
        "Nghị định này có hiệu lực từ ngày 15 tháng 9 năm 2021. Tổ chức vi phạm bị phạt tiền từ 20 "
        "triệu đồng đến 40 triệu đồng. Hộ gia đình nghèo được miễn lệ phí đăng ký.",
    ),
    (
        "Hướng dẫn sử dụng máy lọc",
        "Bảo trì",
        "Thay lõi lọc số 2 sau mỗi 6 tháng. Phải ngắt nguồn điện trước khi mở nắp máy. Không sử "
        "dụng nước nóng trên 45 độ để rửa bình chứa.",
    ),
    (
        "Biên bản họp",
        "Kết luận",
        "Giám đốc Trần Thu Hà phê duyệt kế hoạch mở chi nhánh tại Đà Nẵng. Doanh thu quý ba tăng "
        "18% so với cùng kỳ. Phòng Nhân sự tuyển thêm hai mươi lăm kỹ sư.",
    ),
]

Kind = Literal["true", "altered", "unrelated"]


@dataclass(frozen=True)
class Case:
    kind: Kind
    language: str
    sentence: str
    passage: int
    """Number of the passage it is about, counted from 1, as the model claims it."""


def _cases(language: str, kind: Kind, *pairs: tuple[int, str]) -> list[Case]:
    return [Case(kind, language, sentence, passage) for passage, sentence in pairs]


CASES = [
    *_cases(
        "en",
        "true",
        (1, "Full-time employees get 24 working days of annual leave per year."),
        (1, "Employees working full-time are entitled to twenty-four days of annual leave."),
        (1, "Unused days, up to 5, can be carried over into the following year."),
        (1, "Carried-over days expire (lapse) on March 31."),
        (1, "You must submit requests in the portal at least 2 weeks in advance."),
        (2, "With their manager's consent, employees may work remotely up to 3 days a week."),
        (2, "Working remotely from outside the country is not allowed."),
        (2, "Managers have to be on site each Tuesday."),
        (3, "The meal allowance is €45 per day for domestic trips."),
        (3, "For international trips the daily allowance for meals is 60 EUR."),
        (3, "Hotel costs are reimbursed up to a maximum of EUR 140 a night."),
        (3, "Hand in receipts within 30 days after the trip."),
        (3, "Business class is only allowed on flights longer than eight hours."),
        (4, "The contract started on July 1, 2023 and runs for 36 months."),
        (4, "Either party can terminate the contract with 90 days' notice."),
        (4, "Without prior written approval of Borealis Foods the supplier may not assign it."),
        (5, "The F-210 filter cartridge is to be replaced every 6 months."),
        (5, "Switch off the power supply before you open the housing."),
        (5, "The tank can hold 12.5 litres."),
        (6, "A budget of 1,200,000 dollars for the Rotterdam warehouse was approved by the board."),
        (6, "The board will meet next on 14 Nov 2024 at 9:30."),
        (6, "Helena Brandt rejected leasing vehicles."),
        (7, "The Team plan costs 79 USD per month."),
        (7, "The Enterprise plan includes 200 seats."),
        (8, "A password needs at least 14 characters."),
        (8, "After six failed attempts, accounts are locked."),
        (8, "Sharing passwords with colleagues is forbidden."),
        (8, "Report lost devices to the service desk within 4 hours."),
    ),
    *_cases(
        "en",
        "altered",
        (1, "Full-time employees get 28 working days of annual leave per year."),
        (1, "Full-time employees are entitled to 24 weeks of annual leave per calendar year."),
        (1, "Carried-over days lapse on 30 April."),
        (1, "Requests must be submitted in the portal at most two weeks in advance."),
        (1, "Unused days may not be carried over to the next year."),
        (2, "Remote work from outside the country is permitted."),
        (2, "Managers must be on site every Thursday."),
        (2, "Employees may work remotely up to four days per week with their manager's consent."),
        (3, "The daily meal allowance is EUR 60 for domestic trips."),
        (3, "The daily meal allowance is USD 45 for domestic trips."),
        (3, "Hotel costs are reimbursed up to EUR 140 per week."),
        (3, "Receipts have to be handed in within 30 days before the trip."),
        (3, "Business class is not allowed for flights longer than 8 hours."),
        (4, "This contract starts on 7 January 2023 and runs for 36 months."),
        (4, "Either party may terminate the contract with a notice period of 60 days."),
        (4, "The supplier shall not assign it without approval of Northwind Foods."),
        (5, "Replace the filter cartridge F-120 every six months."),
        (5, "Replace the filter cartridge F-210 every nine months."),
        (5, "The tank holds 125 litres."),
        (5, "The device must be operated at temperatures below 5 °C."),
        (6, "The board rejected the budget of $1.2 million for the Rotterdam warehouse."),
        (6, "The board approved the budget of $1.2 billion for the Rotterdam warehouse."),
        (6, "Helena Brandt approved the proposal to lease vehicles."),
        (6, "The board approved the budget of $1.2 million for the Antwerp warehouse."),
        (7, "The Team plan costs 390 USD per month."),
        (8, "Passwords must have at most 14 characters."),
        (8, "Sharing a password with colleagues is allowed."),
        (8, "Lost devices are reported to the service desk within 4 days."),
    ),
    *_cases(
        "en",
        "unrelated",
        (1, "Parental leave is granted to both parents of a newborn child."),
        (2, "The canteen offers vegetarian meals at noon."),
        (3, "Company cars can be ordered with an electric engine."),
        (4, "The warranty covers manufacturing defects of the housing."),
        (5, "Please recycle the packaging at a local collection point."),
        (6, "The company was founded by two engineers in a garage."),
        (7, "Discounts are available to charities and schools."),
        (8, "The firewall is monitored by an external security team."),
    ),
    *_cases(
        "vi",
        "true",
        (1, "Mỗi năm nhân viên chính thức có 14 ngày nghỉ phép."),
        (1, "Ngày phép chưa dùng được chuyển tối đa bốn ngày sang năm sau."),
        (1, "Phải nộp đơn xin nghỉ trước ít nhất ba ngày làm việc."),
        (2, "Giờ làm việc kết thúc lúc 17h30."),
        (2, "Không được hút thuốc trong khu vực văn phòng."),
        (2, "Họp giao ban diễn ra sáng thứ hai hằng tuần."),
        (3, "Công tác trong nước được phụ cấp lưu trú 300 nghìn đồng mỗi ngày."),
        (3, "Tiền thuê phòng nghỉ tối đa 1.200.000 đồng một đêm."),
        (3, "Hồ sơ thanh toán cần nộp cho phòng Kế toán trong vòng mười ngày sau chuyến đi."),
        (4, "Nghị định 86/2021/NĐ-QL có hiệu lực từ 15/9/2021."),
        (4, "Tổ chức vi phạm bị phạt từ 20 đến 40 triệu đồng."),
        (4, "Hộ nghèo được miễn lệ phí đăng ký."),
        (5, "Lõi lọc số 2 được thay sau mỗi sáu tháng."),
        (5, "Trước khi mở nắp máy phải ngắt nguồn điện."),
        (6, "Bà Trần Thu Hà, giám đốc, phê duyệt kế hoạch mở chi nhánh tại Đà Nẵng."),
        (6, "Phòng Nhân sự tuyển thêm 25 kỹ sư."),
        (1, "Nhan vien chinh thuc duoc nghi 14 ngay phep moi nam."),
        (5, "Phai ngat nguon dien truoc khi mo nap may."),
    ),
    *_cases(
        "vi",
        "altered",
        (1, "Nhân viên chính thức được nghỉ 12 ngày phép mỗi năm."),
        (1, "Ngày phép chưa dùng được chuyển sang năm sau tối thiểu 4 ngày."),
        (1, "Ngày phép chưa dùng không được chuyển sang năm sau."),
        (2, "Giờ làm việc kết thúc lúc 18 giờ 30 phút."),
        (2, "Nhân viên được hút thuốc trong toàn bộ khu vực văn phòng."),
        (2, "Cuộc họp giao ban diễn ra vào sáng thứ sáu hàng tuần."),
        (3, "Phụ cấp lưu trú là 500.000 đồng mỗi ngày đối với công tác trong nước."),
        (3, "Phụ cấp lưu trú là 300.000 đồng mỗi ngày đối với công tác nước ngoài."),
        (3, "Tiền thuê phòng nghỉ không quá 1,2 tỷ đồng một đêm."),
        (3, "Hồ sơ thanh toán nộp cho phòng Kế toán trong vòng 10 tuần sau chuyến đi."),
        (4, "Nghị định này có hiệu lực từ ngày 15 tháng 8 năm 2021."),
        (4, "Nghị định 68/2021/NĐ-QL có hiệu lực từ ngày 15 tháng 9 năm 2021."),
        (4, "Tổ chức vi phạm bị phạt tiền từ 20 triệu đồng đến 60 triệu đồng."),
        (5, "Phải ngắt nguồn điện sau khi mở nắp máy."),
        (5, "Thay lõi lọc số 2 sau mỗi 9 tháng."),
        (6, "Giám đốc Trần Thu Hà từ chối kế hoạch mở chi nhánh tại Đà Nẵng."),
        (6, "Doanh thu quý ba giảm 18% so với cùng kỳ."),
        (6, "Giám đốc Trần Thu Hà phê duyệt kế hoạch mở chi nhánh tại Cần Thơ."),
        (1, "Nhan vien chinh thuc duoc nghi 16 ngay phep moi nam."),
    ),
    *_cases(
        "vi",
        "unrelated",
        (1, "Phụ nữ mang thai được khám sức khỏe miễn phí."),
        (2, "Bãi đỗ xe nằm ở tầng hầm của tòa nhà."),
        (3, "Công ty hỗ trợ nhân viên học ngoại ngữ."),
        (4, "Người dân có thể tra cứu kết quả trên cổng thông tin."),
        (5, "Sản phẩm được lắp ráp tại nhà máy ở miền Trung."),
        (6, "Khách hàng hài lòng với dịch vụ giao hàng."),
    ),
]


HELD_OUT_ENGLISH = [
    (
        "Laboratory safety rules",
        "Chemicals",
        "Acids are stored in the ventilated cabinet in room B12. Visitors may enter the laboratory "
        "only when accompanied by a staff member. Safety goggles have to be worn at all times. The "
        "eye shower is inspected every week by the safety officer, Miguel Torres.",
    ),
    (
        "Lease agreement",
        "Rent and deposit",
        "The monthly rent amounts to 2,350 euros and is due on the third working day of each "
        "month. The tenant pays a deposit of three monthly rents. Pets are not allowed without the "
        "landlord's consent. The landlord bears the cost of repairs above 150 euros.",
    ),
    (
        "Annual report",
        "Results",
        "Revenue rose by 12% to 48.6 million euros in 2023, while operating costs fell to 31.2 "
        "million euros. The company opened two branches in Lisbon and Gdansk. The number of "
        "employees grew from 310 to 352.",
    ),
    (
        "Support agreement",
        "Response times",
        "Critical incidents are answered within 30 minutes around the clock. Requests of normal "
        "priority receive a reply by the end of the next business day. Support by telephone is "
        "available from 08:00 to 18:00 on weekdays. On-site visits are charged at 95 GBP per hour.",
    ),
]
HELD_OUT_VIETNAMESE = [
    (
        "Nội quy ký túc xá",
        "Điều 5",
        "Sinh viên phải về phòng trước 22 giờ 30. Khách đến thăm được tiếp tại sảnh tầng 1. Không "
        "được nấu ăn trong phòng ở. Tiền phòng là 650.000 đồng một tháng, đóng trước ngày 10 hàng "
        "tháng.",
    ),
    (
        "Hợp đồng lao động",
        "Thử việc",
        "Thời gian thử việc là 60 ngày. Lương thử việc bằng 85% mức lương chính thức. Trong thời "
        "gian thử việc, mỗi bên có quyền hủy bỏ hợp đồng mà không cần báo trước. Người lao động "
        "được đóng bảo hiểm xã hội sau khi ký hợp đồng chính thức.",
    ),
    (
        "Quy trình mua sắm",
        "Bước 2",
        "Đơn hàng trên 50 triệu đồng phải có ít nhất ba báo giá. Trưởng phòng Mua hàng Lê Quang "
        "Minh ký duyệt đơn hàng. Hàng hóa được kiểm tra trong vòng 48 giờ sau khi giao.",
    ),
]

HELD_OUT = [
    *_cases(
        "en",
        "true",
        (1, "Acids have to be stored in room B12, in the ventilated cabinet."),
        (1, "Visitors can only enter the laboratory if a staff member accompanies them."),
        (1, "You must wear safety goggles at all times."),
        (1, "Miguel Torres, the safety officer, inspects the eye shower weekly."),
        (2, "The rent is €2,350 per month."),
        (2, "The deposit paid by the tenant equals 3 monthly rents."),
        (2, "Pets aren't allowed unless the landlord gives consent."),
        (2, "Repairs costing more than 150 euros are paid for by the landlord."),
        (3, "In 2023 revenue increased by 12 percent to EUR 48.6 million."),
        (3, "Operating costs decreased to 31.2 million euros."),
        (3, "Two branches were opened, in Lisbon and Gdansk."),
        (3, "The number of employees increased from 310 to 352."),
        (4, "Critical incidents get an answer within half an hour, i.e. 30 minutes."),
        (4, "Telephone support is available on weekdays from 8:00 to 18:00."),
        (4, "An on-site visit costs £95 per hour."),
        (4, "Normal priority requests receive a reply by the end of the next working day."),
    ),
    *_cases(
        "en",
        "altered",
        (1, "Acids are stored in the ventilated cabinet in room B21."),
        (1, "Visitors may enter the laboratory without being accompanied by a staff member."),
        (1, "The eye shower is inspected every month by the safety officer."),
        (1, "The eye shower is inspected every week by the safety officer, Miguel Santos."),
        (2, "The monthly rent amounts to 2,530 euros."),
        (2, "The rent is due on the fifth working day of each month."),
        (2, "Pets are allowed without the landlord's consent."),
        (2, "The tenant bears the cost of repairs above 150 euros."),
        (3, "Revenue fell by 12% to 48.6 million euros in 2023."),
        (3, "Operating costs fell to 48.6 million euros."),
        (3, "The company closed two branches in Lisbon and Gdansk."),
        (3, "The company opened two branches in Lisbon and Krakow."),
        (3, "The number of employees grew from 310 to 532."),
        (4, "Critical incidents are answered within 30 hours around the clock."),
        (4, "Support by telephone is available from 08:00 to 20:00 on weekdays."),
        (4, "Support by telephone is not available on weekdays from 08:00 to 18:00."),
        (4, "On-site visits are charged at 95 USD per hour."),
        (4, "On-site visits are charged at 95 GBP per day."),
    ),
    *_cases(
        "vi",
        "true",
        (1, "Sinh viên cần về phòng trước 22h30."),
        (1, "Khách thăm được tiếp ở sảnh tầng 1."),
        (1, "Không được phép nấu ăn trong phòng."),
        (1, "Tiền phòng mỗi tháng là 650 nghìn đồng."),
        (2, "Thử việc kéo dài 60 ngày."),
        (2, "Mức lương thử việc bằng 85% lương chính thức."),
        (2, "Khi thử việc, mỗi bên có thể hủy bỏ hợp đồng không cần báo trước."),
        (3, "Đơn hàng trên 50 triệu đồng cần ít nhất 3 báo giá."),
        (3, "Ông Lê Quang Minh, trưởng phòng Mua hàng, là người ký duyệt đơn hàng."),
        (3, "Hàng hóa phải được kiểm tra trong 48 giờ sau khi giao."),
    ),
    *_cases(
        "vi",
        "altered",
        (1, "Sinh viên phải về phòng trước 23 giờ 30."),
        (1, "Khách đến thăm được tiếp tại sảnh tầng 2."),
        (1, "Được nấu ăn trong phòng ở."),
        (1, "Tiền phòng là 650.000 đồng một năm."),
        (2, "Thời gian thử việc là 60 tuần."),
        (2, "Lương thử việc bằng 75% mức lương chính thức."),
        (2, "Người lao động được đóng bảo hiểm xã hội trước khi ký hợp đồng chính thức."),
        (3, "Đơn hàng dưới 50 triệu đồng phải có ít nhất ba báo giá."),
        (3, "Đơn hàng trên 50 triệu đồng phải có nhiều nhất ba báo giá."),
        (3, "Trưởng phòng Mua hàng Lê Quang Huy ký duyệt đơn hàng."),
    ),
]


def passages(language: str, *, held_out: bool = False) -> list[Passage]:
    libraries = {"en": (ENGLISH, HELD_OUT_ENGLISH), "vi": (VIETNAMESE, HELD_OUT_VIETNAMESE)}
    library = libraries[language][held_out]
    return [
        Passage(
            chunk_id=f"c{number}",
            document_id=f"d{number}",
            title=title,
            version=1,
            page=1,
            heading=(heading,),
            start=1000 * number,
            end=1000 * number + len(text),
            text=text,
            score=0.8,
            language=language,
        )
        for number, (title, heading, text) in enumerate(library, start=1)
    ]


def aligned(case: Case) -> Alignment:
    text = f"{case.sentence[:-1]} [{case.passage}]."
    library = passages(case.language, held_out=case in HELD_OUT)
    return align(text, library, language=case.language)


def measure(cases: list[Case]) -> dict[Kind, float]:
    """Share of the sentences of each kind that came out supported."""
    supported = {case: aligned(case).sentences[0].is_supported for case in cases}
    kinds: list[Kind] = ["true", "altered", "unrelated"]
    rates: dict[Kind, float] = {}
    for kind in kinds:
        of_kind = [supported[case] for case in cases if case.kind == kind]
        rates[kind] = sum(of_kind) / len(of_kind) if of_kind else 0.0
    wrong = [case for case in cases if supported[case] is not (case.kind == "true")]
    print(f"\n{rates}", *wrong, sep="\n  ")  # noqa: T201
    return rates


class TestCases:
    @pytest.mark.parametrize("language", ["en", "vi"])
    def test_altered_and_unrelated_sentences_are_marked_true_ones_are_cited(
        self, language: str
    ) -> None:
        rates = measure([case for case in CASES if case.language == language])
        assert rates["true"] >= 0.95
        assert rates["altered"] <= 0.05
        assert rates["unrelated"] == 0

    @pytest.mark.parametrize("language", ["en", "vi"])
    def test_sentences_nothing_was_tuned_on(self, language: str) -> None:
        rates = measure([case for case in HELD_OUT if case.language == language])
        assert rates["true"] >= 0.8
        assert rates["altered"] <= 0.2

    @pytest.mark.parametrize("case", [case for case in CASES if case.kind == "true"])
    def test_cited_passage_is_the_one_it_is_about(self, case: Case) -> None:
        for citation in aligned(case).citations:
            assert citation.passage.chunk_id == f"c{case.passage}"

    @pytest.mark.parametrize("language", ["en", "vi"])
    def test_wrong_claims_do_not_hide_the_right_passage(self, language: str) -> None:
        library = passages(language)
        true = [case for case in CASES if case.language == language and case.kind == "true"]
        found = 0
        for case in true:
            wrong = case.passage % len(library) + 1
            result = align(f"{case.sentence} [{wrong}]", library, language=language)
            found += [c.passage.chunk_id for c in result.citations] == [f"c{case.passage}"]
        assert found / len(true) >= 0.95
