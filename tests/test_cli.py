"""The command line as a whole: which verbs there are, what each promises, and how a process ends."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_console_scripts import ScriptRunner

from mailctl import errors
from mailctl.cli import COMMANDS, EPILOG, load_command
from mailctl.errors import MailctlError

ROOT = Path(__file__).resolve().parents[1]
# What makes a start slow, and what `--help` has no use for.
HEAVY = {"sqlmodel", "sqlalchemy", "alembic", "dns", "cryptography", "pydantic_settings", "dkim", "jinja2"}
DATABASE = {"sqlmodel", "sqlalchemy", "alembic", "psycopg", "sqlite3"}
# These change things, or print what is no fact but a file's text; all others have --json.
WITHOUT_JSON = {
    "config init", "dkim retire", "dkim rotate", "dns apply", "dns export", "domain remove",
}  # fmt: skip
ESCAPE = "\x1b"


def tree() -> Iterator[tuple[str, Any]]:
    """Each command with the words that call it, groups included."""
    for verb in COMMANDS:
        command = load_command(verb.name)
        yield verb.name, command
        for name, sub in getattr(command, "commands", {}).items():
            yield f"{verb.name} {name}", sub


TREE = dict(tree())
LEAVES = {words: command for words, command in TREE.items() if not hasattr(command, "commands")}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of the machine's: no settings file, no colours, a state directory of its own."""
    here = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    return here | {
        "MAILCTL_STATE_DIR": str(tmp_path / "state"), "PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8",
    }  # fmt: skip


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def mailctl(environment: dict[str, str], tmp_path: Path) -> Run:
    """`mailctl` in a process of its own, its output in pipes; keywords are added to its environment."""

    def run(*words: str, code: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        program = ["-c", code] if code else ["-m", "mailctl"]
        return subprocess.run(
            [sys.executable, *program, *words], env=environment | more, cwd=tmp_path,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


# What there is


def test_the_folder_and_the_tuple_of_commands_are_the_same() -> None:
    files = {file.stem for file in (ROOT / "commands").glob("*.py") if not file.name.startswith("_")}
    assert files == {verb.name.replace("-", "_") for verb in COMMANDS}
    assert len({verb.name for verb in COMMANDS}) == len(COMMANDS)


@pytest.mark.parametrize("verb", COMMANDS, ids=lambda verb: verb.name)
def test_each_verb_has_an_app_without_completion_of_its_own(verb: Any) -> None:
    load_command(verb.name)
    app = sys.modules[f"mailctl.commands.{verb.name.replace('-', '_')}"].app
    assert app._add_completion is False
    assert verb.summary.endswith(".")
    assert len(verb.summary) <= 100


@pytest.mark.parametrize("words", TREE)
def test_each_command_has_help_with_an_example_of_itself(words: str) -> None:
    command = TREE[words]
    assert command.help
    example = (command.epilog or "").replace("\n", " ")
    assert example.startswith("Example")
    assert re.search(rf"mailctl (--?\S+ (\S+ )?)?{words}\b", example), example


@pytest.mark.parametrize("words", LEAVES)
def test_each_command_that_prints_facts_has_json(words: str) -> None:
    options = {option for parameter in LEAVES[words].params for option in parameter.opts}
    assert ("--json" in options) == (words not in WITHOUT_JSON)


@pytest.mark.parametrize("words", LEAVES)
def test_each_option_and_argument_says_what_it_is(words: str) -> None:
    silent = [p.name for p in LEAVES[words].params if not getattr(p, "help", "") and p.name != "help"]
    assert silent == []


@pytest.mark.parametrize("words", ["", *TREE])
def test_help_is_printed_by_both_names(script_runner: ScriptRunner, words: str) -> None:
    long = script_runner.run(["mailctl", *words.split(), "--help"])
    short = script_runner.run(["mailctl", *words.split(), "-h"])
    assert long.success
    assert long.stdout == short.stdout
    assert "Example" in long.stdout
    assert long.stderr == ""


# What it costs


def modules_after(mailctl: Run, *words: str) -> set[str]:
    code = """
import sys
from mailctl.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
    done = mailctl(*words, code=code)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_imports_no_command_and_nothing_heavy(mailctl: Run, word: str) -> None:
    loaded = modules_after(mailctl, word)
    assert "typer" in loaded
    assert loaded & HEAVY == set()
    assert [name for name in loaded if name.startswith(("mailctl.commands", "mailctl.domains"))] == []


def test_the_help_of_verify_imports_no_database(mailctl: Run) -> None:
    loaded = modules_after(mailctl, "verify", "--help")
    assert "mailctl.commands.verify" in loaded
    assert loaded & DATABASE == set()


def test_a_command_imports_no_other(mailctl: Run) -> None:
    loaded = modules_after(mailctl, "config", "show")
    assert {name for name in loaded if name.startswith("mailctl.commands.")} == {"mailctl.commands.config"}


# What is typed wrong


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [(["verfy"], "verify"), (["config", "shw"], "show"), (["config", "show", "--jsn"], "--json")],
)
def test_what_is_not_there_suggests_the_nearest(
    script_runner: ScriptRunner, words: list[str], suggestion: str
) -> None:
    done = script_runner.run(["mailctl", *words])
    assert done.returncode == 2
    assert suggestion in done.stderr.split("Error", 1)[1]
    assert done.stdout == ""


@pytest.mark.parametrize("words", [[], ["config"]])
def test_nothing_typed_is_the_help_and_bad_usage(mailctl: Run, words: list[str]) -> None:
    done = mailctl(*words)
    assert done.returncode == 2
    assert "Usage: " in done.stdout


# -q, -v, --config, --version


def test_version(mailctl: Run) -> None:
    done = mailctl("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "mailctl 0.1.0\n", "")


def test_quiet_says_only_what_went_wrong(mailctl: Run) -> None:
    good, bad = mailctl("-q", "config", "show"), mailctl("-q", "tenant", "show", "nobody")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    assert bad.returncode == 2
    assert bad.stderr.startswith("error: there is no tenant 'nobody'\nwhat to do: ")


def test_quiet_leaves_json_that_was_asked_for(mailctl: Run) -> None:
    assert "settings" in json.loads(mailctl("-q", "config", "show", "--json").stdout)


def test_a_settings_file_can_be_named_by_option_and_by_environment(mailctl: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[dns]\nttl = 77\n")
    by_option = mailctl("--config", str(file), "config", "show")
    by_variable = mailctl("config", "show", MAILCTL_CONFIG=str(file))
    assert "dns.ttl = 77" in by_option.stdout
    assert by_variable.stdout == by_option.stdout


# Colour


@pytest.mark.parametrize(
    "words", [["config", "show"], ["tenant", "show", "nobody"], ["--help"], ["verfy"], ["db", "status"]]
)
def test_a_pipe_gets_no_escapes(mailctl: Run, words: list[str]) -> None:
    done = mailctl(*words)
    assert ESCAPE not in done.stdout + done.stderr


def on_terminal(environment: dict[str, str], *words: str) -> str:
    """What `mailctl` writes to a terminal."""
    leader, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mailctl", *words],
        env=environment, stdin=terminal, stdout=terminal, stderr=terminal,
    ) as process:  # fmt: skip
        os.close(terminal)
        text = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:  # EIO: the last writer has gone
                break
            text += data
            if not data:
                break
        process.wait(30)
    os.close(leader)
    return text.decode()


@pytest.mark.parametrize("words", [("config", "show"), ("tenant", "show", "nobody")])
def test_a_terminal_gets_colours_unless_no_color_is_set(
    environment: dict[str, str], words: tuple[str, ...]
) -> None:
    assert ESCAPE in on_terminal(environment, *words)
    assert ESCAPE not in on_terminal(environment | {"NO_COLOR": "1"}, *words)


def test_what_was_typed_reaches_no_terminal_with_its_control_characters(mailctl: Run) -> None:
    done = mailctl("tenant", "show", f"{ESCAPE}[31mred")
    assert done.returncode == 2
    assert ESCAPE not in done.stdout + done.stderr
    assert "\\x1b" in done.stderr


# Completion


def completed(mailctl: Run, line: str) -> set[str]:
    """What bash is offered for the last word of `line`."""
    count = str(len(line.split()) - (not line.endswith(" ")))
    done = mailctl(_MAILCTL_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=count,
                   code="import sys; sys.argv[0] = 'mailctl'; from mailctl.cli import main; main()")  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.split())


def test_completion_offers_verbs_subcommands_options_and_choices(mailctl: Run) -> None:
    assert completed(mailctl, "mailctl ") == {verb.name for verb in COMMANDS}
    assert completed(mailctl, "mailctl ve") == {"verify"}
    assert completed(mailctl, "mailctl config ") == {"show", "check", "init"}
    assert {"--dns", "--dry-run", "--yes"} <= completed(mailctl, "mailctl setup --")
    assert completed(mailctl, "mailctl setup --dmarc ") == {"none", "quarantine", "reject"}


def test_completing_a_verb_imports_no_command(mailctl: Run) -> None:
    code = """
import atexit, sys
sys.argv[0] = "mailctl"
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from mailctl.cli import main
main()
"""
    done = mailctl(_MAILCTL_COMPLETE="complete_bash", COMP_WORDS="mailctl ", COMP_CWORD="1", code=code)
    assert "verify" in done.stdout
    assert set(done.stderr.split()) & (HEAVY | {"mailctl.commands"}) == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_names_the_program(mailctl: Run, shell: str) -> None:
    done = mailctl(_MAILCTL_COMPLETE=f"source_{shell}",
                   code="import sys; sys.argv[0] = 'mailctl'; from mailctl.cli import main; main()")  # fmt: skip
    assert "_MAILCTL_COMPLETE=complete_" in done.stdout
    assert " mailctl" in done.stdout


def test_bash_itself_completes_a_verb(environment: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "mailctl"
    program.write_text(f"#!{sys.executable}\nfrom mailctl.cli import main\nmain()\n")
    program.chmod(0o755)
    script = """
eval "$(_MAILCTL_COMPLETE=source_bash mailctl)"
COMP_WORDS=(mailctl ten); COMP_CWORD=1; _mailctl_completion mailctl; echo "${COMPREPLY[@]}"
"""
    done = subprocess.run(
        ["bash", "-c", script], env=environment | {"PATH": f"{tmp_path}:{environment['PATH']}"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("tenant\n", "")


# How it ends


def raising(statement: str) -> str:
    """A program: `mailctl` whose verb `db` is a module that does `statement`."""
    return f"""
import errno, sys, types
import typer
from mailctl import errors
stub = types.ModuleType("mailctl.commands.db")
stub.app = typer.Typer(add_completion=False)
@stub.app.command()
def db() -> None:
    {statement}
sys.modules["mailctl.commands.db"] = stub
from mailctl.cli import main
main()
"""


ERRORS = [kind for kind in vars(errors).values()
          if isinstance(kind, type) and issubclass(kind, MailctlError) and kind is not MailctlError]  # fmt: skip
TABLE = dict(re.findall(r"^\| (\d+) \| (.+) \|$", errors.__doc__ or "", re.MULTILINE))


def test_an_error_of_ours_is_one_message_with_every_reason(mailctl: Run) -> None:
    made = 'raise errors.Refused("no such thing", hint="do this", details=["one", "two [b]"])'
    done = mailctl("db", code=raising(made))
    assert done.returncode == 4
    assert done.stderr == "error: no such thing\n  - one\n  - two [b]\nwhat to do: do this\n"


@pytest.mark.parametrize("kind", [kind for kind in ERRORS if kind.exit_code != 70], ids=lambda k: k.__name__)
def test_each_error_has_an_exit_code_of_the_table(kind: type[MailctlError]) -> None:
    assert str(kind.exit_code) in TABLE


@pytest.mark.parametrize(("temporary", "code"), [(True, 3), (False, 4)])
def test_publishing_is_undetermined_or_refused(temporary: bool, code: int) -> None:
    assert errors.PublishError("x", temporary=temporary).exit_code == code


def test_the_exit_codes_in_the_help_are_those_of_the_errors() -> None:
    shown = EPILOG.split("[b]Exit codes[/]")[1].splitlines()[1:4]
    assert re.findall(r"(?<!\S)(\d+) [a-z]", "\n".join(shown)) == list(TABLE)


@pytest.mark.parametrize("verbose", ["-v", "-vv"])
def test_a_bug_ends_in_70_and_in_a_traceback_only_on_request(mailctl: Run, verbose: str) -> None:
    done = mailctl(verbose, "db", code=raising('raise KeyError("x")'))
    assert done.returncode == 70
    assert "this is a bug in mailctl: KeyError: 'x'\nwhat to do: please report it" in done.stderr
    assert ("Traceback" in done.stderr) == (verbose == "-vv")


@pytest.mark.parametrize("name", ["ENOSPC", "EACCES", "EROFS"])
def test_what_the_system_refuses_is_no_bug(mailctl: Run, name: str) -> None:
    done = mailctl("db", code=raising(f'raise OSError(errno.{name}, "refused", "/srv/x")'))
    assert done.returncode == 5
    assert done.stderr.startswith("error: the system says: ")
    assert "'/srv/x'\nwhat to do: " in done.stderr


@pytest.mark.parametrize("words", [["config", "show"], ["config", "show", "--json"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_message(environment: dict[str, str], words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mailctl", *words],
            env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 5
    assert done.stderr.startswith("error: the system says: [Errno 28]")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["config show", "config show --json", "--help"])
def test_a_reader_that_goes_away_is_no_traceback(environment: dict[str, str], words: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"$PYTHON -m mailctl {words} | true; $PYTHON -m mailctl {words} | head -1"],
        env=environment | {"PYTHON": sys.executable}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_closed_stdout_is_no_traceback(environment: dict[str, str]) -> None:
    command = f'"{sys.executable}" -m mailctl config show --json >&-'
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_ends_in_130_without_a_traceback(environment: dict[str, str], tmp_path: Path) -> None:
    words = ["rehearse", "shop.example", "--hostname", "mail.shop.example", "--ip", "192.0.2.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # a name server that never answers
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(30)
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-m", "mailctl", *words],
            env=environment | {"MAILCTL_DNS__NAMESERVERS": server},
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert silent.recv(512)  # it is asking
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in out + err


def test_a_module_is_the_same_program(script_runner: ScriptRunner, mailctl: Run) -> None:
    assert mailctl("--version").stdout == script_runner.run(["mailctl", "--version"]).stdout


def test_a_caller_in_the_same_process_sees_the_exit_code(
    script_runner: ScriptRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAILCTL_STATE_DIR", str(tmp_path))  # in-process, this process's environment counts
    calls = (["--version"], ["verfy"], ["config"], ["tenant", "show", "no such name"])
    assert [script_runner.run(["mailctl", *words]).returncode for words in calls] == [0, 2, 2, 2]
