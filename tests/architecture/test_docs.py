"""The documents lead where they say."""

import re
from collections.abc import Iterator
from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def dead_links(document: Path) -> Iterator[str]:
    """The relative links of a Markdown file that lead to no file."""
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        if not (document.parent / target).exists():
            yield f"{document.name}: {target}"


def test_dead_link_is_found(tmp_path: Path) -> None:
    """A link to nothing is named; addresses, anchors and links to files are not."""
    document = tmp_path / "page.md"
    document.write_text("[a](page.md#b) [b](#b) [c](https://c.example/d) [d](adr/) [e](../nothing.md#f)")
    (tmp_path / "adr").mkdir()

    assert list(dead_links(document)) == ["page.md: ../nothing.md"]


def test_links_lead_to_files(root: Path) -> None:
    """Every relative link of the documents leads to a file of the checkout."""
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md")]

    assert documents
    assert not [link for document in documents for link in dead_links(document)]
