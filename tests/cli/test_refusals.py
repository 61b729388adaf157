"""A refusal on the command line: words for people, JSON for scripts, the code in both, exit code 1."""

from __future__ import annotations

import json
import subprocess
import sys


def refused(*words: str) -> subprocess.CompletedProcess[str]:
    """`huisuan` run with these words, which it refuses."""
    program = "import sys; from huisuan.cli.main import main; sys.argv[0] = 'huisuan'; main()"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    return done


def test_people_read_words_and_the_code() -> None:
    said = refused("law", "settings", "no-such-policy").stderr
    assert said.startswith("错误：")
    assert "no-such-policy" in said
    assert said.rstrip().endswith("（law.policy_unknown）")


def test_a_script_that_asked_for_json_gets_the_refusal_as_json() -> None:
    said = json.loads(refused("law", "settings", "no-such-policy", "--json").stderr)
    assert said["code"] == "law.policy_unknown"
    assert "no-such-policy" in said["message"]
