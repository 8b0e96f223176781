# ruff: noqa: RUF001, E501 - letters of many scripts are meant, and a case is a line
"""Measures the search by words alone on 200 questions of ten kinds, before forms and with them.

    .venv/bin/python tools/measure_words.py [--show]

Each question has one passage that answers it and one that differs in the part that counts: a
name, code, date or number. The even ones of each kind were looked at while rules were made, the
odd ones were not. Before: the first version of terms, and no other spellings.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from math import log2
from typing import NamedTuple

from citewell.engine.lexical.base import CorpusStatistics, QueryTerm
from citewell.engine.lexical.bm25 import ANALYSIS, passage_terms, query_weights
from citewell.engine.retrieval.analysis import QueryAnalysis, analyse
from citewell.engine.retrieval.spelling import (
    Spelling,
    content_terms,
    far_spellings,
    respell,
    seen,
    spellings_of,
    unknown_words,
)
from citewell.engine.text.language import detect_language


class Case(NamedTuple):
    """A question, the passage that answers it, and one that is near."""

    kind: str
    question: str
    answer: str
    near: str


TABLE = """
name | Which port does the C# client use? | The C# client talks to port 7002. | The C client talks to port 7003.
name | port of the C client | The C client of the gauge listens on port 7103. | The C++ client of the gauge listens on port 7101.
name | Who maintains the C++ driver? | The C++ driver is maintained by Ines Falk. | The C driver is maintained by Otto Weiss.
name | Is there a .NET package? | The .NET package is published every Monday. | The net weight of the package is published every Monday.
name | F# examples | Examples for F# lie in the folder samples/fs. | Examples for the key of F lie in the folder samples/f.
name | getUserById | The function get_user_by_id reads one user. | The function get_user_groups reads the groups of one user.
name | parse invoice date | parseInvoiceDate raises an error for an empty text. | parseInvoiceTotal raises an error for an empty text.
name | max_retry_count | MaxRetryCount is three unless a job says otherwise. | MaxWaitSeconds is three unless a job says otherwise.
name | HTTP server port | HTTPServerPort holds the number of the port. | HTTPClientPort holds the number of the port.
name | connection pool size | The field connectionPoolSize is 20 by default. | The field connectionTimeout is 20 by default.
name | RTX 4090 price | The RTX4090 costs 1,900 euros. | The RTX4080 costs 1,200 euros.
name | Galaxy S24 battery | The battery of the GalaxyS24 lasts a day. | The battery of the GalaxyS23 lasts a day.
name | EOS-R6 lens | The EOS R6 takes lenses of the RF mount. | The EOS R7 takes lenses of the EF mount.
name | K 9500 pump | Pump K9500 lifts 40 litres a minute. | Pump K9400 lifts 30 litres a minute.
name | What does Q# offer? | Q# offers types for qubits. | Q offers types for queues.
name | objective-c bridge | The bridge to Objective-C is generated. | The objective of the bridge is generated.
name | node.js version | Node.js 22 is needed on the build machine. | A node of the build machine has version 22.
name | user profile url | userProfileURL is signed for an hour. | userProfileName is signed by an hour.
name | iPhone 15 case | The case fits the iPhone15 only. | The case fits the iPhone14 only.
name | WiFi password of the lab | The Wi-Fi password of the lab hangs at the door. | The door password of the lab hangs at the till.
code | What does error 1067 mean? | Error 1067 means that the disk is full. | Error -1067 means that the service stopped.
code | error -1067 | The service has stopped: error -1067. | The disk of the service is full: error 1067.
code | status minus 40 | Status -40 is shown when the probe is frozen. | Status 40 is shown when the probe is warm.
code | HR-POL-007 | Policy HR-POL-007 rules parental leave. | Policy HR-POL-070 rules parental leave.
code | hr pol 017 | HR-POL-017 allows two days a week. | HR-POL-071 allows two days a week.
code | DE89370400440532013000 | Pay to DE89 3704 0044 0532 0130 00. | Pay to DE89 3704 0044 0532 0131 00.
code | IBAN VN12 3456 7890 | The account VN1234567890 belongs to the office. | The account VN1234567980 belongs to the office.
code | part 45-A-113 | Part 45A113 is a seal of brass. | Part 45A131 is a seal of steel.
code | SKU AB 1234 | AB-1234 is packed in tens. | AB-1243 is packed in fives.
code | ticket NET-4411 | In NET-4411 the router was changed. | In NET-4141 the router was changed.
code | invoice 2026/0412 | Invoice 2026-0412 is paid. | Invoice 2026-0421 is open.
code | room E 12 | The lost property office is in room E12. | The lost property form is in room E21.
code | version 3.4.1 | Version 3.4.1 mends the clock. | Version 3.1.4 mends the clock.
code | 192.168.1.10 | The printer has the address 192.168.1.10. | The printer has the address 192.168.110.
code | clause 12.3.1 | Clause 12.3.1 limits the liability. | Clause 12.1.3 limits the delivery.
code | thong tu 12/2024/TT-BHN | Thông tư 12/2024/TT-BHN quy định hồ sơ. | Thông tư 12/2025/TT-BHN quy định hồ sơ.
code | contract LF SC 2026 014 | LF-SC-2026-014 is signed with Cotterbrook. | LF-SC-2026-041 is signed with Brookfield.
code | 1,000,000 tokens | The limit is 1000000 tokens a day. | The limit is 100000 tokens a day.
code | account 4012 7788 9001 | Refunds go to 4012-7788-9001. | Refunds go to 4012-7788-9010.
code | flight VN 253 | VN253 leaves at six. | VN235 leaves at nine.
date | What happens on 5 December 2026? | The board meets on 2026-12-05. | The board rests on 2026-05-12.
date | 12/03/2024 inspection | The inspection was on 12 March 2024. | The inspection was on 13 March 2024.
date | 1 May 2025 | Since 01.05.2025 the gate is closed. | Since 01.06.2025 the gate is closed.
date | March 4th, 2027 | The lease ends on 4 March 2027. | The lease ends on 14 March 2027.
date | 2026-11-03 crane | The crane is inspected on 3 November 2026. | The crane is inspected on 13 November 2026.
date | ngày 2 tháng 9 năm 2026 | Văn phòng nghỉ ngày 02/09/2026. | Văn phòng nghỉ ngày 03/09/2026.
date | 30/4/2026 | Ngày 30 tháng 4 năm 2026 là ngày nghỉ. | Ngày 29 tháng 4 năm 2026 là ngày làm.
date | tháng 3 năm 2025 | Báo cáo 03/2025 đã gửi, ngày 5 tháng 3 năm 2025. | Báo cáo 04/2025 đã gửi, ngày 5 tháng 4 năm 2025.
date | 17. März 2024 | Die Sitzung war am 17.03.2024. | Die Sitzung war am 17.04.2024.
date | 24.12.2025 | Am 24. Dezember 2025 ist das Büro zu. | Am 23. Dezember 2025 ist das Büro auf.
date | 7 janvier 2026 | La réunion a lieu le 07/01/2026. | La réunion a lieu le 08/01/2026.
date | 15 de agosto de 2025 | El contrato termina el 15/08/2025. | El contrato termina el 15/09/2025.
date | 2024年3月22日 | 会議は2024-03-22に開かれる。 | 会議は2024-03-21に開かれる。
date | 令和6年5月1日 | 契約は2024年5月1日から。 | 契約は2024年6月1日から。
date | 2026年12月8日 | 董事会于2026-12-08开会。 | 董事会于2026-12-15开会。
date | 3월 5일 2026 | 회의는 2026년 3월 5일에 있다. | 회의는 2026년 3월 6일에 있다.
date | October 2025 figures | The figures of 14 October 2025 are final. | The figures of 14 November 2025 are final.
date | 5 มกราคม 2569 | ประชุมวันที่ 5 มกราคม 2026 | ประชุมวันที่ 6 มกราคม 2026
date | 9 Feb | Payment is due on February 9, 2026. | Payment is due on February 19, 2026.
date | 20251103 backup | The backup of 3 November 2025 is whole. | The backup of 4 November 2025 is whole.
phone | 02438234567 | The hotline is (024) 3823 4567. | The hotline is (024) 3823 4576.
phone | +84 24 3823 4568 | Call 024 3823 4568 at night. | Call 024 3823 4586 at night.
phone | 0912 345 678 | Ms Lan: 0912345678. | Mr Nam: 0912345687.
phone | 0170-1234567 | Herr Falk, Telefon 0170 1234567. | Herr Weiss, Telefon 0170 1234576.
phone | +49 30 123456 | The office in Berlin: 030/123456. | The office in Bonn: 030/123465.
phone | (020) 7946 0018 | London: +44 20 7946 0018. | London: +44 20 7946 0081.
phone | 555-0142 | Reception answers at 555 0142. | Reception answers at 555 0124.
phone | 212.555.0199 | New York: (212) 555-0199. | New York: (212) 555-0191.
phone | 01 44 27 80 90 | Paris : 0144278090. | Paris : 0144278009.
phone | +33144278091 | Lyon : 01 44 27 80 91. | Lyon : 01 44 27 80 19.
phone | 03-1234-5678 | 東京の電話は0312345678です。 | 東京の電話は0312345687です。
phone | 010 8888 7777 | 北京办公室电话：010-88887777。 | 北京办公室电话：010-88887778。
phone | hotline 1900 1234 56 | Tổng đài 1900123456 mở cả ngày. | Tổng đài 1900123465 mở cả ngày.
phone | 0236 3822 111 | Đà Nẵng: 02363822111. | Đà Nẵng: 02363822101.
phone | 044 668 18 00 | Zürich: 0446681800. | Zürich: 0446681801.
phone | 0800 11 22 33 | Free of charge: 0800-112233. | Free of charge: 0800-112244.
phone | fax 617 555 0123 | Fax: (617) 555-0123. | Fax: (617) 555-0132.
phone | 0043 1 58801 | Wien: +43 1 58801 0. | Wien: +43 1 58810 0.
phone | 912345679 | Mobile +84 912 345 679. | Mobile +84 912 345 697.
phone | 02 2345 6789 | สำนักงานกรุงเทพ 0223456789 | สำนักงานเชียงใหม่ 0223456798
typo | vacaton days | The vacation has 25 days. | The weekend has 2 days.
typo | reimbursment of travel | The reimbursement of travel takes a week. | The planning of travel takes a week.
typo | accomodation budget | The accommodation in Rome costs 120 euros. | The budget of Rome is 90 euros.
typo | maintainance interval | Maintenance is due every 500 hours. | An interval is an hour.
typo | calender of the plant | The calendar of the plant hangs at gate 2. | The canteen of the plant is at gate 3.
typo | recieve the badge | You receive the badge on your first day. | You return the badge on your last day.
typo | insurence claim | An insurance claim needs two photos. | A travel claim needs two receipts.
typo | warrenty period | The warranty period is two years. | The trial period is two weeks.
typo | liscence renewal | A licence is renewed each March. | A renewal is a form.
typo | comittee members | The committee has nine members. | The club has ninety members.
typo | occured incidents | Incidents that occurred are noted in the log. | Incidents that threaten are noted in the plan.
typo | emergancy exit | The emergency exit is behind the till. | The exit of the yard is behind the gate.
typo | certifcatoin audit | The certification is checked in an audit in May. | An audit of the till is in June.
typo | questionaire results | The questionnaire had 300 results. | The race had 30 results.
typo | neccessary documents | Necessary are a passport and a photo. | Documents are kept in a safe.
typo | goverment grant | The government gives a grant of 4,000 euros. | The club gives a grant of 400 euros.
typo | waranrty of the pump | The warranty of the pumps ends in May. | The pump of the yard ends in a hose.
typo | schedual of shifts | The schedule of shifts is posted on Friday. | The list of shifts is posted on Monday.
typo | publically known | The prices are publicly known. | The prices are hardly known.
typo | wether forecast | The weather forecast comes at six. | The sales forecast comes at ten.
german | Strasse gesperrt | Die Hafenstraße ist gesperrt, die Straße am See auch. | Die Brücke am Hafen ist gesperrt.
german | Mueller Telefon | Herr Müller hat Telefon 4411. | Herr Möller hat Telefon 4412.
german | Prüfungsfrist | Die Frist für die Prüfung beträgt drei Monate. | Die Frist für den Antrag beträgt drei Tage.
german | Frist Kündigung | Die Kündigungsfrist beträgt sechs Wochen. | Die Probezeit beträgt sechs Monate.
german | Gebuehren Parkplatz | Die Gebühren für den Parkplatz steigen. | Die Plätze für den Park steigen an.
german | Urlaub Antrag | Der Urlaubsantrag geht an die Leitung. | Der Bauantrag geht an das Amt.
german | Versicherung Nummer | Ihre Versicherungsnummer steht auf der Karte. | Ihre Hausnummer steht auf dem Brief.
german | Schluessel Keller | Den Schlüssel zum Keller hat Frau Groß. | Den Zugang zum Keller hat Frau Klein.
german | Grosse Halle | Die große Halle fasst 300 Gäste. | Die kleine Halle fasst 30 Gäste.
german | Massnahme Brand | Jede Maßnahme bei einem Brand steht im Plan. | Jede Meldung bei einem Sturm steht im Plan.
german | Vertrag Lieferung | Der Liefervertrag endet im Mai. Die Lieferung auch. | Der Mietvertrag endet im Juni.
german | Arbeit Zeit Konto | Das Arbeitszeitkonto zeigt die Stunden. | Das Girokonto zeigt die Zinsen.
german | Datenschutz Beauftragte | Die Datenschutzbeauftragte ist Frau Weiß. | Die Gleichstellungsbeauftragte ist Frau Braun.
german | Ueberweisung | Die Überweisung dauert einen Tag. | Die Einweisung dauert einen Tag.
german | Foerderung Verein | Die Förderung für den Verein ist bewilligt. | Die Forderung an den Verein ist bezahlt.
german | Geschaeftsfuehrer | Der Geschäftsführer heißt Jörg Falk. | Der Bauführer heißt Jens Falk.
german | Reise Kosten Satz | Der Reisekostensatz beträgt 28 Euro. | Der Stundensatz beträgt 82 Euro.
german | Kuendigungsschreiben | Das Kündigungsschreiben muss unterschrieben sein. | Das Anschreiben muss gedruckt sein.
german | Fußweg | Der Fussweg am Fluss ist zu. | Der Radweg am Fluss ist auf.
german | Miete Zahlung Frist | Die Zahlungsfrist für die Miete ist der dritte. | Die Abgabefrist für die Steuer ist der letzte.
thai | วันหยุดพนักงาน | พนักงานมีวันหยุดยี่สิบวันต่อปี | พนักงานมีรถบริษัทสองคันต่อแผนก
thai | ค่าจอดเรือ | ค่าจอดเรือคืนละสามร้อยบาท | ค่าจอดรถวันละสามสิบบาท
thai | เบี้ยเลี้ยงเดินทาง | เบี้ยเลี้ยงเดินทางวันละห้าร้อยบาท | ค่าอาหารกลางวันวันละห้าสิบบาท
thai | เปิดกี่โมง | สำนักงานเปิดแปดโมงเช้า | โรงอาหารปิดบ่ายสองโมง
thai | รหัสผ่านไวไฟ | รหัสผ่านไวไฟติดอยู่ที่ประตู | รหัสพนักงานติดอยู่ที่บัตร
thai | ซ่อมบำรุงปั๊ม | ซ่อมบำรุงปั๊มทุกห้าร้อยชั่วโมง | ทำความสะอาดถังทุกห้าสิบชั่วโมง
thai | ประกันสุขภาพ | ประกันสุขภาพครอบคลุมครอบครัว | ประกันรถยนต์ครอบคลุมอุบัติเหตุ
thai | ลาคลอด | ลาคลอดได้เก้าสิบแปดวัน | ลาป่วยได้สามสิบวัน
thai | ทางออกฉุกเฉิน | ทางออกฉุกเฉินอยู่หลังเคาน์เตอร์ | ทางเข้าหลักอยู่หน้าอาคาร
thai | เงินเดือนออก | เงินเดือนออกวันที่ยี่สิบห้า | โบนัสออกเดือนธันวาคม
thai | สัญญาเช่า | สัญญาเช่าสิ้นสุดเดือนพฤษภาคม | สัญญาจ้างสิ้นสุดเดือนมิถุนายน
thai | อบรมความปลอดภัย | อบรมความปลอดภัยจัดทุกเดือน | อบรมภาษาจัดทุกสัปดาห์
thai | ห้องประชุมใหญ่ | ห้องประชุมใหญ่จุร้อยคน | ห้องพักเล็กจุสองคน
thai | ภาษีมูลค่าเพิ่ม | ภาษีมูลค่าเพิ่มร้อยละเจ็ด | ภาษีเงินได้ร้อยละสิบ
thai | ใบรับรองแพทย์ | ใบรับรองแพทย์ต้องส่งภายในสามวัน | ใบเสร็จต้องส่งภายในเจ็ดวัน
thai | เครื่องดับเพลิง | เครื่องดับเพลิงอยู่ทุกชั้น | เครื่องถ่ายเอกสารอยู่ชั้นสอง
thai | ผู้จัดการคลังสินค้า | ผู้จัดการคลังสินค้าคือคุณสมชาย | ผู้จัดการร้านคือคุณสมหญิง
thai | คืนสินค้า | คืนสินค้าได้ภายในสิบสี่วัน | เปลี่ยนที่นั่งได้ภายในหนึ่งวัน
thai | บัตรจอดรถ | บัตรจอดรถรับที่แผนกต้อนรับ | บัตรอาหารรับที่โรงอาหาร
thai | อุณหภูมิห้องเย็น | อุณหภูมิห้องเย็นลบสิบแปดองศา | ความชื้นห้องเก็บร้อยละสี่สิบ
chinese | 员工年假 | 员工每年有二十天年假。 | 员工每月有两次培训。
chinese | 停车费 | 停车费每小时五元。 | 住宿费每晚五百元。
chinese | 报销期限 | 报销必须在三十天期限内提交。 | 合同必须在三十天内签字。
chinese | 消防出口 | 消防出口在收银台后面。 | 货物入口在大门前面。
chinese | 泵的保修 | 水泵的保修期为两年。 | 阀门的交货期为两周。
chinese | 加班工资 | 加班工资按一点五倍计算。 | 奖金按年度利润计算。
chinese | 会议室预订 | 会议室预订请联系前台。 | 机票预订请联系旅行社。
chinese | 無線網路密碼 | 無線網路密碼貼在門上。 | 保險箱密碼由經理保管。
chinese | 產假天數 | 產假為九十八天。 | 病假為三十天。
chinese | 冷藏溫度 | 冷藏室溫度為攝氏四度。 | 倉庫濕度為百分之四十。
chinese | 安全培训 | 新员工须参加安全培训。 | 新设备须参加年度检验。
chinese | 增值税率 | 增值税率为百分之十三。 | 所得税率为百分之二十。
chinese | 租赁合同到期 | 租赁合同五月到期。 | 劳动合同六月续签。
chinese | 退货政策 | 退货政策：十四天内可退货。 | 换座政策：一天内可换座。
chinese | 医疗保险 | 医疗保险包括家属。 | 汽车保险包括事故。
chinese | 仓库经理 | 仓库经理是王芳。 | 商店经理是李强。
chinese | 灭火器位置 | 灭火器在每层楼梯口。 | 复印机在二楼走廊。
chinese | 发薪日 | 发薪日为每月二十五日。 | 盘点日为每年十二月。
chinese | 出差补贴 | 出差补贴每天一百元。 | 午餐补贴每天十五元。
chinese | 軟體授權 | 軟體授權每年三月更新。 | 停車證每年六月更新。
japanese | 有給休暇の日数 | 有給休暇は年に二十日です。 | 研修は年に二回です。
japanese | 駐車場の料金 | 駐車場の料金は一時間五百円です。 | 宿泊の料金は一泊八千円です。
japanese | 経費精算の締め切り | 経費精算は月末までに提出してください。 | 勤務表は週末までに提出してください。
japanese | 非常口はどこ | 非常口はレジの後ろにあります。 | 受付は入口の前にあります。
japanese | ポンプの保証 | ポンプの保証期間は二年です。 | バルブの納期は二週間です。
japanese | 残業手当 | 残業手当は一・五倍で計算します。 | 賞与は利益で計算します。
japanese | 会議室の予約 | 会議室の予約は受付で行います。 | 航空券の手配は総務で行います。
japanese | パスワード変更 | パスワードの変更は九十日ごとです。 | フィルターの交換は三十日ごとです。
japanese | 育児休業 | 育児休業は一年間取得できます。 | 病気休暇は三十日間取得できます。
japanese | 冷蔵庫の温度 | 冷蔵庫の温度は四度に保つ。 | 倉庫の湿度は四割に保つ。
japanese | 安全研修 | 新入社員は安全研修を受ける。 | 新製品は品質検査を受ける。
japanese | 消費税 | 消費税は十パーセントです。 | 所得税は二十パーセントです。
japanese | 賃貸契約 | 賃貸契約は五月に終わる。 | 雇用契約は六月に始まる。
japanese | 返品 | 返品は十四日以内にできます。 | 座席変更は前日までにできます。
japanese | 健康診断 | 健康診断は四月に行う。 | 避難訓練は九月に行う。
japanese | 倉庫の責任者 | 倉庫の責任者は田中さんです。 | 店舗の責任者は佐藤さんです。
japanese | 消火器 | 消火器は各階にあります。 | コピー機は二階にあります。
japanese | 給料日 | 給料日は毎月二十五日です。 | 棚卸しは毎年十二月です。
japanese | 出張手当 | 出張手当は一日千円です。 | 昼食補助は一日三百円です。
japanese | ライセンス更新 | ソフトウェアのライセンスは三月に更新する。 | 駐車証は六月に更新する。
vietnamese | nghi phep nam | Nhân viên được nghỉ phép năm 15 ngày. | Nhân viên được đào tạo 15 ngày.
vietnamese | thưởng tháng lương | Nhân viên được thưởng hai tháng lương. | Nhân viên được tặng hai thùng lương thực.
vietnamese | phi gui xe | Phí gửi xe là 100.000 đồng một tháng. | Phí gửi thư là 10.000 đồng một lá.
vietnamese | thời hạn hợp đồng thuê | Thời hạn của hợp đồng thuê là hai năm. | Thời hạn của hộ chiếu là mười năm.
vietnamese | mat khau wifi | Mật khẩu wifi dán ở cửa phòng. | Mật ong rừng bán ở cửa phòng.
vietnamese | loi thoat hiem | Lối thoát hiểm ở sau quầy thu ngân. | Lối đi bộ ở sau quầy thu mua.
vietnamese | bao hiem y te | Bảo hiểm y tế chi trả cả gia đình. | Bảo hiểm xe máy chi trả tai nạn.
vietnamese | lương làm thêm giờ | Làm thêm giờ được trả lương 150%. | Làm thêm bánh được trả công 50%.
vietnamese | thai sản | Chế độ thai sản là sáu tháng. | Chế độ ốm đau là ba mươi ngày.
vietnamese | nhiet do kho lanh | Nhiệt độ kho lạnh là âm 18 độ. | Độ ẩm kho khô là 40%.
vietnamese | an toàn hoá chất | Quy trình an toàn hóa chất có sáu bước. | Quy trình tuyển dụng nhân sự có sáu bước.
vietnamese | thue gia tri gia tang | Thuế giá trị gia tăng là 10%. | Thuế thu nhập cá nhân là 20%.
vietnamese | ha noi van phong | Văn phòng Hà Nội mở lúc 8 giờ. | Văn phòng Huế mở lúc 9 giờ.
vietnamese | công tác phí nước ngoài | Công tác phí đi nước ngoài là 65 euro. | Công tác viên ở trong nước là 65 người.
vietnamese | nguoi quan ly kho | Người quản lý kho là chị Lan. | Người quản lý cửa hàng là anh Nam.
vietnamese | binh chua chay | Bình chữa cháy có ở mỗi tầng. | Bình nước uống có ở tầng hai.
vietnamese | ngày trả lương | Lương được trả vào ngày 25. | Kho được kiểm vào ngày 31.
vietnamese | doi tra hang | Đổi trả hàng trong 14 ngày. | Đổi ghế trong một ngày.
vietnamese | kỳ hạn bảo trì | Bảo trì theo kỳ hạn 500 giờ. | Bảo vệ theo ca 8 giờ.
vietnamese | giay kham suc khoe | Giấy khám sức khỏe nộp trong ba ngày. | Giấy biên nhận nộp trong bảy ngày.
"""

CASES = [Case(*(part.strip() for part in line.split(" | "))) for line in TABLE.split("\n") if line]
KINDS = list(dict.fromkeys(case.kind for case in CASES))


class Library:
    """All passages in memory, by one version of terms."""

    def __init__(self, version: int) -> None:
        texts = dict.fromkeys(text for case in CASES for text in (case.answer, case.near))
        self.weights: dict[str, Mapping[int, float]] = {
            text: passage_terms(text, detect_language(text), analysis=version).weights
            for text in texts
        }
        frequency = Counter(term for weights in self.weights.values() for term in weights)
        self.statistics = CorpusStatistics(len(texts), dict(frequency))
        self.has_spellings = version == ANALYSIS

    def ranked(self, question: str) -> list[str]:
        """The passages that share a term with the question, best first."""
        analysis = analyse(question)
        asked = query_weights([*analysis.terms, *self._respelt(analysis)], self.statistics)
        scores = {
            text: sum(weight * weights.get(term, 0.0) for term, weight in asked.items())
            for text, weights in self.weights.items()
        }
        return sorted((t for t, score in scores.items() if score > 0), key=lambda t: -scores[t])

    def _respelt(self, analysis: QueryAnalysis) -> Iterator[QueryTerm]:
        if not self.has_spellings:
            return
        known, size = self.statistics.document_frequency, self.statistics.chunk_count
        unknown = unknown_words(content_terms(analysis), known)
        spellings = spellings_of(analysis, unknown)
        found = respell(analysis, spellings, known, size)
        settled = {part for each in found.spellings for part in each.word.split()}
        if far := far_spellings(analysis, [word for word in unknown if word not in settled]):
            far = [each for each in far if all(one in known for one in each.ids)]
            found = respell(analysis, [*spellings, *filter(self._is_there, far)], known, size)
        yield from found.terms

    def _is_there(self, spelling: Spelling) -> bool:
        return seen(spelling, self.weights)


def main() -> None:
    """Print first hits and nDCG@10 by kind and half, before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="name the questions that fail")
    show = parser.parse_args().show
    libraries = {"before": Library(1), "after": Library(ANALYSIS)}
    print(f"{'kind':12}{'half':8}" + "".join(f"{n + ' first, nDCG':>22}" for n in libraries))
    totals = Counter[tuple[str, str, str]]()
    for kind in KINDS:
        cases = [case for case in CASES if case.kind == kind]
        for half, part in (("tuned", cases[::2]), ("other", cases[1::2])):
            cells = ""
            for name, library in libraries.items():
                first, gain = 0, 0.0
                for case in part:
                    found = library.ranked(case.question)[:10]
                    place = found.index(case.answer) if case.answer in found else -1
                    first += place == 0
                    gain += 1 / log2(place + 2) if place >= 0 else 0.0
                    if show and name == "after" and place != 0:
                        print(f"  {half}: {case.question} -> {found[:1]}")
                cells += f"{first:>10} of {len(part):2} {gain / len(part):6.3f}"
                totals[(name, half, "first")] += first
                totals[(name, half, "gain")] += gain
                totals[(name, half, "count")] += len(part)
            print(f"{kind:12}{half:8}{cells}")
    for half in ("tuned", "other"):
        cells = ""
        for name in libraries:
            first, gain, count = (totals[(name, half, key)] for key in ("first", "gain", "count"))
            cells += f"{first:>10} of {count:2} {gain / count:6.3f}"
        print(f"{'all':12}{half:8}{cells}")


if __name__ == "__main__":
    main()
