import subprocess

from landcover.profiles.assignments import shell_assignments


def test_texts_lists_and_exports() -> None:
    text = shell_assignments(
        {"RUN_DIR": "/a b", "TEACHERS": ("a b", "c"), "AGREE_WITH": (), "PLUGINS": ("x", "y")}, {"A": "1"}
    )
    assert text.splitlines() == [
        "export A=1",
        "RUN_DIR='/a b'",
        "TEACHERS=('a b' c)",
        "AGREE_WITH=()",
        "export PLUGINS='x y'",
    ]


def test_bash_gets_every_character_back() -> None:
    hard = 'it\'s "$HOME" `ls` \\ * ! ä\n;&|<> '
    text = shell_assignments({"RUN_DIR": hard, "TEACHERS": (hard, "", "-n")}, {})
    script = f'set -u\n{text}\nprintf \'<%s>\' "$RUN_DIR" "${{TEACHERS[@]}}"'
    call = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert call.stdout == f"<{hard}><{hard}><><-n>"
