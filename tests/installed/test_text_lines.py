# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the sidebar break into lines where their language allows it."""

from __future__ import annotations

from typing import Any

from .conftest import part


def test_a_line_breaks_at_spaces_but_never_between_a_number_and_its_unit(extension: Any) -> None:
    lines = part("text_lines")._lines("Abweichung im Mittel 0.06\u00a0% seiner Größe", 110.0, 11.0)
    assert len(lines) > 2
    assert " ".join(lines) == "Abweichung im Mittel 0.06\u00a0% seiner Größe"
    assert sum("0.06\u00a0%" in line for line in lines) == 1


def test_an_address_that_is_wider_than_a_line_breaks_after_a_slash(extension: Any) -> None:
    lines = part("text_lines")._lines("No server answers at http://127.0.0.1:8080: it refuses", 90.0, 11.0)
    assert any(line.startswith("127.0.0.1:8080") for line in lines)
    assert "".join(part("text_lines")._lines("/a/" + "b" * 60, 90.0, 11.0)) == "/a/" + "b" * 60


def test_no_line_breaks_within_a_size(extension: Any) -> None:
    lines = part("text_lines")._lines("UVs · Texture 593 × 604", 110.0, 11.0)
    assert lines == ("UVs · Texture", "593\u00a0×\u00a0604")


def test_a_text_without_spaces_breaks_anywhere_and_nothing_of_it_is_lost(extension: Any) -> None:
    text = "オリジナルとのずれ：サイズの平均0.06%、最大0.13%"
    lines = part("text_lines")._lines(text, 110.0, 11.0)
    assert len(lines) > 2
    assert "".join(lines) == text


def test_no_line_begins_with_a_comma_or_a_full_stop_and_none_ends_with_an_opening_bracket(extension: Any) -> None:
    text = "サーバー（自分のGPU）を起動するか、アドオンのプリファレンスでアドレスを「修正」してください。"
    for width in range(60, 160, 5):
        lines = part("text_lines")._lines(text, float(width), 11.0)
        assert "".join(lines) == text
        assert not any(line[0] in "、。）」ー" or line[-1] in "（「" for line in lines)
