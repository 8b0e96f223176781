"""Pictures: the text that Tesseract recognises in them."""

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.recognised import note_recognised
from citewell.engine.parsing.recognition import INSTALL, RecognitionError, open_recogniser


def read(source: ReaderInput) -> Reading:
    """Read a picture; the pages of a TIFF are its pages.

    Raises:
        ParseError: Tesseract is missing, or the picture is damaged or has no text.
    """
    recogniser = open_recogniser(source.limits.ocr_languages, source.limits.ocr_seconds)
    if recogniser is None:
        raise ParseError(
            ParseFailure.RECOGNITION_MISSING,
            f"This is a picture. To have its text recognised, {INSTALL}.",
        )
    try:
        pages = recogniser.read(str(source.path))
    except RecognitionError as error:
        raise ParseError(
            ParseFailure.CORRUPT, f"The picture's text cannot be recognised: {error}."
        ) from error
    note_recognised(source.findings, dict(enumerate(pages, 1)))
    count = len(pages) if len(pages) > 1 else None
    blocks = [
        Block(BlockKind.PARAGRAPH, text, number if count else None)
        for number, page in enumerate(pages, 1)
        for text in page.paragraphs
    ]
    if not blocks:
        raise ParseError(ParseFailure.EMPTY, "No text was recognised in the picture.")
    return Reading(DocumentInfo(source.mime_type, page_count=count), iter(blocks))
