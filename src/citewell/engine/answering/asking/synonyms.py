"""Words of a question and the words documents have for the same: `fix` and `repair`.

People ask in everyday words, documents write formal ones. The lists hold what says the same in
nearly every document of an organisation, in two languages; a word that only often goes with another
one is left out, as that makes near misses of it. One direction only: left what is asked, right what
is told.
"""

from collections.abc import Iterator
from functools import cache

from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vietnamese import has_diacritics

_ENGLISH = """
dress code: wear, worn, clothing, clothes, attire
dress: wear, clothing, clothes, attire
clothing: wear, worn, clothes, attire
clothes: wear, worn, clothing, attire
outfit: wear, worn, clothing, clothes
fix: repair, mend
fixed: repaired, mended
broken: damaged, defective, faulty
break: damage
vacation: annual leave, holiday
holidays: annual leave
holiday: annual leave
quit: terminate, termination, resign, resignation, notice
resign: terminate, termination, resignation, notice
boss: manager, supervisor, head
in charge: responsible, leads, manages, heads
runs: manages, leads
salary: wage, wages, pay
wage: salary, pay
refund: reimburse, reimbursed, reimbursement
money back: refund, reimbursed
rubbish: waste
trash: waste
garbage: waste
toilet: lavatory, restroom, washroom
car: vehicle
bike: bicycle, cycle
doctor: physician
ill: sick, sickness, illness
sick: illness, ill
customer: client
client: customer
supplier: vendor
vendor: supplier
guest: visitor
visitor: guest
employee: staff, worker
employees: staff, workers
staff: employees
worker: employee, staff
workers: employees, staff
kids: children
young people: juniors, under 18
young: junior, juniors, youth
buy: purchase, purchased
rent: hire
banned: prohibited, forbidden
forbidden: prohibited, banned
prohibited: forbidden, banned
inform: notify, report
tell: notify, inform, report
hand in: submit, submitted
send in: submit, submitted
revised: reviewed, amended, updated
updated: reviewed, revised, amended
changed: amended, revised
checked: inspected, tested
inspected: checked, tested
tested: inspected, checked
late: overdue
fine: penalty
hotel: accommodation
plane: flight
laptop: notebook
photos: photographs, pictures
pictures: photographs, photos
teaches: instructor, trainer, coach
trains: instructor, trainer, coach
keep: stored, kept
kept: stored
stored: kept
store: kept
rise: increase
raise: increase
help desk: service desk, support
support: help desk, service desk
allowed: prohibited, forbidden
permitted: allowed, prohibited, forbidden
started: founded, established
dinner: supper
supper: dinner
meal: food
food: meal, meals
bloom: flower, flowers, flowering
landlady: landlord
landlord: lessor
tenant: lessee
tenancy: lease, rental
apartment: flat
flat: apartment
answer: reply, replies, respond, response
answered: replies, replied, responds
reply: answer, answers, answered, response
respond: answer, answers, reply
pack: bring
duties: obligations, responsibilities, agrees, undertakes
obligations: duties, responsibilities
responsibilities: duties, obligations
children: paediatrics, pediatrics
job: position, role
position: role
recommend: refer, referral, recommendation
wedding: marriage, marries
marry: marriage, wedding
married: marriage, wedding
baby: birth, maternity
pregnant: maternity, pregnancy
paternity: father, fathers
maternity: mother, mothers
funeral: bereavement, death
dies: death, bereavement
earn: paid, pay, wage, salary
days off: leave
day off: leave
time off: leave
stolen: theft, lost
lost: loss, losing, missing
lose: loss, losing, lost
shut: close, closed, closes
phone: telephone, mobile
mobile: phone, telephone
telephone: phone
repair: fix, mend
repairs: fix, mend
maintenance: servicing
guarantee: warranty
warranty: guarantee
shipping: delivery
delivery: shipping
cancel: terminate, cancellation
apply: application, applications
send: submit, submitted
chosen: selected
chose: selected, decided
chairman: chair, chairs
chairs: chair, chairman
firm: company
colleague: coworker
trip: journey, travel
bus: shuttle
shuttle: bus
noisy: noise, quiet
loud: noise
pets: animals
pet: animals
dog: pets, animals
cat: pets, animals
sublet: subletting
airbnb: subletting, sublet
chatgpt: ai
secret: confidential
mistake: error, errors
hurt: injury, injured
injured: injury
heavy: weight, weighs
weigh: weight
tall: height
deep: depth
wide: width
fast: speed
bill: invoice, invoices
invoice: bill
increased: raised, rises, rose
wash: launder, launders, rinse
student: pupil
students: pupils
pupil: student
pupils: students
teacher: instructor
exam: test, examination
test: exam, examination
proof: evidence
insured: insurance
covered: included, insured
discount: reduction, reduced
cheaper: discount, reduced
complain: complaint, complaints, grievance
complaint: grievance
come out: launch, launched, released
coming out: launch, launched, released
released: launch, launched, published
notice period: notice
trial period: probation
work from home: remote, remotely
home office: remote
lessons: classes
classes: lessons
gift: presents
tips: gratuities
bathroom: lavatory, toilet
medicine: medication
medicines: medication
"""

_VIETNAMESE = """
trễ: quá hạn, trễ hạn, chậm, muộn
trễ hạn: quá hạn
muộn: trễ, chậm
nghỉ việc: chấm dứt hợp đồng, thôi việc
thôi việc: chấm dứt hợp đồng, nghỉ việc
sếp: quản lý, trưởng phòng, giám đốc
đền: bồi thường
đền bù: bồi thường
ăn mặc: mặc, trang phục, đồng phục
quần áo: mặc, trang phục, đồng phục
mặc gì: trang phục, đồng phục
hỏng: hư hỏng, sự cố
hư: hỏng, hư hỏng
bể: vỡ
làm bể: làm vỡ
sửa: sửa chữa, khắc phục
bớt: giảm
chiết khấu: giảm giá
ghi danh: đăng ký
ghi tên: đăng ký
đứng đầu: chủ nhiệm, giám đốc, trưởng, chủ tịch
trẻ con: trẻ em, thiếu nhi
trẻ em: thiếu nhi, trẻ nhỏ
người già: cao tuổi
trả trước: đặt cọc, tạm ứng
ứng trước: tạm ứng
đặt trước: đặt cọc
giữ: lưu giữ, bảo quản, cất
để ở: cất, lưu giữ, bảo quản
cất: bảo quản, lưu giữ, để
bảo quản: cất, lưu giữ
tăng ca: làm thêm giờ, ngoài giờ
làm thêm: tăng ca, ngoài giờ
ngoài giờ: làm thêm giờ, tăng ca
phép năm: nghỉ hằng năm, nghỉ phép
đẻ: thai sản, sinh con
sinh con: thai sản
cưới: kết hôn
đám cưới: kết hôn
ốm: đau ốm, ốm đau, bệnh
bệnh: ốm đau, ốm
bị ốm: ốm đau, nghỉ ốm
quên: bỏ quên, thất lạc
mất: thất lạc, làm mất
thắng: vô địch, đoạt giải, chiến thắng
cấm: không được, nghiêm cấm
nộp: gửi, đóng
lấy lại: hoàn lại, hoàn trả, nhận lại
trả lại: hoàn lại, hoàn trả
hoàn tiền: hoàn lại, hoàn trả
gửi: nộp
đóng: nộp
nhận: lĩnh
lĩnh: nhận
tiền công: lương
khách: khách hàng
khách hàng: khách
nhà cung cấp: bên bán
máy tính xách tay: laptop
laptop: máy tính xách tay
thi: kiểm tra, sát hạch
rà soát: kiểm tra, xem xét
cập nhật: sửa đổi, rà soát
ăn trưa: bữa trưa
cơm trưa: ăn trưa, bữa trưa
tiền nhà: thuê nhà
đi lại: di chuyển
xăng xe: đi lại, xăng
thay cho: thay thế
dùng được: có giá trị, có hiệu lực
áp dụng: có hiệu lực
gần: quanh, cạnh
tối đa: không quá, nhiều nhất, vượt quá
nhiều nhất: tối đa
ít nhất: tối thiểu
tối thiểu: ít nhất
bé: trẻ em, thiếu nhi
em bé: trẻ em
con nít: trẻ em
phụ huynh: cha mẹ, bố mẹ
ba mẹ: cha mẹ, bố mẹ, phụ huynh
bố mẹ: cha mẹ, phụ huynh
ở lại lớp: lên lớp, lưu ban
đi trễ: đến muộn, đi muộn
đi muộn: đến muộn, đi trễ
clb: câu lạc bộ
đuổi việc: sa thải
bị đuổi: sa thải
xe đưa rước: xe đưa đón
quản lý: phụ trách
phụ trách: quản lý
dạy: giáo viên, huấn luyện viên
tiền phạt: phạt tiền
nghỉ bệnh: nghỉ ốm, đau ốm
tăng lương: nâng lương
lên lương: nâng lương, tăng lương
lấy vợ: kết hôn
tháng 13: tháng thứ mười ba
chạy: khởi hành
lấy chồng: kết hôn
chọn: lựa chọn
thành lập: sáng lập
học sinh: học viên
học viên: học sinh
làm hư: hư hỏng
ủi: là
giặt đồ: giặt quần áo
trả lời: phản hồi
phản hồi: trả lời
"""


@cache
def _table(language: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    listed = {"en": _ENGLISH, "vi": _VIETNAMESE}.get(language, "")
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in listed.strip().splitlines():
        asked, _, told = line.partition(":")
        key = _keys(asked, language)
        found[key] = (*found.get(key, ()), *(one.strip() for one in told.split(",")))
    return found


@cache
def _folded_table() -> dict[tuple[str, ...], tuple[str, ...]]:
    """The Vietnamese table for questions without tone marks: phrases only.

    Without marks a single syllable stands for too many words.
    """
    return {tuple(map(fold, asked)): told for asked, told in _table("vi").items() if len(asked) > 1}


def _keys(text: str, language: str) -> tuple[str, ...]:
    found = words(normalise(text))
    return tuple(map(stem_english, found)) if language == "en" else tuple(found)


def synonyms_in(question: str, language: str) -> Iterator[tuple[frozenset[str], tuple[str, ...]]]:
    """Yield what documents may say for words of a question.

    Args:
        question: As asked.
        language: ISO 639-1 code.

    Yields:
        The words of the question, lower case as written, and the phrases that say the same.
    """
    written = words(normalise(question))
    keys = list(_keys(question, language))
    table = _table(language)
    if language == "vi" and not has_diacritics(normalise(question)):
        table, keys = _folded_table(), [fold(word) for word in written]
    for at in range(len(keys)):
        for size in (4, 3, 2, 1):
            if told := table.get(tuple(keys[at : at + size])):
                yield frozenset(written[at : at + size]), told
                break


def said_otherwise(question: str, language: str, text: str) -> frozenset[str]:
    """Get the folded words of a question for which a text has a synonym."""
    line = f" {' '.join(_keys(text, language))} "
    return frozenset(
        fold(word)
        for asked, told in synonyms_in(question, language)
        if any(f" {' '.join(_keys(one, language))} " in line for one in told)
        for word in asked
    )


def only_otherwise(question: str, language: str, text: str) -> frozenset[str]:
    """Get the folded words of a question that a text holds by a synonym alone."""
    held = frozenset(map(fold, words(normalise(text))))
    stems = frozenset(map(stem_english, held)) if language == "en" else held
    return frozenset(
        word
        for word in said_otherwise(question, language, text)
        if word not in held and (language != "en" or stem_english(word) not in stems)
    )
