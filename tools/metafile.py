"""List the configs for mim: `python tools/metafile.py` writes configs/metafile.yml.

It is what `mim search texture_kd` reads, and all of it follows from the files' names.
"""

from pathlib import Path

import yaml

CONFIGS = Path(__file__).parents[1] / "configs"
ARXIV = "https://arxiv.org/abs/"
# Title and paper of the methods, by the beginning of a config's name.
METHODS = {
    "sstkd": ("SSTKD", "2305.03944"),
    "cwd": ("CWD", "2011.13256"),
    "fitnet": ("FitNet", "1412.6550"),
    "pkd": ("PKD", "2207.02039"),
    "skd": ("SKD", "1903.04197"),
    "fakd": ("FAKD", None),
    "lfd": ("LSFD", "2111.10988"),
    "lsfd": ("LSFD", "2111.10988"),
    "ds2d2": ("DS2D2", "2512.04413"),
    "texture": ("Texture", None),
    "response": ("Response", None),
}
ALONE = "Network alone"
DATA = {
    "cityscapes": "Cityscapes",
    "voc12aug": "Pascal VOC 2012 + Aug",
    "ade20k": "ADE20K",
    "pascal-context": "Pascal Context",
    "camvid": "CamVid",
    "aerial": "Aerial images of Dubai",
    "mosaic": "Texture mosaic",
    "dior": "DIOR",
    "dota": "DOTA",
    "edsr": "Texture mosaic",
}


def main() -> None:
    """Write the file."""
    text = yaml.safe_dump(metafile(), sort_keys=False, allow_unicode=True)
    (CONFIGS / "metafile.yml").write_text(
        f"# {__doc__.splitlines()[0]}\n{text}", encoding="utf-8"
    )


def metafile() -> dict:
    """Return collections and models as mim has them."""
    titles = {title: paper for title, paper in METHODS.values()}
    collections = [
        dict(Name=title) | (dict(Paper=dict(URL=ARXIV + paper)) if paper else {})
        for title, paper in titles.items()
    ]
    paths = sorted(CONFIGS.glob("*.py")) + sorted(CONFIGS.glob("super_resolution/*.py"))
    return dict(
        Collections=[*collections, dict(Name=ALONE)],
        Models=[model(path) for path in paths],
    )


def model(path: Path) -> dict:
    """Describe a config by its name."""
    method = path.stem.split("_")[0].split("-")[0]
    data = next(name for key, name in DATA.items() if key in path.stem)
    return {
        "Name": path.stem,
        "In Collection": METHODS[method][0] if method in METHODS else ALONE,
        "Config": path.relative_to(CONFIGS.parent).as_posix(),
        "Metadata": {"Training Data": data},
    }


if __name__ == "__main__":
    main()
