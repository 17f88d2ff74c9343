# Prepares Python for this repository. Sourced by every command of tools/, also from your own shell:
#   source tools/environment.sh
# Uses the active virtual or conda environment if there is one; otherwise makes .venv here, installs
# requirements.txt into it once, and again only when that file changes. PYTHON=python3.12 picks another interpreter.

REPO_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export REPO_ROOT
export PYTHONPATH="$REPO_ROOT${PYTHONPATH:+:$PYTHONPATH}"
export NO_ALBUMENTATIONS_UPDATE=1 # albumentations asks the package index for news at import otherwise
export HF_HUB_OFFLINE=1           # weights are files here; timm must not try the network
# glibc gives every large tensor back to the kernel and faults it in again; keeping it is up to 1.9x faster on CPU.
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-4294967296}"
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-4294967296}"
# Threads of OpenMP that wait for each other sleep after some microseconds. On a machine with other work, spinning ones
# take the time of those that they wait for: one tile in a minute instead of a second.
[ -n "${OMP_WAIT_POLICY:-}" ] || export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"

_environment_fail() {
    echo "error: $*" >&2
    return 1
}

# Runs a command with its output in a log and one progress line: rewritten in a terminal, every 15 s elsewhere.
_with_progress() {
    local label=$1 log=$2 start=$SECONDS shown=-15
    shift 2
    "$@" >>"$log" 2>&1 &
    local pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if [ -t 2 ]; then
            printf '\r\033[K%s: %ds  %.70s' "$label" $((SECONDS - start)) "$(tail -n 1 "$log" | tr -d '\r')" >&2
        elif [ $((SECONDS - start - shown)) -ge 15 ]; then
            shown=$((SECONDS - start))
            printf '%s: %ds\n' "$label" "$shown" >&2
        fi
        sleep 0.5
    done
    wait "$pid" || return 1
    [ -t 2 ] && printf '\r\033[K' >&2
    printf '%s: done in %ds\n' "$label" $((SECONDS - start)) >&2
}

_install_requirements() {
    local venv=$1 log=$1/install.log headless
    headless=$(grep -o '^opencv-python-headless==[0-9.]*' "$REPO_ROOT/requirements.txt") || return 1
    : >"$log"
    echo "Installing requirements.txt into $venv (about 6 GB with the CUDA libraries; log: $log)" >&2
    _with_progress "  packages" "$log" "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        -r "$REPO_ROOT/requirements.txt" -c "$REPO_ROOT/tools/constraints.txt" || return 1
    # Both OpenCV packages write cv2/; the headless one must come last, the other needs libGL.
    _with_progress "  headless OpenCV" "$log" "$venv/bin/python" -m pip install --disable-pip-version-check \
        --progress-bar off --force-reinstall --no-deps "$headless" || return 1
    _with_progress "  import check" "$log" "$venv/bin/python" -c "import cv2, torch, timm, mmcv, mmengine, albumentations" \
        || return 1
}

_prepare_venv() {
    local venv="$REPO_ROOT/.venv" python="${PYTHON:-python3}" wanted
    wanted=$(cat "$REPO_ROOT/requirements.txt" "$REPO_ROOT/tools/constraints.txt" | sha256sum | cut -d' ' -f1)
    (
        exec 9>"$REPO_ROOT/.venv.lock"
        flock 9 2>/dev/null || true # two commands started at once install one after the other
        [ "$(cat "$venv/requirements.sha256" 2>/dev/null)" = "$wanted" ] && exit 0
        "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
            || { _environment_fail "Python 3.11 to 3.13 is needed, '$python' is $("$python" --version 2>&1); set PYTHON=/path/to/python3.11"; exit 1; }
        [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" \
            || { _environment_fail "could not make $venv; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
        rm -f "$venv/requirements.sha256"
        _install_requirements "$venv" \
            || { tail -n 15 "$venv/install.log" >&2; _environment_fail "installation failed, see $venv/install.log; run the command again to continue"; exit 1; }
        echo "$wanted" >"$venv/requirements.sha256"
    ) || return 1
    # shellcheck disable=SC1091
    source "$venv/bin/activate"
}

if [ -n "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ]; then
    python -c 'from importlib.util import find_spec as f; import sys; m = [n for n in ("torch", "mmseg", "timm", "albumentations", "tifffile", "imagecodecs") if not f(n)]; sys.exit("missing: " + ", ".join(m) if m else 0)' \
        || { _environment_fail "the active environment ${VIRTUAL_ENV:-$CONDA_PREFIX} is not complete: pip install -r requirements.txt, or deactivate it and one is made in .venv"; return 1 2>/dev/null || exit 1; }
else
    _prepare_venv || { return 1 2>/dev/null || exit 1; }
fi
