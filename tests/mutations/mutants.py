"""Mutants: the package with one line changed as a slip would change it."""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Pow: ("**", "*"),
}
BOOLEAN = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
OPPOSITES = {"min": "max", "max": "min", "all": "any", "any": "all"}
SYMMETRIC = {"min", "max", "minimum", "maximum", "isclose", "allclose", "hypot"}

# A change of these decides no number: the language's own checks, and folders that may be there already.
IGNORED_KEYWORDS = {
    *("check", "eq", "exist_ok", "flush", "frozen", "kw_only", "parents", "repr", "slots", "stacklevel"),
    "strict",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one place in one file.

    Attributes:
        path: file that is changed, relative to the root of the checkout.
        line: line of the change, from 1.
        statement: first line of the statement that holds it.
        kind: sort of slip.
        start: position of the change in the file's text.
        before: text that is replaced.
        after: text that replaces it.
        shown: the line with the change in it, for people.
    """

    path: str
    line: int
    statement: int
    kind: str
    start: int
    before: str
    after: str
    shown: str

    def applied(self, source: str) -> str:
        """Return the file's text with the change.

        Raises:
            ValueError: the file has changed since the mutant was made.
        """
        end = self.start + len(self.before)
        if source[self.start : end] != self.before:
            raise ValueError(f"{self.path}:{self.line} no longer reads {self.before!r}")
        return source[: self.start] + self.after + source[end:]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.kind}  {self.shown}"


def chosen(root: Path, rooms: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Draw mutants: as many from each room, and in a room from files and kinds in turn.

    Args:
        root: of the checkout.
        rooms: folders or files below ``root``.
        count: how many in all.
        seed: of the draw.
    """
    draw = random.Random(seed)
    queues = [_mixed(list(_of_room(root, room)), draw) for room in rooms]
    picked: list[Mutant] = []
    while len(picked) < count and any(queues):
        for queue in queues:
            if queue and len(picked) < count:
                picked.append(queue.pop())
    return picked


def _of_room(root: Path, room: str) -> Iterator[Mutant]:
    place = root / room
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        yield from mutants_of(str(path.relative_to(root)), path.read_text(encoding="utf-8"))


def _mixed(mutants: list[Mutant], draw: random.Random) -> list[Mutant]:
    """In random order, but so that rare kinds come as often as common ones."""
    draw.shuffle(mutants)
    seen: Counter[str] = Counter()
    rank: dict[Mutant, int] = {}
    for mutant in mutants:
        seen[mutant.kind] += 1
        rank[mutant] = seen[mutant.kind]
    return sorted(mutants, key=rank.__getitem__, reverse=True)


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return all mutants of one file."""
    maker = _Maker(path, source)
    maker.visit(ast.parse(source))
    return maker.found


class _Maker(ast.NodeVisitor):
    """Collects mutants; annotations, decorators and the texts of errors and logs are left as they are."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.found: list[Mutant] = []
        self._lines = [0]
        for text in source.split("\n"):
            self._lines.append(self._lines[-1] + len(text) + 1)
        self._statement = 1

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            outer, self._statement = self._statement, node.lineno
            self._dropped(node)
            super().visit(node)
            self._statement = outer
        else:
            super().visit(node)

    # what is passed over

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        pass

    def visit_Assert(self, node: ast.Assert) -> None:
        pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    # what is changed

    def visit_Compare(self, node: ast.Compare) -> None:
        left: ast.expr = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._operator(left, right, *COMPARISONS[type(operator)], "comparison")
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        texts = isinstance(node.left, ast.Constant | ast.JoinedStr) and not _is_number(node.left)
        if type(node.op) in ARITHMETIC and not texts:
            self._operator(node.left, node.right, *ARITHMETIC[type(node.op)], "arithmetic")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._operator(left, right, *BOOLEAN[type(node.op)], "boolean")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            start, end = self._span(node)
            inner = self._span(node.operand)
            self._add(node, "boolean", start, end, self.source[slice(*inner)])
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        start, end = self._span(node)
        if isinstance(node.value, bool):
            self._add(node, "boolean", start, end, str(not node.value))
        elif isinstance(node.value, int):
            self._add(node, "off by one", start, end, str(node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        if _is_log(node):
            return
        if isinstance(node.func, ast.Name) and node.func.id in OPPOSITES:
            self._add(node, "comparison", *self._span(node.func), OPPOSITES[node.func.id])
        first_two = node.args[:2]
        called = ast.unparse(node.func).rpartition(".")[2]
        if (
            len(first_two) == 2
            and not any(isinstance(a, ast.Starred) for a in first_two)
            and called not in SYMMETRIC
        ):
            (a, b), (c, d) = map(self._span, first_two)
            swapped = self.source[c:d] + self.source[b:c] + self.source[a:b]
            if self.source[a:b] != self.source[c:d]:
                self._add(node, "swapped arguments", a, d, swapped)
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in IGNORED_KEYWORDS:
                self.visit(keyword.value)

    def _dropped(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Call() as call):
                gone = not _is_log(call)
            case ast.AugAssign() | ast.Continue():
                gone = True
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
                gone = True
            case ast.Assign(targets=[ast.Name(id=name)]):
                gone = any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.value))
            case ast.If(orelse=[], body=[ast.Return() | ast.Continue() | ast.Raise()]):
                gone = True
            case _:
                gone = False
        if gone:
            self._add(node, "dropped line", *self._span(node), "pass")

    def _operator(self, left: ast.expr, right: ast.expr, before: str, after: str, kind: str) -> None:
        a, b = self._span(left)[1], self._span(right)[0]
        at = self.source[a:b].find(before)
        self._add(left, kind, a + at, a + at + len(before), after)

    def _add(self, node: ast.stmt | ast.expr, kind: str, start: int, end: int, after: str) -> None:
        line = self.source.count("\n", 0, start) + 1
        before, to = self.source[self._lines[line - 1] : start], self.source.find("\n", end)
        changed = f"{before}[[{self.source[start:end]} -> {after}]]{self.source[end:to]}"
        self.found.append(
            Mutant(
                self.path,
                line,
                self._statement,
                kind,
                start,
                self.source[start:end],
                after,
                " ".join(changed.split()),
            )
        )

    def _span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _at(self, line: int, column: int) -> int:
        start = self._lines[line - 1]
        text = self.source[start : self._lines[line]]
        return start + len(text.encode()[:column].decode())  # columns count bytes


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_log(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and ast.unparse(node.func).startswith(("_log.", "warnings."))
