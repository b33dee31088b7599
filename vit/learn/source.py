"""Source lines as a lesson shows them: read from the module itself, with its tokens told apart."""

import inspect
import io
import keyword
import textwrap
import tokenize
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = {tokenize.COMMENT: "comment", tokenize.STRING: "string", tokenize.NUMBER: "number"}

Piece = tuple[str, str]  # a kind of token, or "", and its text


@dataclass(frozen=True)
class Source:
    """Lines of a file: ``path`` from the project's folder, ``first`` counted from 1."""

    path: str
    first: int
    lines: list[list[Piece]]

    def containing(self, snippet: str) -> list[int]:
        """Places, counted from 0, of the lines that contain a text."""
        return [place for place, line in enumerate(self.lines) if snippet in "".join(text for _, text in line)]


def source_of(thing: object) -> Source:
    """The source of a class, method or function, without the indentation that all lines share."""
    lines, first = inspect.getsourcelines(thing)  # type: ignore[arg-type]
    path = Path(inspect.getsourcefile(thing) or "").resolve()  # type: ignore[arg-type]
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return Source(Path(name).as_posix(), first, _pieces(textwrap.dedent("".join(lines))))


def _pieces(code: str) -> list[list[Piece]]:
    """The lines of a code, each cut where tokens that are shown in their own color begin and end."""
    lines = code.splitlines()
    cuts: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for token in tokenize.generate_tokens(io.StringIO(code + "\n").readline):
        kind = "keyword" if keyword.iskeyword(token.string) else KINDS.get(token.type, "")
        if kind:
            for row in range(token.start[0], token.end[0] + 1):
                start = token.start[1] if row == token.start[0] else 0
                end = token.end[1] if row == token.end[0] else len(lines[row - 1])
                cuts[row - 1].append((start, end, kind))
    return [_cut(line, places) for line, places in zip(lines, cuts, strict=True)]


def _cut(line: str, places: list[tuple[int, int, str]]) -> list[Piece]:
    pieces, done = [], 0
    for start, end, kind in places:
        pieces += [("", line[done:start]), (kind, line[start:end])]
        done = end
    return [piece for piece in [*pieces, ("", line[done:])] if piece[1]]
