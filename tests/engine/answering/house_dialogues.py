"""House rules of a pool, a workshop, a clinic, a mill, a block of flats and a library.

Dialogues over them whose second question leaves words out, or compares.
"""

from tests.engine.answering.dialogues import Dialogue

SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("en", "Millbrook Swimming Pool: rules for guests", "Opening hours",
     "In summer the pool is open from 7:00 to 21:30. In winter the pool is open from 9:00 to "
     "18:00. On public holidays the pool is closed."),
    ("en", "Millbrook Swimming Pool: rules for guests", "Admission",
     "A day ticket costs 8 euros for adults. Children under 14 pay 3 euros. Pensioners pay 5 "
     "euros. A season ticket costs 95 euros and can be transferred to another person once."),
    ("en", "Millbrook Swimming Pool: rules for guests", "Lockers",
     "A locker costs 1 euro a day. Family cabins must be booked at the desk two days ahead. "
     "The deposit for a locker key is 10 euros. The deposit for a parasol is 20 euros."),
    ("en", "Millbrook Swimming Pool: rules for guests", "Courses",
     "The beginners' course lasts eight weeks and takes place on Mondays. The diving course "
     "lasts five weeks and takes place on Thursdays. Aqua aerobics takes place on Saturdays "
     "and needs no registration. The diving course is taught by Helen Marsh. The beginners' "
     "course is taught by Omar Haddad."),
    ("en", "Tool loan of the Fernhill Workshop", "Loan periods",
     "Hand tools may be borrowed for fourteen days. Power tools may be borrowed for three "
     "days. Ladders may be borrowed for one week."),
    ("en", "Tool loan of the Fernhill Workshop", "Late return",
     "For hand tools returned late, members pay 0.50 pounds a day. For power tools returned "
     "late, members pay 4 pounds a day."),
    ("en", "Tool loan of the Fernhill Workshop", "Membership",
     "Membership costs 30 pounds a year. Students pay 12 pounds a year. Notice of "
     "cancellation must be given four weeks before the end of the year. Corporate members "
     "give notice of cancellation twelve weeks before the end of the year."),
    ("en", "Tool loan of the Fernhill Workshop", "Insurance",
     "Damage to power tools is reported to the workshop manager within 24 hours. Damage to "
     "ladders is reported to the safety warden on the same day."),
    ("en", "Tool loan of the Fernhill Workshop", "Spray booth",
     "The spray booth may be used by members who have passed the paint course. The lathe may "
     "be used by members who have passed the metal course. The spray booth is cleaned every "
     "Friday. The lathe is cleaned after each use."),
    ("en", "Larkfield Veterinary Clinic: information for owners", "Fees",
     "A consultation costs 42 pounds. A vaccination costs 28 pounds. The fee for a night "
     "visit is 110 pounds. The fee for a home visit is 75 pounds."),
    ("en", "Larkfield Veterinary Clinic: information for owners", "Waiting times",
     "Appointments for dogs are given within two days. Appointments for horses are given "
     "within five days. Test results are sent within 48 hours. X-ray images are sent within "
     "one hour."),
    ("en", "Larkfield Veterinary Clinic: information for owners", "Boarding",
     "Cats may stay in the boarding house for up to six weeks. Rabbits may stay in the "
     "boarding house for up to two weeks. Food for cats is included. Food for rabbits is "
     "brought by the owner."),
    ("en", "Larkfield Veterinary Clinic: information for owners", "Staff",
     "Surgery is led by Dr Priya Nand. Dentistry is led by Dr Tom Keel. Surgery takes place "
     "on Tuesdays. Dentistry takes place on Fridays."),
    ("en", "Larkfield Veterinary Clinic: information for owners", "Documents",
     "For travel abroad, dogs need a passport and a rabies vaccination. For travel within "
     "the country, dogs need a chip only."),
    ("vi", "Quy chế lương và phụ cấp Công ty May Hòa Thắng", "Trả lương",
     "Lương tháng được trả vào ngày 5 của tháng sau. Lương làm thêm giờ được trả vào ngày 15 "
     "của tháng sau. Thưởng quý được trả vào ngày 20 của tháng đầu quý sau."),
    ("vi", "Quy chế lương và phụ cấp Công ty May Hòa Thắng", "Mức trả",
     "Làm việc ban ngày được trả 100% lương giờ. Làm thêm giờ vào ngày thường được trả 150% "
     "lương giờ. Làm thêm giờ vào ngày nghỉ hàng tuần được trả 200% lương giờ. Làm ca đêm "
     "được trả thêm 30% lương giờ."),
    ("vi", "Quy chế lương và phụ cấp Công ty May Hòa Thắng", "Phụ cấp",
     "Phụ cấp ăn trưa là 35.000 đồng một ngày. Phụ cấp xăng xe là 400.000 đồng một tháng. "
     "Phụ cấp nhà ở là 800.000 đồng một tháng. Phụ cấp độc hại là 12.000 đồng một ca."),
    ("vi", "Quy chế lương và phụ cấp Công ty May Hòa Thắng", "Thử việc",
     "Thời gian thử việc của công nhân may là 30 ngày. Thời gian thử việc của kỹ thuật viên "
     "là 60 ngày. Lương thử việc bằng 85% lương chính thức."),
    ("vi", "Quy chế lương và phụ cấp Công ty May Hòa Thắng", "Duyệt",
     "Đơn xin tạm ứng lương do kế toán trưởng duyệt. Đơn xin làm thêm giờ do quản đốc phân "
     "xưởng duyệt. Đơn xin nghỉ không lương do giám đốc nhân sự duyệt."),
    ("vi", "Nội quy bãi xe và căng tin Khu nhà Sen Hồng", "Bãi xe",
     "Vé xe máy là 4.000 đồng một lượt. Vé ô tô là 25.000 đồng một lượt. Vé tháng xe máy là "
     "90.000 đồng. Vé tháng ô tô là 1.200.000 đồng. Bãi xe mở cửa từ 5 giờ đến 23 giờ vào "
     "ngày thường. Vào cuối tuần bãi xe mở cửa từ 6 giờ đến 24 giờ."),
    ("vi", "Nội quy bãi xe và căng tin Khu nhà Sen Hồng", "Mất vé",
     "Người làm mất vé xe máy phải nộp 50.000 đồng. Người làm mất vé ô tô phải nộp 200.000 "
     "đồng. Mất thẻ tháng phải báo cho ban quản lý trong vòng 24 giờ."),
    ("vi", "Nội quy bãi xe và căng tin Khu nhà Sen Hồng", "Phòng sinh hoạt",
     "Phòng sinh hoạt chung chứa được 60 người. Phòng họp nhỏ chứa được 12 người. Muốn mượn "
     "phòng sinh hoạt chung phải đăng ký trước 7 ngày. Muốn mượn phòng họp nhỏ phải đăng ký "
     "trước 2 ngày."),
    ("vi", "Nội quy bãi xe và căng tin Khu nhà Sen Hồng", "Chuyển nhà",
     "Chuyển nhà chỉ được thực hiện từ 8 giờ đến 17 giờ. Sửa chữa nhà chỉ được thực hiện từ "
     "9 giờ đến 16 giờ. Tiền đặt cọc khi sửa chữa nhà là 5.000.000 đồng. Tiền đặt cọc khi "
     "chuyển nhà là 1.000.000 đồng."),
    ("vi", "Nội quy Thư viện Tỉnh Phước Long", "Mượn sách",
     "Sách tham khảo được mượn trong 7 ngày. Sách giáo trình được mượn trong 30 ngày. Đĩa "
     "phim được mượn trong 3 ngày. Mỗi sinh viên được mượn tối đa 5 cuốn. Mỗi giảng viên "
     "được mượn tối đa 12 cuốn."),
    ("vi", "Nội quy Thư viện Tỉnh Phước Long", "Phí",
     "Phí làm thẻ sinh viên là 20.000 đồng. Phí làm thẻ cán bộ là 50.000 đồng. Phí in màu là "
     "3.000 đồng một trang. Phí in đen trắng là 500 đồng một trang. Tiền phạt trả sách trễ "
     "là 1.000 đồng một ngày. Tiền phạt làm hỏng sách là 100.000 đồng."),
    ("vi", "Nội quy Thư viện Tỉnh Phước Long", "Giờ mở cửa",
     "Phòng đọc mở cửa từ 7 giờ 30 đến 20 giờ. Phòng máy tính mở cửa từ 8 giờ đến 17 giờ. "
     "Kho sách cũ mở cửa vào thứ năm."),
    ("vi", "Nội quy Thư viện Tỉnh Phước Long", "Phụ trách",
     "Phòng đọc do bà Lê Thu Hà phụ trách. Phòng máy tính do ông Đỗ Quang Minh phụ trách. "
     "Máy in do tổ kỹ thuật bảo trì. Máy chiếu do công ty An Phát bảo trì."),
    ("vi", "Nội quy Thư viện Tỉnh Phước Long", "Đăng ký",
     "Đăng ký phòng họp nhóm phải gửi trước 2 ngày. Đăng ký hội trường phải gửi trước 14 "
     "ngày. Người đọc dưới 15 tuổi cần có phụ huynh ký. Người đọc từ 15 tuổi trở lên cần có "
     "giấy tờ tùy thân."),
)  # fmt: skip

DIALOGUES: tuple[Dialogue, ...] = (
    Dialogue(("When is the pool open in summer?", "And in winter?"), r"9:00 to 18:00", r"21:30"),
    Dialogue(("How much does a day ticket cost for adults?", "And for pensioners?"),
             r"5 euros", r"8 euros"),
    Dialogue(("How long does the beginners' course last?", "What about the diving course?"),
             r"five weeks", r"eight weeks"),
    Dialogue(("Who teaches the beginners' course?", "And the diving course?"),
             r"Helen Marsh", r"Omar"),
    Dialogue(("What is the deposit for a locker key?", "What about a parasol?"),
             r"20 euros", r"10 euros"),
    Dialogue(("How long may hand tools be borrowed?", "How about power tools?"),
             r"three days", r"fourteen"),
    Dialogue(("How much do members pay for hand tools returned late?", "And for power tools?"),
             r"4 pounds", r"0\.50"),
    Dialogue(("To whom is damage to power tools reported?", "And damage to ladders?"),
             r"safety warden", r"workshop manager"),
    Dialogue(("How long may hand tools be borrowed?", "Is that longer than for power tools?"),
             r"three days"),
    Dialogue(("Who may use the spray booth?", "When is it cleaned?"), r"Friday", r"after each use"),
    Dialogue(("Lương tháng được trả vào ngày nào?", "Còn lương làm thêm giờ thì sao?"),
             r"ngày 15", r"ngày 5 "),
    Dialogue(("Làm việc ban ngày được trả bao nhiêu phần trăm lương giờ?",
              "Còn làm thêm giờ vào ngày nghỉ hàng tuần thì sao?"), r"200%", r"100%|150%"),
    Dialogue(("Phụ cấp ăn trưa là bao nhiêu?", "Còn phụ cấp xăng xe?"), r"400\.000", r"35\.000"),
    Dialogue(("Ai duyệt đơn xin tạm ứng lương?", "Thế còn làm thêm giờ?"), r"quản đốc", r"kế toán"),
    Dialogue(("Thời gian thử việc của công nhân may là bao lâu?", "Còn kỹ thuật viên thì sao?"),
             r"60 ngày", r"30 ngày"),
    Dialogue(("Vé xe máy giá bao nhiêu một lượt?", "Còn ô tô?"), r"25\.000", r"^Vé xe máy là 4"),
    Dialogue(("Bãi xe mở cửa mấy giờ vào ngày thường?", "Còn cuối tuần thì sao?"),
             r"6 giờ đến 24 giờ", r"5 giờ đến 23"),
    Dialogue(("Muốn mượn phòng sinh hoạt chung phải đăng ký trước mấy ngày?", "Còn phòng họp nhỏ?"),
             r"2 ngày", r"7 ngày"),
    Dialogue(("Tiền đặt cọc khi chuyển nhà là bao nhiêu?", "Còn sửa chữa nhà thì sao?"),
             r"5\.000\.000", r"[^.]1\.000\.000"),
    Dialogue(("Vé tháng xe máy là bao nhiêu?", "So với vé tháng ô tô thì sao?"), r"1\.200\.000"),
    Dialogue(("How much does a consultation cost?", "What about a vaccination?"),
             r"28 pounds", r"42"),
    Dialogue(("What is the fee for a night visit?", "And a home visit?"), r"75 pounds", r"110"),
    Dialogue(("Within how many days are appointments for dogs given?", "And for horses?"),
             r"five days", r"two days"),
    Dialogue(("When are test results sent?", "How about X-ray images?"), r"one hour", r"48"),
    Dialogue(("How long may cats stay in the boarding house?", "Is it shorter for rabbits?"),
             r"two weeks", r"six"),
    Dialogue(("How long may cats stay in the boarding house?", "How does that compare to rabbits?"),
             r"two weeks"),
    Dialogue(("Who leads surgery?", "And dentistry?"), r"Tom Keel", r"Priya"),
    Dialogue(("Who leads surgery?", "On which day does it take place?"), r"Tuesdays", r"Fridays"),
    Dialogue(("What do dogs need for travel abroad?", "And within the country?"),
             r"chip", r"passport"),
    Dialogue(("Is food for cats included?", "What about rabbits?"),
             r"brought by the owner", r"is included"),
    Dialogue(("Sách tham khảo được mượn trong bao lâu?", "Còn đĩa phim?"),
             r"3 ngày", r"7 ngày|30 ngày"),
    Dialogue(("Sách tham khảo được mượn trong bao lâu?", "Còn giáo trình thì sao?"),
             r"30 ngày", r" 7 ngày"),
    Dialogue(("Sinh viên được mượn tối đa bao nhiêu cuốn?", "Thế còn giảng viên?"),
             r"12 cuốn", r"5 cuốn"),
    Dialogue(("Phí làm thẻ sinh viên là bao nhiêu?", "Còn thẻ cán bộ?"), r"50\.000", r"20\.000"),
    Dialogue(("Phí in màu là bao nhiêu?", "Còn in đen trắng thì sao?"), r"500 đồng", r"3\.000"),
    Dialogue(("Tiền phạt trả sách trễ là bao nhiêu?", "Còn làm hỏng sách thì sao?"),
             r"100\.000", r"[^0]1\.000"),
    Dialogue(("Phòng đọc mở cửa mấy giờ?", "Còn phòng máy tính?"), r"8 giờ đến 17", r"7 giờ 30"),
    Dialogue(("Ai phụ trách phòng đọc?", "Còn phòng máy tính thì sao?"),
             r"Đỗ Quang Minh", r"Thu Hà"),
    Dialogue(("Máy in do ai bảo trì?", "Còn máy chiếu?"), r"An Phát", r"tổ kỹ thuật"),
    Dialogue(("Phí in màu là bao nhiêu?", "Có cao hơn phí in đen trắng không?"), r"500 đồng"),
    Dialogue(("Đăng ký phòng họp nhóm phải gửi trước mấy ngày?", "So với hội trường thì sao?"),
             r"14 ngày", r"^Đăng ký phòng họp"),
    Dialogue(("Người đọc dưới 15 tuổi cần có gì?", "Còn từ 15 tuổi trở lên?"),
             r"tùy thân", r"phụ huynh"),
)  # fmt: skip
