"""README.md as a package index shows it: there a relative link leads nowhere.

hatchling asks this when it builds. The links lead to the repository, once `make publish` has written its
address; until then the text stays as it is.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?!https?:|#)([^)\s]+)\)")


class Readme(MetadataHookInterface):
    """Gives the project its `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the text into the project's table."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        if source := metadata.get("urls", {}).get("Source"):
            text = _LINK.sub(lambda link: f"{link[1]}({_address(source, *link.groups())})", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def _address(source: str, words: str, path: str) -> str:
    """Of a picture the file itself, of anything else the page about it."""
    return f"{source}/{'raw' if words.startswith('!') else 'blob'}/HEAD/{path}"
