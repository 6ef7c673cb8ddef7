"""The files of a class from the archive of Canvas or Moodle, where students choose names and contents.

nbgrader 0.9.6 unpacks archives in the archive too, and gives up the whole class if one of them is none,
or if two files have the name of one student. Here only notebooks come out, and what is wrong with one
file is told and stops no other.
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections import defaultdict
from pathlib import Path

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin

from ptlab.classroom import seeds
from ptlab.classroom.handed_files import MOST_MIB

_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, ValueError)
"""What zipfile raises for an entry that is damaged, encrypted or packed in another way."""


class Notebooks(ExtractorPlugin):  # type: ignore[misc]
    """Notebooks out of the archive, each of at most MOST_MIB; nothing else, and no archive in it."""

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """From all zip archives in a folder, and what lies beside them."""
        for path in sorted(Path(archive_path).rglob("*")):
            into = Path(extracted_path, path.relative_to(archive_path).parent)
            if path.suffix == ".zip":
                self._unpack(path, into / path.stem)
            elif path.suffix == ".ipynb" and path.is_file() and not path.is_symlink():
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, into)

    def _unpack(self, path: Path, into: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name = entry.filename
                if entry.is_dir():
                    continue
                if not name.endswith(".ipynb") or entry.file_size > MOST_MIB << 20:
                    what = f"notebooks of at most {MOST_MIB} MiB are collected"
                    self.log.error("%r was left out: %s", name, what)
                    continue
                try:
                    archive.extract(entry, into)
                except _BROKEN as error:
                    self.log.error("%r was left out: %s", name, error)


class Names(FileNameCollectorPlugin):  # type: ignore[misc]
    """The student and the set by a file's name. Where two files have the same, neither is collected."""

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """What the regular expression finds in the name; None if the file is not to be collected."""
        found = self._found(submitted_file)
        if found is None:
            return None
        claims = self._claims()[_who(found)]
        if len(claims) > 1:
            student, others = found["student_id"], ", ".join(Path(one).name for one in claims)
            self.log.error(
                "Of %r none was collected, for there are several: %s. Put the right one into submitted/",
                *(student, others),
            )
            return None
        return found

    def _found(self, file: str) -> dict[str, str] | None:
        match = re.match(self.named_regexp, file)
        return match.groupdict() if match else None

    def _claims(self) -> dict[tuple[str, str], list[str]]:
        """By student and set the files that have come for it."""
        app = self.parent
        folder = Path(app._format_collect_path(app.extracted_directory))
        claims = defaultdict[tuple[str, str], list[str]](list)
        for path in map(str, sorted(folder.rglob("*.ipynb"))):
            if found := self._found(path):
                claims[_who(found)].append(path)
        return claims


def _who(found: dict[str, str]) -> tuple[str, str]:
    return seeds.plain(found["student_id"]), found["file_id"]
