#!/bin/sh
# Writes the pinned requirements of the image, with the hash of every file, for any Linux and Python 3.11 or later.
#
#     deploy/image/lock.sh             keeps the versions that are pinned, where pyproject.toml allows them
#     deploy/image/lock.sh --upgrade   takes the latest
#
# Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/../.."
export UV_CUSTOM_COMPILE_COMMAND=deploy/image/lock.sh
set -- uv pip compile --quiet --universal --python-version 3.11 --generate-hashes "$@"
"$@" --extra cbor pyproject.toml --output-file deploy/image/requirements.lock
"$@" deploy/image/build-requirements.in --output-file deploy/image/build-requirements.lock
