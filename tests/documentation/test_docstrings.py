"""Docstrings become reStructuredText that shows them as they are written."""

from __future__ import annotations

from infra.documentation.docstrings import restructured, summary


def test_paragraphs_are_joined_and_marks_of_restructured_text_are_taken_to_the_letter() -> None:
    text = "E_q |x| * 2,\ngoes on in `a_b | c` and\\n.\n\nThe second."
    assert restructured(text) == [
        "E\\_q \\|x\\| \\* 2, goes on in \\ ``a_b | c``\\  and\\\\n.",
        "",
        "The second.",
        "",
    ]


def test_what_is_indented_after_a_blank_line_is_literal_with_the_blank_lines_in_it() -> None:
    assert restructured("Loss:\n\n    a + b\n\n      c\n\nAfter.") == [
        *("Loss:", ""),
        *("::", "", "    a + b", "", "      c", ""),
        *("After.", ""),
    ]


def test_arguments_are_terms_with_definitions_that_go_on_where_they_are_indented() -> None:
    lines = restructured(
        "Title.\n\nArgs:\n    x, y: points,\n        of one shape.\n    lam: λ.\n\nRaises:\n    ValueError: none."
    )
    assert lines == [
        *("Title.", ""),
        *("**Arguments**", "", "``x, y``", "    points, of one shape.", "", "``lam``", "    λ.", "", ""),
        *("**Raises**", "", "``ValueError``", "    none.", "", ""),
    ]


def test_departures_keep_their_numbers_also_where_some_are_another_systems() -> None:
    lines = restructured(
        "Title.\n\nDepartures from the paper: as A, 1, and\n    2. Two\n       lines.\n    5. Five."
    )
    assert lines[2:] == [
        "Departures from the paper: as A, 1, and",
        "",
        "2. Two lines.",
        "",
        "5. Five.",
        "",
        "",
    ]


def test_summary_is_the_first_paragraph() -> None:
    assert summary("One\n    line.\n\n    Another.") == "One line."
    assert summary(None) == ""
    assert restructured(None) == []
