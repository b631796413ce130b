# shellcheck shell=bash
# Sourced on a node by every command that Ray's cluster launcher runs there (see setup.sh), and by nobody's own shell.
export PATH="$HOME/generative-robustness/venv/bin:$PATH"
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 MLFLOW_DISABLE_TELEMETRY=true
# Its own: the address of another Ray on this machine is neither read nor overwritten.
export RAY_TMPDIR="${GENERATIVE_ROBUSTNESS_TMPDIR:-/tmp/generative-robustness-$(id -u)}"
# What `--address auto` means; else any Ray that runs here would do.
if [ -f "$RAY_TMPDIR/ray/ray_current_cluster" ]; then
    RAY_ADDRESS=$(cat "$RAY_TMPDIR/ray/ray_current_cluster")
    export RAY_ADDRESS
fi
# A head without other nodes listens on loopback alone; Ray has no other switch for that.
if [ -f "$HOME/generative-robustness/loopback" ]; then export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0; fi
# `ray down` and `ray kill-random-node` run `ray stop`, which would end everybody's Ray.
ray() {
    if [ "$1" = stop ]; then python -m infra.node stop; else command ray "$@"; fi
}
