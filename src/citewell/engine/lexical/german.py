"""German words: umlauts written with an e, and the parts of compounds.

A compound is divided where a known last part or a linking ending tells its joint; without a
dictionary the others stay whole. What it gets wrong is a part that is no word (`Wettkampfrichter`
gives `wettkampf` and `richter`, `Vorrang` stays), which no question asks for.
"""

import re
from functools import lru_cache

from citewell.engine.text.shapes import CACHED_WORDS

_UMLAUT = re.compile("[äöüøå]")
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})

MIN_COMPOUND = 8
"""Letters of the shortest compound that is divided: `Mietzins`."""

_MIN_PART = 3

# Endings after which an s links the next part (Fuhrhop 1996); they end nouns that are long words
# themselves, so that a joint is nearly certain.
_LINKED = re.compile(r"^(.{2,24}?(?:ung|heit|keit|schaft|tion|tät|tum|ling|ing))s(?=.{3})")

# Last parts of the compounds that offices, contracts and manuals are full of; a closed list, so a
# compound with another last part is found by its whole word only.
_HEADS = """
    beauftragte vertreter verantwortliche
    abgabe ablauf abteilung adresse amt angabe anlage anleitung anspruch antrag anweisung anzahl
    anzeige arbeit art aufgabe auftrag ausgabe ausschuss ausweis bank bau bedarf bedingung
    beginn behandlung beitrag bereich bericht beruf bescheid bescheinigung beschluss
    beschreibung besuch betrag betrieb betriebsrat bild brief buch büro dauer dienst druck
    eingang einheit einkommen ende entgelt erklärung ersatz fahrt fahrzeug fall fehler feld
    ferien firma form formular frage frist führung gabe gebiet gebühr gefahr gehalt geld
    gemeinde gericht gerät geschäft gesetz gespräch gesundheit grad grenze grund gruppe gut
    gültigkeit haftung hand handbuch haus heim hilfe hof inhaber jahr kamera karte kasse kauf
    kennzeichen klasse konto kontrolle kosten kraft kreis kunde kündigung kurs lager land leiter
    leistung lehre leitung liste lohn maschine masse maß meldung miete mittel mitglied monat
    nachweis nummer ordnung ort pause person pflicht plan platz posten preis programm protokoll
    prüfung punkt quote rabatt rate raum rechnung recht regel regelung reise rente richter
    richtlinie risiko sache satz schaden schein schicht schlüssel schule schutz sicherheit sitz
    sitzung software stand stelle steuer stoff strafe straße strecke stunde system tabelle tag
    tarif tasche teil telefon termin tür umlage unfall unterlagen urlaub verbot verein verfahren
    verhältnis verkehr verlust versicherung versorgung vertrag verwaltung vorschrift wagen ware
    wasser wechsel weg weise werk wert wesen woche wohnung zahl zahlung zeit zeitung zentrum
    zeugnis zimmer zins zone zug zulage zuschlag zuschuss zweck
"""
_LONGEST_FIRST = sorted(_HEADS.replace("ß", "ss").split(), key=len, reverse=True)
_HEAD = re.compile(rf"(.{{{_MIN_PART},28}}?)((?:{'|'.join(_LONGEST_FIRST)})(?:e[nrs]?|n|s|es)?)")
_LINK = re.compile(r"(?<=.{3})(?:s|es|en|n)$")


def has_umlaut(word: str) -> bool:
    """Whether a normalised word has a letter that is also written with two."""
    return _UMLAUT.search(word) is not None


def spelled_out(word: str) -> str:
    """Return a normalised word as it is written without umlauts: `müller` becomes `mueller`."""
    return word.translate(_SPELLED_OUT)


@lru_cache(maxsize=CACHED_WORDS)
def parts_of_compound(word: str) -> tuple[str, ...]:
    """Return the parts of a normalised German word, the linking letters off; none if it is one."""
    if not MIN_COMPOUND <= len(word) <= 40:
        return ()
    if linked := _LINKED.match(word):
        return (linked[1], word[linked.end() :])
    if divided := _HEAD.fullmatch(word):
        first = divided[1]
        bare = _LINK.sub("", first)
        return tuple(dict.fromkeys((first, bare, divided[2])))
    return ()
