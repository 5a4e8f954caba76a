"""Names for what cannot be imported, so that an operator is told what it is."""

from __future__ import annotations

from .model import Bytes, Inspection

_MAGIC = (
    (b"%PDF", "pdf", "a PDF document"),
    (b"PK\x03\x04", "zip", "a ZIP archive"),
    (b"IIU\0", "raw", "a RAW picture (Panasonic RW2)"),
    (b"IIRO", "raw", "a RAW picture (Olympus ORF)"),
    (b"IIRS", "raw", "a RAW picture (Olympus ORF)"),
    (b"MMOR", "raw", "a RAW picture (Olympus ORF)"),
    (b"FUJIFILMCCD-RAW", "raw", "a RAW picture (Fujifilm RAF)"),
    (b"FOVb", "raw", "a RAW picture (Sigma X3F)"),
    (b"\x1aE\xdf\xa3", "video", "a video (Matroska or WebM)"),
    (b"8BPS", "psd", "a Photoshop picture"),
    (b"\x00\x00\x00\x0cJXL ", "jxl", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "jp2", "a JPEG 2000 picture"),
    (b"\x7fELF", "program", "a program"),
    (b"MZ", "program", "a program"),
    (b"\x1f\x8b", "archive", "a gzip archive"),
)


_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b") | {0x7F}


def identify(head: bytes, data: Bytes) -> Inspection:
    for magic, kind, description in _MAGIC:
        if head.startswith(magic):
            return Inspection(kind, description)
    if head[6:14] == b"HEAPCCDR":
        return Inspection("raw", "a RAW picture (Canon CRW)")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Inspection("video", "a video (AVI)")
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return Inspection("video", "a video (QuickTime)")
    return _text_or_unknown(data.read_at(0, 4096))


def _text_or_unknown(sample: bytes) -> Inspection:
    text = sample.decode("utf-8", "ignore")
    strange = set(sample) & _CONTROL
    if not sample or strange or len(text.encode()) < len(sample) - 3:
        return Inspection("unknown", "unknown data")
    start = text.lstrip("\ufeff \r\n\t").lower()
    for mark, kind, description in (
        ("<svg", "svg", "an SVG drawing"),
        ("<!doctype html", "html", "a web page"),
        ("<html", "html", "a web page"),
        ("<?xml", "xml", "an XML document"),
    ):
        if start.startswith(mark):
            return Inspection(kind, description)
    return Inspection("text", "plain text")
