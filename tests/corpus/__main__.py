"""`python -m tests.corpus [word ...]`: a table of the cases (whose names hold a word): operations of the textbook and ours, our formula."""

from __future__ import annotations

import sys

from tests.corpus.cases import all_cases, derive


def main(words: list[str]) -> None:
    rows = []
    for case in all_cases():
        if words and not any(word in case.id for word in words):
            continue
        derived = derive(case)
        shown = derived.formula()
        text = shown.text + "".join(f"; {name} = {part}" for name, part in shown.where)
        rows.append((case, case.textbook_operations, derived.operations, derived.seconds, text))
    width = max((len(case.id) for case, *_ in rows), default=4)
    print(f"{'case':{width}}  textbook  ours  seconds  formula")
    for case, book, ours, seconds, text in rows:
        mark = "*" if book is not None and ours > book else " "
        print(f"{case.id:{width}}  {'-' if book is None else book:>8}  {ours:>4}{mark} {seconds:7.3f}  {text}")
    judged = [(book, ours) for _, book, ours, _, _ in rows if book is not None]
    within = sum(ours <= book for book, ours in judged)
    print(f"{within} of {len(judged)} at or below the textbook (* is above), {sum(r[3] for r in rows):.1f} s in all")


main(sys.argv[1:])
