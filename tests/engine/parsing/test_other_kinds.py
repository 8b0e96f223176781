"""Drawings, calendars, address books, mailboxes, settings and sheets under other formats' names."""

from email.message import EmailMessage

from citewell.engine.parsing.base import BlockKind
from citewell.engine.parsing.detection import detect_format
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.seen_cells import MergedCells, note_merged
from citewell.engine.parsing.reading import read_attachments
from tests.timing import processor_seconds

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="x" viewBox="0 0 100 50">{}</svg>'


class TestDrawings:
    def read(self, read, tmp_path, content):
        path = tmp_path / "a.svg"
        path.write_text(SVG.format(content))
        return [block.text for block in read(path)[1]]

    def test_shown_texts_are_read_in_their_order(self, read, tmp_path):
        found = self.read(
            read,
            tmp_path,
            "<title>Plant</title><g><text x='5' y='9'>Pump <tspan>P</tspan>-7</text>"
            "<text x='5'><tspan x='5' dy='10'>Return to</tspan><tspan x='5' dy='9'>tank 3</tspan>"
            "</text></g><foreignObject><div xmlns='h'>Level<p>low</p></div></foreignObject>",
        )
        assert found == ["Pump P-7", "Return to tank 3", "Level low"]

    def test_unseen_texts_are_left_out(self, read, tmp_path):
        found = self.read(
            read,
            tmp_path,
            "<defs><text id='d'>kept apart</text></defs><style>.h{display:none}</style>"
            "<text class='h'>by class</text><g display='none'><text>group</text></g>"
            "<text style='visibility:hidden'>gone <tspan visibility='visible'>back</tspan></text>"
            "<text fill='none'>no ink</text><text x='900' y='5'>outside</text>"
            "<g transform='translate(-500)'><text x='5'>moved out</text></g>"
            "<text opacity='0'>clear</text><text fill='#fff'>white on a box</text>",
        )
        assert found == ["back", "white on a box"]

    def test_raised_figures_join_no_number(self, read, tmp_path):
        found = self.read(
            read,
            tmp_path,
            "<text>Flow 35<tspan baseline-shift='super'>2</tspan> l</text>"
            "<text font-size='10'>CO<tspan dy='3'>2</tspan><tspan dy='-3'> out</tspan></text>",
        )
        assert found == ["Flow 35² l", "CO₂ out"]

    def test_copies_are_read_and_bounded(self, read, tmp_path):
        assert self.read(
            read, tmp_path, "<defs><g id='v'><text>Valve 4</text></g></defs><use href='#v'/>"
        ) == ["Valve 4"]
        uses = [f"<use xlink:href='#g{n + 1}'/>" * 10 for n in range(30)]
        levels = "".join(f"<g id='g{n}'>{each}</g>" for n, each in enumerate(uses))
        bomb = f"<defs>{levels}<text id='g30'>x</text></defs><text>End</text><use href='#g0'/>"
        spent = processor_seconds(lambda: self.read(read, tmp_path, bomb), rounds=1)
        assert spent < 5
        row = f"<defs><g id='r'>{'<text>x</text>' * 3_000}</g></defs>"
        many = self.read(read, tmp_path, row + "<use href='#r'/>" * 400 + "<text>End</text>")
        assert (len(many) < 25_000, many[-1]) == (True, "End")


CALENDAR = r"""BEGIN:VCALENDAR
BEGIN:VTIMEZONE
BEGIN:STANDARD
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Europe/Oslo:20270305T081500
RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20271201T000000Z
SUMMARY:Drill\, dock 4
LOCATION:Quay 2\; east
DESCRIPTION:Bring lamps.\nMeet at the cra
 ne.
ATTENDEE;CN="Berg; Ola":mailto:ola@example.org
BEGIN:VALARM
DESCRIPTION:alarm text
END:VALARM
END:VEVENT
END:VCALENDAR
"""


class TestEntries:
    def test_a_calendar_shows_its_entries_only(self, read, tmp_path):
        path = tmp_path / "a.ics"
        path.write_bytes(CALENDAR.replace("\n", "\r\n").encode())
        _, blocks = read(path)
        assert [block.text for block in blocks] == [
            "Drill, dock 4",
            "Subject: Drill, dock 4\nStart: 2027-03-05 08:15 (Europe/Oslo)\n"
            "Repeats: weekly; by day MO, WE; until 2027-12-01 00:00 UTC\nPlace: Quay 2; east\n"
            "Participant: Berg; Ola (ola@example.org)\n"
            "Description: Bring lamps.\nMeet at the crane.",
        ]

    def test_names_of_people_keep_what_is_behind_a_comma(self, read, tmp_path):
        path = tmp_path / "a.ics"
        path.write_text(CALENDAR.replace("Berg; Ola", "Berg, Ola"))
        assert "Participant: Berg, Ola (ola@example.org)" in read(path)[1][1].text

    def test_an_invitation_in_a_mail_is_read_alike(self, read, tmp_path):
        message = EmailMessage()
        message.set_content(CALENDAR, subtype="calendar")
        path = tmp_path / "a.eml"
        path.write_bytes(bytes(message))
        text = "\n".join(block.text for block in read(path)[1])
        assert "Start: 2027-03-05 08:15" in text
        assert "1970" not in text
        assert "VEVENT" not in text

    def test_contacts_of_old_and_new_programs_are_read(self, read, tmp_path):
        path = tmp_path / "a.vcf"
        path.write_text(
            "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B8rn=\n"
            " Vik\nTEL;WORK;VOICE:+47 22 11 00 33\nPHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\n SkZJ\n"
            "END:VCARD\nBEGIN:VCARD\nVERSION:4.0\nFN:Ada\nitem1.ORG:Yard\\, Ltd;Paint\n"
            "ADR;TYPE=home:;;Quay 5;Oslo;;0150;\nTEL;VALUE=uri:tel:+47-90\nEND:VCARD\n"
        )
        assert [block.text for block in read(path)[1]] == [
            "Jørn Vik",
            "Name: Jørn Vik\nTelephone (work): +47 22 11 00 33",
            "Ada",
            "Name: Ada\nOrganisation: Yard, Ltd, Paint\nTelephone: +47-90\n"
            "Address (home): Quay 5, Oslo, 0150",
        ]

    def test_a_line_that_goes_on_over_a_whole_file_costs_its_length(self, read, tmp_path):
        path = tmp_path / "a.vcf"
        begin = "BEGIN:VCARD\nFN:Ada\nNOTE;ENCODING=QUOTED-PRINTABLE:"
        path.write_text(begin + f"{'x' * 50}=\n" * 60_000 + "end\nEND:VCARD\n")
        assert processor_seconds(lambda: read(path), rounds=1) < 3


class TestMailboxes:
    def test_each_message_and_its_files_are_read(self, read, tmp_path):
        lines: list[bytes] = []
        for subject, text in (("One", "Gate 4 is shut.\n\nFrom Oslo it opens."), ("Two", "Pier 9")):
            message = EmailMessage()
            message["Subject"] = subject
            message.set_content(text)
            message.add_attachment(b"%PDF", "application", "pdf", filename=f"{subject}.pdf")
            body = message.as_bytes().replace(b"\nFrom ", b"\n>From ")
            lines += [b"From a@b Tue Mar  2 09:15:00 2027\n", body, b"\n\n"]
        path = tmp_path / "Inbox"
        path.write_bytes(b"".join(lines))
        info, blocks = read(path)
        assert [block.text for block in blocks] == [
            "One", "Gate 4 is shut.", "From Oslo it opens.", "Two", "Pier 9",
            "Attachments: One.pdf, Two.pdf",
        ]  # fmt: skip
        assert info.attachments == ("One.pdf", "Two.pdf")
        taken = list(read_attachments(path, "Inbox", ParseLimits()))
        assert taken == [("One.pdf", b"%PDF"), ("Two.pdf", b"%PDF")]


class TestSettings:
    def test_lines_stay_as_they_are_written(self, read, tmp_path):
        text = "port: 0755 # of the service that listens to all of the lifts\n" * 2
        for name in ("a.yaml", "a.toml", "a.ini", "a.properties"):
            path = tmp_path / name
            path.write_text(f"{text}- first: NO\n  at: 02:30\n")
            _, [block] = read(path)
            assert block.text == f"{text}- first: NO\nat: 02:30"


SHEETS = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:x="urn:schemas-microsoft-com:office:excel">
<Styles><Style ss:ID="p"><NumberFormat ss:Format="Percent"/></Style>
<Style ss:ID="d"><NumberFormat ss:Format="dd/mm/yyyy"/></Style>
<Style ss:ID="w"><Font ss:Color="#FFFFFF"/></Style></Styles>
<Worksheet ss:Name="Fees"><Table><Column/><Column ss:Hidden="1"/>
<Row><Cell><Data ss:Type="String">Lock</Data></Cell><Cell><Data ss:Type="String">Cost</Data></Cell>
<Cell><Data ss:Type="String">Rate</Data></Cell><Cell><Data ss:Type="String">From</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">North</Data></Cell>
<Cell ss:Index="3" ss:StyleID="p"><Data ss:Type="Number">0.075</Data></Cell>
<Cell ss:StyleID="d"><Data ss:Type="DateTime">2027-03-09T00:00:00.000</Data></Cell></Row>
<Row ss:Hidden="1"><Cell><Data ss:Type="String">secret</Data></Cell></Row>
<Row ss:Index="4"><Cell><Data ss:Type="String">South</Data></Cell>
<Cell ss:Index="4" ss:StyleID="w"><Data ss:Type="String">unseen</Data></Cell></Row>
</Table></Worksheet>
<Worksheet ss:Name="Notes"><Table><Row><Cell><Data ss:Type="String">away</Data></Cell></Row></Table>
<x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions></Worksheet></Workbook>
"""


class TestSheetsUnderOtherNames:
    def test_sheets_of_xml_are_read_as_shown(self, read, tmp_path):
        path = tmp_path / "a.xls"
        path.write_text(SHEETS)
        _, blocks = read(path)
        assert [(block.kind, block.page, block.text) for block in blocks] == [
            (BlockKind.HEADING, 1, "Fees"),
            (BlockKind.TABLE, 1, "Lock | Rate | From\nNorth | 7.50% | 09/03/2027\nSouth"),
        ]

    def test_merged_areas_are_followed_to_a_sum(self):
        found: MergedCells = {}
        for row in range(300):
            note_merged(found, row, 1, row, 9_991)
        assert 9_991 <= len(found) <= 100_000

    def test_tables_of_text_named_as_workbooks_are_read(self, read, tmp_path):
        path = tmp_path / "a.xls"
        path.write_text("Lock\tRate\nNorth\t1,310.00\nSouth\t0042\n")
        assert [block.text for block in read(path)[1]] == [
            "Lock | Rate\nNorth | 1,310.00\nSouth | 0042"
        ]


class TestBeginnings:
    def test_any_number_of_comments_is_passed_once(self, tmp_path):
        path = tmp_path / "a.txt"
        for start in ("<!---->", "<!x [<!y>]>", "<?x?>"):
            path.write_text(start * 1_000 + "no tag")
            found = self.detect(path)
            assert found is DocumentFormat.TEXT
            assert processor_seconds(lambda: self.detect(path), rounds=1) < 2
        path.write_text("<!-- a --><!-- <svg> --><html>x")
        assert self.detect(path) is DocumentFormat.HTML

    def test_a_mailbox_by_name_needs_no_fields_of_servers(self, tmp_path):
        path = tmp_path / "a"
        path.write_text("From a@b Thu Jan  1 10:00:00 2026\nSubject: keys\n\nBring them.\n")
        assert detect_format(path, "a.mbox", ParseLimits()) is DocumentFormat.MBOX
        assert self.detect(path) is DocumentFormat.TEXT

    def test_texts_and_pages_that_begin_with_a_drawing_are_no_drawings(self, tmp_path):
        path = tmp_path / "a"
        path.write_text("<svg width='9'></svg>\n\n# Pump 7\n\nIt is oiled on Mondays.\n")
        for name, kind in (("a.md", "markdown"), ("a.html", "html"), ("a.svg", "svg")):
            assert detect_format(path, name, ParseLimits()) == kind

    def detect(self, path):
        return detect_format(path, "a.txt", ParseLimits())
