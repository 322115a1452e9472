# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the add-on displays is translated into every language that it has."""

from __future__ import annotations

from typing import Any

import displayed_texts
import pytest
import registered_texts
import texts

from .conftest import PACKAGE, part

LANGUAGES = ("de_DE", "es", "fr_FR", "ja_JP", "pt_BR", "zh_HANS")


@pytest.fixture(scope="module")
def displayed(extension: Any) -> displayed_texts.Found:
    found = displayed_texts.in_code()
    return displayed_texts.Found({**registered_texts.in_classes(PACKAGE), **found.texts}, found.composed)


def test_each_language_of_the_add_on_is_one_that_blender_offers() -> None:
    assert texts.languages() == list(LANGUAGES)


def test_no_displayed_text_is_composed_so_that_it_cannot_be_translated(displayed: displayed_texts.Found) -> None:
    assert displayed.composed == []


def test_the_texts_of_errors_are_found_wherever_their_classes_are(extension: Any) -> None:
    classes, remaining = {part("local_servers.errors").BusyError}, [part("errors").ImageTo3DError]
    while remaining:
        derived = remaining.pop().__subclasses__()
        classes.update(derived)
        remaining += derived
    assert {each.__name__ for each in classes} <= displayed_texts.error_classes(displayed_texts.syntax_trees())


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_displayed_text_is_translated(displayed: displayed_texts.Found, locale: str) -> None:
    assert texts.missing(displayed.texts, texts.read(locale)) == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_nothing_is_translated_that_is_not_displayed(displayed: displayed_texts.Found, locale: str) -> None:
    assert texts.orphans(displayed.texts, texts.read(locale)) == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_translation_names_the_same_arguments(locale: str) -> None:
    assert texts.wrong_placeholders(texts.read(locale)) == []


@pytest.mark.parametrize(
    ("locale", "file"),
    [("de_DE", "de_DE"), ("de_AT", "de_DE"), ("es", "es"), ("zh_HANS", "zh_HANS"), ("zh_HANT", ""), ("en_US", "")],
)
def test_a_language_of_another_country_has_the_same_texts(extension: Any, locale: str, file: str) -> None:
    found = part("translation").file_for(locale)
    assert (found.stem if found else "") == file
