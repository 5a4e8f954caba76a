"""Names for what cannot be imported, so that an operator is told what it is."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from .model import Bytes, Inspection

_MAGIC = (
    (b"%PDF", "pdf", _("a PDF document")),
    (b"PK\x03\x04", "zip", _("a ZIP archive")),
    (b"IIU\0", "raw", _("a RAW picture (Panasonic RW2)")),
    (b"IIRO", "raw", _("a RAW picture (Olympus ORF)")),
    (b"IIRS", "raw", _("a RAW picture (Olympus ORF)")),
    (b"MMOR", "raw", _("a RAW picture (Olympus ORF)")),
    (b"FUJIFILMCCD-RAW", "raw", _("a RAW picture (Fujifilm RAF)")),
    (b"FOVb", "raw", _("a RAW picture (Sigma X3F)")),
    (b"\x1aE\xdf\xa3", "video", _("a video (Matroska or WebM)")),
    (b"8BPS", "psd", _("a Photoshop picture")),
    (b"\x00\x00\x00\x0cJXL ", "jxl", _("a JPEG XL picture")),
    (b"\x00\x00\x00\x0cjP  ", "jp2", _("a JPEG 2000 picture")),
    (b"\x7fELF", "program", _("a program")),
    (b"MZ", "program", _("a program")),
    (b"\x1f\x8b", "archive", _("a gzip archive")),
)


_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b") | {0x7F}


def identify(head: bytes, data: Bytes) -> Inspection:
    for magic, kind, description in _MAGIC:
        if head.startswith(magic):
            return Inspection(kind, description)
    if head[6:14] == b"HEAPCCDR":
        return Inspection("raw", _("a RAW picture (Canon CRW)"))
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Inspection("video", _("a video (AVI)"))
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return Inspection("video", _("a video (QuickTime)"))
    return _text_or_unknown(data.read_at(0, 4096))


def _text_or_unknown(sample: bytes) -> Inspection:
    text = sample.decode("utf-8", "ignore")
    strange = set(sample) & _CONTROL
    if not sample or strange or len(text.encode()) < len(sample) - 3:
        return Inspection("unknown", _("unknown data"))
    start = text.lstrip("\ufeff \r\n\t").lower()
    for mark, kind, description in (
        ("<svg", "svg", _("an SVG drawing")),
        ("<!doctype html", "html", _("a web page")),
        ("<html", "html", _("a web page")),
        ("<?xml", "xml", _("an XML document")),
    ):
        if start.startswith(mark):
            return Inspection(kind, description)
    return Inspection("text", _("plain text"))
