"""What README and documentation print to be typed exists, with the options it has."""

import re
from pathlib import Path

import pytest

from texture_kd.compat.launch import mmrazor_tool

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def commands(page: Path) -> list[str]:
    """Commands in the blocks and among the words of a page, each on one line."""
    text = page.read_text()
    lines = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.S))
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    words = [" ".join(word.split()) for word in re.findall(r"`([^`]+)`", prose)]
    lines = [*lines.replace("\\\n", " ").splitlines(), *words]
    return [line.partition(" #")[0] for line in lines]


def options(tool: Path) -> set[str]:
    """Options in the source of a tool and of what reads its command line for it."""
    sources = [tool]
    if tool.name in ("train.py", "test.py"):
        sources.append(mmrazor_tool(tool.name))
    for parser in ("measure", "train_step"):
        if f"from {parser} import" in tool.read_text():
            sources.append(tool.with_name(f"{parser}.py"))
    return {
        option
        for source in sources
        for option in re.findall(r"[\"'](--[a-z-]+)[\"']", source.read_text())
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_have_their_tools_options_and_configs(page):
    for command in commands(page):
        for name in re.findall(r"(?:^|\s)(tools/[\w./]+)", command):
            tool = REPOSITORY / name
            assert tool.exists(), command
            if tool.suffix == ".py":
                asked = set(re.findall(r"\s\[?(--[a-z-]+)", command))
                assert asked <= options(tool), command
        for config in re.findall(r"(?:^|\s)(configs/[\w./*-]+)", command):
            assert list(REPOSITORY.glob(config)), command


def test_there_are_commands_to_look_at():
    found = [line for page in PAGES for line in commands(page) if "tools/" in line]
    assert len(found) > 40
