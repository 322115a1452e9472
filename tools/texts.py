# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the displayed texts, and keeps the translations complete: `python tools/texts.py [options]`.

    (nothing)             how complete each language is
    --list                every displayed text, and where it is, as JSON
    --composed            texts composed with f-strings, which can't be translated
    --missing de_DE       the texts without a translation as JSON: {"English": ""}
    --merge de_DE FILE    add translations from such a file, filled in
    --write               bring all files into the order of the texts, and remove what is not displayed any more

The translations are in translations/<locale>.json. The extension is built, installed into an empty user folder and
enabled in Blender's module, since many texts are only in its registered classes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from displayed_texts import Found, in_code, placeholders
from product_modules import ROOT

FOLDER = ROOT / "translations"
PACKAGE = "bl_ext.user_default.image_to_3d"
_ASK = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import bpy, addon_utils
assert addon_utils.enable(sys.argv[2], default_set=True) is not None
import registered_texts
print("\\nTEXTS " + json.dumps(registered_texts.in_classes(sys.argv[2])), flush=True)
os._exit(0)  # the bpy module can hang at exit while operators are registered
"""


def displayed() -> Found:
    """Returns every displayed text: those in the code, then those of the registered classes."""
    found = in_code()
    with tempfile.TemporaryDirectory(prefix="image-to-3d-texts-") as name:
        _install(Path(name))
        command = [sys.executable, "-c", _ASK, str(ROOT / "tools"), PACKAGE]
        environment = os.environ | {"BLENDER_USER_RESOURCES": name}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    line = next(line for line in done.stdout.splitlines() if line.startswith("TEXTS "))
    return Found({**json.loads(line.removeprefix("TEXTS ")), **found.texts}, found.composed)


def _install(user: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "build.py"), "--output", str(user / "built")]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True)
    with zipfile.ZipFile(done.stdout.split("\n")[-2]) as archive:
        archive.extractall(user / "extensions" / "user_default" / "image_to_3d")


def languages() -> list[str]:
    """Returns the locales for which there is a file."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read(locale: str) -> dict[str, str]:
    """Returns the translations of a language by their English texts."""
    texts: dict[str, str] = json.loads((FOLDER / f"{locale}.json").read_text("utf-8"))
    return texts


def write(locale: str, translations: dict[str, str], texts: dict[str, str]) -> None:
    """Write the translations of a language in the order of the texts; others are left out."""
    ordered = {english: translations[english] for english in sorted(texts) if translations.get(english)}
    content = json.dumps(ordered, ensure_ascii=False, indent=1) + "\n"
    (FOLDER / f"{locale}.json").write_text(content, "utf-8")


def missing(texts: dict[str, str], translations: dict[str, str]) -> list[str]:
    """Returns the texts without a translation."""
    return [english for english in texts if not translations.get(english)]


def orphans(texts: dict[str, str], translations: dict[str, str]) -> list[str]:
    """Returns the translated texts that nothing displays."""
    return [english for english in translations if english not in texts]


def wrong_placeholders(translations: dict[str, str]) -> list[str]:
    """Returns the texts whose translation does not name the same arguments in braces."""
    return [english for english, text in translations.items() if placeholders(english) != placeholders(text)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--composed", action="store_true")
    parser.add_argument("--missing", metavar="LOCALE")
    parser.add_argument("--merge", nargs=2, metavar=("LOCALE", "FILE"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = displayed()
    if options.list:
        print(json.dumps(found.texts, ensure_ascii=False, indent=1))
    elif options.composed:
        print("\n".join(found.composed))
    elif options.missing:
        known = read(options.missing) if options.missing in languages() else {}
        print(json.dumps(dict.fromkeys(missing(found.texts, known), ""), ensure_ascii=False, indent=1))
    elif options.merge:
        locale, file = options.merge
        added = json.loads(Path(file).read_text("utf-8"))
        write(locale, {**(read(locale) if locale in languages() else {}), **added}, found.texts)
    else:
        for locale in languages():
            translations = read(locale)
            if options.write:
                write(locale, translations, found.texts)
            counts = (len(missing(found.texts, translations)), len(orphans(found.texts, translations)))
            wrong = wrong_placeholders(translations)
            print(f"{locale}: {counts[0]} of {len(found.texts)} missing, {counts[1]} not displayed any more", *wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main())
