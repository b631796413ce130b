#!/usr/bin/env bash
# Installs the project's wheel on a node, in a virtual environment of its own, with what constraints.txt pins.
#   setup.sh [EXTRA]    EXTRA: aws or gcp, what the autoscaler on the head needs of that cloud
set -euo pipefail
home=$HOME/generative-robustness
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup.sh: Python must be >= 3.11, got $("$python" --version 2>&1); set PYTHON" >&2
    exit 2
}
chmod 700 "$HOME/.ray"
chmod 600 "$HOME/.ray/auth_token"
[ -x "$home/venv/bin/python" ] || "$python" -m venv "$home/venv"
wheels=("$home"/dist/*.whl)
"$home/venv/bin/python" -m pip install --quiet --constraint "$home/dist/constraints.txt" "${wheels[0]}${1:+[$1]}"
# The same version of the project may be another wheel; its dependencies are there by now.
"$home/venv/bin/python" -m pip install --quiet --no-deps --force-reinstall "${wheels[0]}"
# Only for commands of Ray's launcher, which has this phrase in each of them: a user's own shell stays as it is.
# shellcheck disable=SC2016
line='[[ ${BASH_EXECUTION_STRING-} == *"PYTHONWARNINGS=ignore && ("* ]] && . ~/generative-robustness/dist/node.sh'
touch "$HOME/.bashrc"
rest=$(cat "$HOME/.bashrc")
# First, for many a .bashrc returns early.
grep -qxF "$line" "$HOME/.bashrc" || printf '%s\n%s\n' "$line" "$rest" >"$HOME/.bashrc"
