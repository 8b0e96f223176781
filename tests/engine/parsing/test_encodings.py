# ruff: noqa: RUF001 - letters of many scripts are meant
"""Encodings of before Unicode, declared and not, in each format that holds bytes of text."""

import unicodedata
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from document_files import paragraph, write_docx, write_odf

from citewell.engine.parsing.base import ParseError, ParseFailure, WarningCode
from citewell.engine.parsing.encoding import decode_text, guess_encoding, open_decoder
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.vietnamese import TCVN3, VISCII, font_decoder, with_horns

VIETNAMESE = (
    "Nhân viên được thưởng hai tháng lương khi hoàn thành kế hoạch năm. Đơn nghỉ phép phải gửi"
    " trước ba ngày; người quản lý trả lời trong một tuần."
)

# Written without the tables of the product: pairs of VNI as its manual gives them.
VNI = (
    "Nhaân vieân ñöôïc thöôûng hai thaùng löông khi hoaøn thaønh keá hoaïch naêm. Ñôn nghæ pheùp"
    " phaûi göûi tröôùc ba ngaøy; ngöôøi quaûn lyù traû lôøi trong moät tuaàn."
)
TCVN = (
    "Nh©n viªn ®\u00adîc th\u00adëng hai th¸ng l\u00ad¬ng khi hoµn thµnh kÕ ho¹ch n¨m. §¬n nghØ"
    " phÐp ph¶i göi tr\u00adíc ba ngµy; ng\u00adêi qu¶n lý tr¶ lêi trong mét tuÇn."
)

# By language: texts in the style of offices, and the encodings they are written in.
TEXTS = {
    "ru": (
        ("cp1251", "koi8_r", "cp866", "mac_cyrillic", "iso8859_5", "utf-16-le", "utf-16-be"),
        "Работник обязан предупредить руководителя за три дня. Склад закрыт по воскресеньям.",
    ),
    "uk": (("cp1251", "koi8_u"), "Працівник має право на щорічну відпустку тривалістю 24 дні."),
    "ja": (
        ("cp932", "euc_jp", "iso2022_jp", "utf-16-le", "utf-16-be"),
        "倉庫の鍵は受付で借りてください。 返却は午後五時までです。\n担当者に連絡すること。",
    ),
    "zh": (("gb18030", "utf-16-le"),
           "仓库的钥匙请到前台领取。 下午五点以前必须归还。\n请联系负责人。"),
    "zh-hant": (("big5",), "倉庫的鑰匙請到櫃檯領取，下午五點以前必須歸還。請聯絡負責人。"),
    "ko": (("euc_kr", "cp949"),
           "창고 열쇠는 안내 데스크에서 빌릴 수 있으며 오후 다섯 시까지 돌려주어야 한다."),
    "pl": (("cp1250", "iso8859_2"), "Klucz do magazynu można pożyczyć w recepcji; należy go zwrócić"
           " przed piątą. Wszyscy są zobowiązani."),
    "el": (("cp1253", "iso8859_7"), "Το κλειδί της αποθήκης δίνεται στη γραμματεία."),
    "th": (("cp874",), "กุญแจคลังสินค้ายืมได้ที่แผนกต้อนรับ"),
    "fr": (("cp1252",), "La clé de l’entrepôt est prêtée à l’accueil ; elle doit être rendue avant"
           " dix-sept heures, sauf congé."),
    "de": (("cp1252", "cp850", "mac_roman"),
           "Der Schlüssel zum Lager wird am Empfang ausgegeben; Rückgabe bis fünf Uhr, größere"
           " Geräte nur mit Unterschrift."),
    "es": (("cp1252",), "La llave del almacén está en la recepción; ¿quién la devolverá mañana?"),
    "it": (("cp1252",), "La chiave è in portineria: può essere ritirata più tardi, però non c'è"
           " nessuno la domenica."),
    "sv": (("cp1252",),
           "Nyckeln till lagret lånas i receptionen och lämnas åter före klockan fem."),
}  # fmt: skip

ENGLISH = (
    "The café is open – “always”.",
    "Copyright © 2021 Northwind. All rights reserved.",
    "It costs £25 or 30 €.",
    "a dose of 5 µg, 5 µg and 7 µg at ±2 °C",
    "a naïve coöperation of Ångström’s",
    "Section § 4 — see page 9…",
)


def by_table(text: str, table: dict[int, str]) -> bytes:
    places = {letter: code for code, letter in table.items()}
    return bytes(places.get(letter, ord(letter)) for letter in text)


def in_1258(text: str) -> bytes:
    """As Windows writes it: tone marks behind their letter."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    plain = ""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in parts if mark in tones)
        plain += unicodedata.normalize("NFC", "".join(m for m in parts if m not in tones)) + tone
    return plain.encode("cp1258")


OLD_VIETNAMESE: dict[str, Callable[[], bytes]] = {
    "tcvn3": lambda: TCVN.encode("latin-1"),
    "vni": lambda: VNI.encode("cp1252"),
    "viscii": lambda: by_table(VIETNAMESE, VISCII),
    "cp1258": lambda: in_1258(VIETNAMESE),
}


def text_of(path: Path) -> tuple[str, list[str]]:
    findings = Findings()
    _, blocks = read_document(path, path.name, ParseLimits(), findings)
    text = "\n".join(block.text for block in blocks)
    return text, [warning.code for warning in findings.warnings]


class TestChoice:
    def test_undeclared_texts_are_told_by_their_letters(self):
        wrong = [
            (language, encoding, guess)
            for language, (encodings, text) in TEXTS.items()
            for encoding in encodings
            for guess in [guess_encoding(text.encode(encoding))]
            if decode_text(text.encode(encoding)) != text or guess.doubt
        ]
        assert wrong == []

    def test_old_vietnamese_is_told_from_western(self):
        for name, encoded in OLD_VIETNAMESE.items():
            data = encoded()
            assert guess_encoding(data) == (name, "")
            assert unicodedata.normalize("NFC", decode_text(data)) == VIETNAMESE
        assert by_table(VIETNAMESE, TCVN3) == TCVN.encode("latin-1")

    def test_english_with_signs_stays_western(self):
        assert {guess_encoding(text.encode("cp1252")).name for text in ENGLISH} == {"cp1252"}
        # Many times the same sign says no more than once.
        long = (ENGLISH[3] + " of the drug given to every patient in the group\n") * 50
        assert guess_encoding(long.encode("cp1252")) == ("cp1252", "")

    def test_one_word_in_every_row_is_no_language(self):
        for word in ("nº 5", "1ª", "naïve", "não", "Ísafjörður"):
            table = "Id,City,Amount\n" + "".join(f"{n},{word},1{n}\n" for n in range(20))
            assert decode_text(table.encode("cp1252")) == table, word

    def test_log_of_two_sources_keeps_both(self):
        lines = ["größe geändert", "süß für Käufer"] * 10
        data = b"\n".join(
            line.encode("utf-8" if at % 2 else "cp1252") for at, line in enumerate(lines)
        )
        assert guess_encoding(data).doubt == "mistakes"
        assert decode_text(data) == "\n".join(lines)

    def test_wrong_declaration_is_not_believed(self):
        page = f'<meta charset="iso-8859-1"><p>{TCVN}</p>'.encode("latin-1")
        assert guess_encoding(page, is_markup=True).name == "tcvn3"
        page = b'<meta charset="gb2312">' + TEXTS["zh"][1].encode("gb18030")
        assert guess_encoding(page, is_markup=True) == ("gb18030", "")

    def test_han_in_utf16_needs_neither_mark_nor_space(self):
        for language in ("zh", "ja"):
            text = TEXTS[language][1].replace(" ", "\u3000").replace("\n", "")
            for encoding in ("utf-16-le", "utf-16-be"):
                assert decode_text(text.encode(encoding)) == text

    def test_a_few_words_in_wide_encodings_need_no_mark(self, tmp_path):
        texts = (
            "A", "Hi", "Total 42", "Name;Preis\nÄpfel;3", "Đà Nẵng", "Hà Nội ngày 3", "Да",
            "Привет", "Цена договора 1200 рублей", "Τιμή 5 €", "שלום עולם", "مرحبا", "สวัสดีชาวโลก",
            "契約の価格は三百円です", "カタカナ", "안녕하세요", "Zażółć gęślą jaźń",
        )  # fmt: skip
        for text in texts:
            for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
                assert decode_text(text.encode(encoding)) == text, (text, encoding)
        path = tmp_path / "a.txt"
        path.write_bytes("Цена 12".encode("utf-16-le"))
        assert text_of(path) == ("Цена 12", [])
        # Two Han characters are as well four letters of ASCII; eight are called unsure.
        assert decode_text("合同价格".encode("utf-32-be")) == "合同价格"
        assert guess_encoding("合同价格是三百元".encode("utf-16-le")).doubt == "unsure"

    def test_short_lists_with_separators_are_ascii(self):
        for text in ("1\x1f2\x1f3\x1f4\x1f", "a\x1eb\x1e"):
            assert "utf-16" not in guess_encoding(text.encode()).name

    def test_utf8_with_strays_keeps_both(self):
        data = "größer als früher, süß".encode() + " und größer".encode("cp1252")
        assert guess_encoding(data) == ("utf-8-mixed", "mistakes")
        assert decode_text(data) == "größer als früher, süß und größer"

    def test_pieces_give_the_same_as_the_whole(self):
        for name, encoded in OLD_VIETNAMESE.items():
            data = encoded()
            decoder = open_decoder(name)
            pieces = [decoder.decode(data[at : at + 1]) for at in range(len(data))]
            text = "".join(pieces) + decoder.decode(b"", True)
            assert unicodedata.normalize("NFC", text) == VIETNAMESE

    def test_too_little_text_is_called_unsure(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_bytes("Приказ № 15".encode("cp1251"))
        assert text_of(path)[1] == [WarningCode.ENCODING_UNSURE]

    def test_text_of_no_language_is_refused(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_bytes(bytes(range(0x80, 0x100)) * 3 + b" word " + bytes(range(0xFF, 0x7F, -1)))
        with pytest.raises(ParseError) as caught:
            text_of(path)
        assert caught.value.code in (ParseFailure.CORRUPT, ParseFailure.UNSUPPORTED)


class TestFormats:
    def test_text_table_page_and_xml_are_read_alike(self, tmp_path):
        for name, encoded in OLD_VIETNAMESE.items():
            data = encoded()
            cases = {
                "a.txt": (data, VIETNAMESE),
                "a.csv": (b"Nr,Text\n1,\"" + data + b"\"\n", VIETNAMESE),
                "a.md": (b"# Title\n\n" + data, VIETNAMESE),
                "a.html": (b"<html><body><p>" + data + b"</p></body></html>", VIETNAMESE),
            }  # fmt: skip
            for file, (content, expected) in cases.items():
                path = tmp_path / file
                path.write_bytes(content)
                assert expected in text_of(path)[0], (name, file)

    def test_xml_and_json_in_encodings_of_two_bytes(self, tmp_path):
        text = TEXTS["ja"][1].split("\n")[0]
        path = tmp_path / "a.xml"
        path.write_bytes(
            f'<?xml version="1.0" encoding="shift_jis"?><r><p>{text}</p></r>'.encode("cp932")
        )
        assert text in text_of(path)[0]
        path = tmp_path / "a.json"
        path.write_bytes(f'{{"text": "{text}"}}'.encode("euc_jp"))
        assert text in text_of(path)[0]

    def test_mail_with_a_wrong_or_no_charset(self, tmp_path):
        text = TEXTS["ru"][1]
        path = tmp_path / "a.eml"
        head = (
            b"From: a@example.org\nSubject: " + "Склад".encode("koi8_r") + b"\nMIME-Version: 1.0\n"
        )
        for kind in (b"", b"Content-Type: text/plain; charset=us-ascii\n",
                     b"Content-Type: text/plain; charset=x-unknown\n"):  # fmt: skip
            body = b"Content-Transfer-Encoding: 8bit\n\n" + text.encode("koi8_r")
            path.write_bytes(head + kind + body)
            assert text in text_of(path)[0]
        message = EmailMessage()
        message["Subject"] = "Note"
        message.set_content(TEXTS["ja"][1], charset="iso-2022-jp")
        path.write_bytes(message.as_bytes())
        assert "倉庫の鍵は受付で借りてください。" in text_of(path)[0]


class TestFonts:
    def test_names_of_fonts_decide_in_word(self, tmp_path):
        def run(text: str, font: str) -> str:
            fonts = f'<w:rPr><w:rFonts w:ascii="{font}" w:hAnsi="{font}"/></w:rPr>'
            return f'<w:r>{fonts}<w:t xml:space="preserve">{text}</w:t></w:r>'

        path = tmp_path / "a.docx"
        body = (
            # A letter and its mark in two runs, as Word leaves them behind a correction.
            f"<w:p>{run('Löông tha', 'VNI-Times')}{run('ùng 13', 'VNI-Times')}</w:p>"
            f"<w:p>{run('ph¶i nép ', '.VnTime')}{run('céng hßa', '.VnTimeH')}"
            f"{run(' café', 'Arial')}</w:p>"
            f"<w:p>{run('Đã gõ lại bằng Unicode: phải à', '.VnTime')}</w:p>"
        )
        write_docx(path, body)
        text = text_of(path)[0]
        assert text.split("\n") == [
            "Lương tháng 13", "phải nộp CỘNG HÒA café", "Đã gõ lại bằng Unicode: phải à",
        ]  # fmt: skip

    def test_names_of_fonts_decide_in_other_formats(self, tmp_path):
        # The soft hyphen is the letter "ư"; LibreOffice writes it as "\\-", and bytes as numbers.
        path = tmp_path / "a.rtf"
        path.write_bytes(
            rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}{\f1 .VnTime;}{\f2 .VnTimeH;}}\f1 tr\u182\'b6"
            rb" tr\-\u237\'edc\par\f2 c\u233\'e9ng h\'dfa\par\f0 caf\u233\'e9\par}"
        )
        assert text_of(path)[0].split("\n") == ["trả trước", "CỘNG HÒA", "café"]

        styles = (
            '<office:automatic-styles xmlns:style="s:style"><style:style style:name="V">'
            '<style:text-properties style:font-name=".VnTime"/></style:style>'
            "</office:automatic-styles>"
        )
        path = tmp_path / "a.odt"
        span = '<text:span text:style-name="V">tr\u00b6 tr\u00ad\u00edc</text:span>'
        body = f"<text:p>café {span}</text:p>"
        write_odf(path, "text", body, styles)
        assert text_of(path)[0] == "café trả trước"

        cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>".format
        cells = cell(' table:style-name="V"', "tr\u00b6") + cell("", "café")
        path = tmp_path / "a.ods"
        row = f"<table:table-row>{cells}</table:table-row>"
        table = f'<table:table table:name="Fees">{row}</table:table>'
        write_odf(path, "spreadsheet", table, styles)
        assert text_of(path)[0] == "Fees\ntrả | café"

    def test_letters_decide_where_no_font_is_named(self, tmp_path):
        for old in (TCVN, VNI):
            path = tmp_path / "a.docx"
            write_docx(path, paragraph("Intro") + paragraph(old))
            assert VIETNAMESE in text_of(path)[0]
            path = tmp_path / "a.txt"
            path.write_text(old)
            assert VIETNAMESE in text_of(path)[0]
        for text in (*ENGLISH, TEXTS["fr"][1], TEXTS["de"][1], VIETNAMESE):
            path.write_text(text)
            assert text_of(path)[0] == text

    def test_a_hyphen_in_the_place_of_a_letter_is_that_letter(self):
        said = "t- vấn tr-ớc -ớc tính -u tiên; Việt-Mỹ, 5-7 ngày - gạch, e-mail"
        assert with_horns(said) == (
            "tư vấn trước ước tính ưu tiên; Việt-Mỹ, 5-7 ngày - gạch, e-mail"
        )

    def test_names_of_other_fonts_are_left_alone(self):
        assert font_decoder("ABCDEF+.VnTimeH,Bold") is not None
        assert [font_decoder(name) for name in ("Arial", "Vni", "Vntage", "")] == [None] * 4
