#!/usr/bin/env bash
# OpenMIM 0.3.9 (Python 3.11).
#
# `mim run PACKAGE COMMAND` runs PACKAGE/.mim/tools/COMMAND.py of any installed package. Its
# help does not: `mim run PACKAGE COMMAND -h` knows OpenMMLab's own packages alone, and ends
# with an error for any other, although the same line without -h runs. `mim train PACKAGE -h`
# ends well for such a package.
#
# Seen:
#   mim run textures greet       hello, exit status 0
#   mim run textures greet -h    textures is not an OpenMMLAB codebase., exit status 1
#   mim train textures -h        the options of mim train, exit status 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openmim==0.3.9 'setuptools<81'

mkdir -p "$folder/source/textures/.mim/tools"
echo '__version__ = "1.0"' > "$folder/source/textures/__init__.py"
echo 'print("hello")' > "$folder/source/textures/.mim/tools/greet.py"
cat > "$folder/source/setup.py" <<'PYTHON'
from setuptools import setup

setup(
    name="textures",
    version="1.0",
    packages=["textures"],
    package_data={"textures": [".mim/tools/*.py"]},
)
PYTHON
"$folder/venv/bin/pip" install --quiet --no-build-isolation "$folder/source" 2>/dev/null ||
    "$folder/venv/bin/pip" install --quiet "$folder/source"

cd "$folder"
export PYTHONWARNINGS=ignore
mim="$folder/venv/bin/mim"
ran=$("$mim" run textures greet 2>&1)
helped=$("$mim" run textures greet -h 2>&1) && status=0 || status=$?
trained=$("$mim" train textures -h 2>&1) && other=0 || other=$?
echo "run:           $ran"
echo "run -h:        $status, $(tail -n 1 <<< "$helped")"
echo "train -h:      $other, $(grep -c 'not an OpenMMLAB' <<< "$trained" || true) such lines"
[[ $("$folder/venv/bin/pip" show openmim) == *"Version: 0.3.9"* ]]
[[ $ran == *hello* ]]
[[ $status -ne 0 && $helped == *"textures is not an OpenMMLAB codebase"* ]]
[[ $other -eq 0 && $trained != *"not an OpenMMLAB"* ]]
