"""Small wrong changes of one line of Python, for ``bench.mutants``."""

import ast
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitOr,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
OPPOSITES = [
    *(("train_places", "val_places"), ("train", "val"), ("mean", "std"), ("H", "W"), ("x", "y"), ("rows", "columns")),
    *(("min", "max"), ("amin", "amax"), ("minimum", "maximum"), ("any", "all"), ("sin", "cos"), ("zeros", "ones")),
    *(("first", "second"), ("query", "key"), ("floor", "ceil"), ("argmax", "argmin"), ("sorted", "list")),
    *(("uniform", "normal"), ("mixup_alpha", "cutmix_alpha"), ("top", "left"), ("before", "after")),
]
RENAMED = dict([*OPPOSITES, *((two, one) for one, two in OPPOSITES)]) | {"sum": "max", "betavariate": "uniform"}
UNTOUCHED = (ast.JoinedStr, ast.Raise, ast.Assert)  # what is said, not what is computed


@dataclass(frozen=True)
class Mutation:
    """One changed line of a file; ``before`` and ``after`` are the line without its indentation."""

    file: str
    line: int
    before: str
    after: str

    @property
    def key(self) -> str:
        """Stays the same while other lines of the file change."""
        return f"{self.file}: {self.before} -> {self.after}"

    def applied(self, source: str) -> str:
        lines = source.splitlines(keepends=True)
        assert lines[self.line - 1].strip() == self.before
        lines[self.line - 1] = lines[self.line - 1].replace(self.before, self.after)
        return "".join(lines)


def sample(root: Path, files: list[str], count: int, seed: int) -> list[Mutation]:
    """Mutations of as many different lines, drawn from all files; a change elsewhere in a file changes none of them."""
    sources = {file: (root / file).read_text() for file in files}
    everything = [mutation for file, source in sources.items() for mutation in mutations(file, source)]
    everything.sort(key=lambda mutation: hashlib.sha256(f"{seed} {mutation.key}".encode()).digest())
    drawn: dict[tuple[str, str], Mutation] = {}
    for mutation in everything:
        place = mutation.file, mutation.before
        if len(drawn) < count and place not in drawn and _is_python(mutation.applied(sources[mutation.file])):
            drawn[place] = mutation
    return list(drawn.values())


def mutations(file: str, source: str) -> list[Mutation]:
    """Every mutation of a file, in the order of its lines; a few are not Python any more."""
    lines, found, tree = source.splitlines(), {}, ast.parse(source)
    known = _variables(tree) | {"pass", "max", "min", "True", "False"}
    for node, text in _replacements(tree):
        if node.lineno != node.end_lineno or (text.isidentifier() and text not in known):
            continue  # anything would notice a module, or a name that doesn't exist
        row = lines[node.lineno - 1].encode()
        rest = row[node.end_col_offset :]
        if not text:  # what is dropped from a list goes with its comma
            rest = rest.removeprefix(b",").lstrip()
        changed = (row[: node.col_offset] + text.encode() + rest).decode().strip()
        if changed != row.decode().strip():
            found[node.lineno, changed] = Mutation(file, node.lineno, row.decode().strip(), changed)
    return [found[place] for place in sorted(found)]


def _variables(tree: ast.AST) -> set[str]:
    """Names that are used, without those of modules and what they were asked for."""
    imports = [part for part in ast.walk(tree) if isinstance(part, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for part in imports for alias in part.names}
    return {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} - imported


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _replacements(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Nodes with another text for each, below a node."""
    for child in _children(node):
        if isinstance(child, UNTOUCHED):
            continue
        yield from _changes(child)
        yield from _replacements(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """All but annotations, decorators, the limits of a setting, and zip's ``strict``, which is an assertion."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or _is_left_out(value):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and getattr(child, "arg", None) != "strict":
                yield child


def _is_left_out(value: object) -> bool:
    name = value.func if isinstance(value, ast.Call) else None
    return isinstance(name, ast.Name) and name.id in ("Field", "ConfigDict")


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The node, or a part of it, and the text that replaces it; no text drops it."""
    match node:
        case ast.Compare(ops=[operator]):
            yield from ((node, _with(node, ops=[other()])) for other in COMPARISONS[type(operator)])
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if not _is_text(node):
            yield from ((node, _with(node, op=other())) for other in ARITHMETIC.get(type(operator), ()))
        case ast.BoolOp(op=operator):
            yield node, _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node, _text(node.operand)
        case ast.Constant():
            yield from ((node, repr(other)) for other in _constants(node.value))
        case ast.Name(ctx=ast.Load(), id=name) if name in RENAMED:
            yield node, RENAMED[name]
        case ast.Attribute(ctx=ast.Load(), attr=name) if name in RENAMED:
            yield node, _with(node, attr=RENAMED[name])
        case ast.Call():
            yield from _calls(node)
        case ast.Tuple(elts=elements, ctx=ast.Load()) | ast.List(elts=elements):
            yield from ((element, "") for element in elements if len(elements) > 2)
        case ast.comprehension():
            yield from ((test, f"not ({ast.unparse(test)})") for test in node.ifs)
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield node.test, f"not ({ast.unparse(node.test)})"
    yield from _statements(node)


def _constants(value: object) -> list:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value * 2 or 1.0, value / 2]
    return []


def _calls(node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    """A keyword less, two arguments the other way round, or what the method is called on instead."""
    yield from ((keyword, "") for keyword in node.keywords if keyword.arg not in (None, "strict"))
    if len(node.args) == 2 and all(isinstance(argument, ast.Name | ast.Attribute) for argument in node.args):
        yield node, _with(node, args=node.args[::-1])
    if isinstance(node.func, ast.Attribute):
        yield node, _text(node.func.value)


def _statements(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "pass"
        case ast.Return(value=ast.expr()):
            yield node, "return None"
        case ast.Break() | ast.Continue():
            yield node, "pass"


def _with(node: ast.AST, **fields) -> str:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return _text(changed)


def _text(node: ast.AST) -> str:
    """Source in parentheses where it could otherwise bind differently."""
    source = ast.unparse(node)
    return f"({source})" if isinstance(node, ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp) else source


def _is_text(node: ast.BinOp | ast.AugAssign) -> bool:
    parts = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.value]
    return any(isinstance(part, ast.JoinedStr) or isinstance(getattr(part, "value", None), str) for part in parts)
