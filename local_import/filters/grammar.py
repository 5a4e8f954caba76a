"""A filter as text, and what it consists of. Knows no table: each list brings its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from .words import Word, WrongFilter, shortened

LONGEST = 4_000  # characters
MOST = 20  # terms
_TERM = re.compile(r'\s*(?:([\w.-]+):(?:"((?:[^"\\]|\\.)*)"|(\S+))|(\S+))')
_PARTS = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*){0,3}", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    word: str
    text: str  # the value, as it was written
    value: Any  # what a query compares with

    def __str__(self) -> str:
        return written(self.word, self.text)


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms of the same word are alternatives; different words must all hold."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def words(self) -> frozenset[str]:
        return frozenset(term.word for term in self.terms)

    def values(self, word: str) -> list[Any]:
        return [term.value for term in self.terms if term.word == word]

    def without(self, *words: str) -> Filter:
        return Filter(tuple(term for term in self.terms if term.word not in words))

    def chips(self) -> Iterator[tuple[Term, str]]:
        """Each term, with the text of the filter that is left when it goes."""
        for gone in self.terms:
            yield gone, str(Filter(tuple(term for term in self.terms if term is not gone)))

    def narrowed(self, word: str, text: str) -> str:
        """The text of the filter with this value of the word, instead of those that it has."""
        return f"{self.without(word)} {written(word, text)}".strip()


def written(word: str, text: str) -> str:
    if re.fullmatch(r'[^\s"\\]+', text):
        return f"{word}:{text}"
    quoted = re.sub(r'(["\\])', r"\\\1", text)
    return f'{word}:"{quoted}"'


def has_parts(text: str) -> bool:
    """Whether it can follow a word that ends with a dot: up to four names, none of them a number."""
    return _PARTS.fullmatch(text) is not None


def parse(text: str, words: Mapping[str, Word]) -> Filter:
    """Raises WrongFilter. A word that ends with a dot takes what follows it, as in details.code:damaged."""
    if len(text) > LONGEST:
        raise WrongFilter(_("A filter has at most %(most)d characters.") % {"most": LONGEST})
    terms = tuple(_term(found, words) for found in _TERM.finditer(text.strip()) if found[0].strip())
    if len(terms) > MOST:
        raise WrongFilter(_("A filter has at most %(most)d terms.") % {"most": MOST})
    return Filter(terms)


def _term(found: re.Match[str], words: Mapping[str, Word]) -> Term:
    name, quoted, plain, rest = found.groups()
    if rest is not None:
        told = {"text": shortened(rest)}
        raise WrongFilter(_("“%(text)s” says not what it is of. Write word:value.") % told)
    known = words.get(name) or words.get(name.partition(".")[0] + ".")
    if known is None:
        told = {"word": shortened(name), "known": ", ".join(words)}
        raise WrongFilter(_("Nothing is filtered by “%(word)s” here. Known: %(known)s.") % told)
    parts = name.partition(".")[2]
    if "." in name and not has_parts(parts):
        told = {"text": shortened(parts)}
        raise WrongFilter(_("“%(text)s” is no key of details that can be looked for.") % told)
    value = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain
    return Term(name, value, known.read(value))
